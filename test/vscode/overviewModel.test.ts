import assert from 'node:assert/strict';
import type { ChainModel } from '../../src/protocol/chain.js';
import type { QuotaUse } from '../../src/protocol/events.js';
import { forecasts } from '../../src/protocol/forecast.js';
import type { KeyView } from '../../src/protocol/keys.js';
import type { ProviderView } from '../../src/protocol/provider.js';
import { type OverviewData, overviewOf } from '../../src/vscode/overviewModel.js';
import { unchosenChain } from './unchosenChain.js';

const NOW = 1_000_000;
const HOUR = 3_600_000;

const provider = (id: string, more: Partial<ProviderView> = {}): ProviderView => ({
  ...{ id, name: id.toUpperCase(), offers: '', baseUrl: '', keyUrl: null, isKeyless: false, hasAccountId: false },
  ...{ keyPattern: null, terms: null, keys: 1, models: 2, ...more },
});
const key = (id: string, of: string, more: Partial<KeyView> = {}): KeyView => ({
  ...{ id, provider: of, label: id, mask: '…', enabled: true, limits: {}, models: null, isFixed: false },
  ...{ health: { status: 'healthy', message: null, checkedAt: null }, ...more },
});
const use = (of: string, used: number, limit: number | null, more: Partial<QuotaUse> = {}): QuotaUse => ({
  ...{ id: `${of} ${more.keyId} ${more.model}`, kind: 'rpd', provider: of, model: null, keyId: 'k1', used, limit },
  ...{ source: 'catalog', resetsAt: NOW + HOUR, learnedAt: null, lastsUntil: null, ...more },
});
const model = (name: string, more: Partial<ChainModel> = {}): ChainModel => ({
  ...{
    model: `a/${name}`,
    provider: 'a',
    id: name,
    name,
    enabled: true,
    available: true,
    goneUntil: null,
    trying: false,
    group: null,
    providers: ['a'],
  },
  ...{ keys: 1, contextWindow: null, maxOutput: null, tools: true, vision: false, reasoning: false },
  ...{ monthlyTokens: null, today: null, score: null, ...more },
});
const data = (change: Partial<OverviewData> = {}): OverviewData => ({
  ...{ providers: [provider('a'), provider('b')], keys: [key('k1', 'a')], quota: [], cooldowns: [], day: null },
  chain: { ...unchosenChain, data: [] },
  ...change,
});

describe('overview', () => {
  it('has the first five of the chain that are on, with what is left where that is known', () => {
    const today = {
      left: 0.5,
      requests: { used: 1, limit: 2 },
      tokens: { used: 0, limit: null },
      resetsAt: 0,
      isShared: false,
    };
    const free = { ...today, left: 1, requests: { used: 1, limit: null } };
    const models = [model('m1', { today }), model('off', { enabled: false }), model('m2', { today: free })];
    const more = ['m3', 'm4', 'm5', 'm6'].map((name) => model(name));
    const { chain, chainLength } = overviewOf(data({ chain: { ...unchosenChain, data: [...models, ...more] } }), NOW);
    assert.deepEqual(
      chain.map(({ name, left }) => [name, left]),
      [
        ['m1', 0.5],
        ['m2', null],
        ['m3', null],
        ['m4', null],
        ['m5', null],
      ],
    );
    assert.equal(chainLength, 6);
    assert.deepEqual(chain[0]?.providers, ['A']);
  });

  it('has the providers with keys and the keyless that are on, with their day', () => {
    const providers = [provider('a'), provider('free', { isKeyless: true }), provider('off', { isKeyless: true })];
    const keys = [
      key('k1', 'a'),
      key('k2', 'a', { enabled: false }),
      key('f', 'free'),
      key('o', 'off', { enabled: false }),
    ];
    const quota = [use('a', 3, 10), use('a', 1, 10, { keyId: 'k2' })];
    const found = overviewOf(data({ providers, keys, quota }), NOW).providers;
    assert.deepEqual(
      found.map(({ id, keys, state }) => [id, keys, state]),
      [
        ['a', 2, 'healthy'],
        ['free', 0, 'healthy'],
      ],
    );
    assert.deepEqual(found[0]?.day, { used: 3, limit: 10, resetsAt: NOW + HOUR });
  });

  it('says until when a provider waits', () => {
    const cooldown = {
      id: 'c',
      scope: 'key',
      provider: 'a',
      model: null,
      keyId: 'k1',
      kind: 'rate_limit',
      message: '',
      since: 0,
      state: 'resting' as const,
    };
    const [first] = overviewOf(data({ cooldowns: [{ ...cooldown, until: NOW + 5 }] }), NOW).providers;
    assert.deepEqual([first?.state, first?.waitsUntil], ['waiting', NOW + 5]);
    const [later] = overviewOf(data({ cooldowns: [{ ...cooldown, until: NOW + 5 }] }), NOW + 6).providers;
    assert.deepEqual([later?.state, later?.waitsUntil], ['healthy', null]);
  });

  it('has the three tightest windows of a day or more that were used, one of each model', () => {
    const quota = [
      use('a', 9, 10, { model: 'm1' }),
      use('a', 95, 100, { model: 'm1', kind: 'tpd' }),
      use('a', 60, 60, { model: 'm2', kind: 'rpm' }),
      use('a', 0, 1, { model: 'm3' }),
      use('a', 5, null, { model: 'm4' }),
      use('b', 5, 10),
      use('b', 1, 10, { model: 'm' }),
      use('b', 0.5, 10, { model: 'n' }),
      use('a', 10, 10, { model: 'over', resetsAt: NOW - 1 }),
    ];
    const { tight } = overviewOf(data({ quota }), NOW);
    assert.deepEqual(
      tight.map(({ name, model, kind }) => `${name} ${model} ${kind}`),
      ['A m1 tpd', 'B null rpd', 'B m rpd'],
    );
  });
});

describe('forecast', () => {
  const until = (at: number) => ({ lastsUntil: NOW + at });
  const one = () => 1;

  it('is of what runs out before it resets, soonest first', () => {
    const quota = [
      use('a', 5, 10, { model: 'slow', ...until(500) }),
      use('b', 5, 10, until(100)),
      use('b', 5, 10, { model: 'lasts' }),
      use('a', 60, 60, { model: 'minute', kind: 'rpm', ...until(10) }),
    ];
    assert.deepEqual(forecasts(quota, one, NOW), [
      { provider: 'b', model: null, until: NOW + 100 },
      { provider: 'a', model: 'slow', until: NOW + 500 },
    ]);
  });

  it('goes by the window that is full first, and by the key that lasts longest', () => {
    const quota = [
      use('a', 5, 10, until(300)),
      use('a', 5, 10, { kind: 'tpd', ...until(100) }),
      use('a', 5, 10, { keyId: 'k2', ...until(200) }),
    ];
    assert.deepEqual(
      forecasts(quota, () => 2, NOW),
      [{ provider: 'a', model: null, until: NOW + 200 }],
    );
  });

  it('is not made where a key goes on, or may', () => {
    const used = use('a', 5, 10, until(100));
    assert.deepEqual(
      forecasts([used, use('a', 1, 10, { keyId: 'k2' })], () => 2, NOW),
      [],
    );
    assert.deepEqual(
      forecasts([used], () => 2, NOW),
      [],
    );
  });

  it('knows windows that all keys share', () => {
    assert.equal(forecasts([use('a', 5, 10, { keyId: null, ...until(100) })], () => 3, NOW).length, 1);
  });

  it('says nothing of what is used up already', () => {
    assert.deepEqual(forecasts([use('a', 10, 10, until(0))], one, NOW), []);
  });
});
