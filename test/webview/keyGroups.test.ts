import assert from 'node:assert/strict';
import type { QuotaUse } from '../../src/protocol/events.js';
import {
  type CooldownView,
  filtered,
  groupsOf,
  type KeysData,
  keylessSwitches,
  moreProviders,
} from '../../src/protocol/keyGroups.js';
import type { KeyHealthStatus, KeyView } from '../../src/protocol/keys.js';
import type { ProviderView } from '../../src/protocol/provider.js';

const NOW = 1_000_000;

function provider(id: string, more: Partial<ProviderView> = {}): ProviderView {
  return {
    id,
    name: id.toUpperCase(),
    offers: '',
    baseUrl: '',
    keyUrl: null,
    isKeyless: false,
    hasAccountId: false,
    keyPattern: null,
    terms: null,
    keys: 0,
    models: 2,
    ...more,
  };
}

function key(id: string, of: string, status: KeyHealthStatus = 'healthy', more: Partial<KeyView> = {}): KeyView {
  const health = { status, message: null, checkedAt: null };
  return {
    id,
    provider: of,
    label: id,
    mask: '…',
    enabled: true,
    health,
    limits: {},
    models: null,
    isFixed: false,
    ...more,
  };
}

function cooldown(more: Partial<CooldownView>): CooldownView {
  return {
    id: 'c',
    scope: 'key',
    provider: 'a',
    model: null,
    keyId: null,
    kind: 'rate_limit',
    message: '',
    since: 0,
    until: NOW + 1000,
    state: 'resting',
    ...more,
  };
}

function data(more: Partial<KeysData>): KeysData {
  return { providers: [provider('a'), provider('b')], keys: [], quota: [], cooldowns: [], ...more };
}

const groups = (given: KeysData, removed: string[] = []) => groupsOf(given, NOW, new Set(removed));
const stateOf = (given: KeysData) => groups(given)[0]?.rows[0]?.state;

describe('the groups of the Keys page', () => {
  it('are the providers with keys, in the order of the table, strangers last', () => {
    const given = data({ keys: [key('1', 'zz'), key('2', 'b'), key('3', 'a'), key('4', 'b')] });
    assert.deepEqual(
      groups(given).map(({ provider: { id, name }, rows }) => [id, name, rows.length]),
      [
        ['a', 'A', 1],
        ['b', 'B', 2],
        ['zz', 'zz', 1],
      ],
    );
  });

  it('leave out what is being removed', () => {
    const given = data({ keys: [key('1', 'a'), key('2', 'b')] });
    assert.deepEqual(
      groups(given, ['1']).map(({ provider: { id } }) => id),
      ['b'],
    );
  });

  it('show the state of the best key', () => {
    const given = data({ keys: [key('1', 'a', 'invalid'), key('2', 'a', 'healthy'), key('3', 'b', 'error')] });
    assert.deepEqual(
      groups(given).map(({ state }) => state),
      ['healthy', 'error'],
    );
  });

  it('tell a key that waits from one that is refused or off', () => {
    const bench = { cooldowns: [cooldown({ keyId: '1' })] };
    assert.equal(stateOf(data({ keys: [key('1', 'a')], ...bench })), 'waiting');
    assert.equal(stateOf(data({ keys: [key('1', 'a', 'invalid')], ...bench })), 'invalid');
    assert.equal(stateOf(data({ keys: [key('1', 'a', 'healthy', { enabled: false })], ...bench })), 'off');
    assert.equal(stateOf(data({ keys: [key('2', 'a')], ...bench })), 'healthy');
    assert.equal(
      stateOf(data({ keys: [key('1', 'a')], cooldowns: [cooldown({ until: NOW })] })),
      'healthy',
      'it is over',
    );
  });

  it('take a key whose models are all benched for one that waits, and else not', () => {
    const one = cooldown({ id: 'c1', model: 'm1', keyId: '1', until: NOW + 9000 });
    const two = cooldown({ id: 'c2', model: 'm2', keyId: null, until: NOW + 5000 });
    const some = groups(data({ keys: [key('1', 'a')], cooldowns: [one] }))[0]?.rows[0];
    assert.deepEqual([some?.state, some?.cooldowns.length, some?.bench], ['healthy', 1, null]);
    const all = groups(data({ keys: [key('1', 'a')], cooldowns: [one, two] }))[0]?.rows[0];
    assert.deepEqual([all?.state, all?.bench?.id], ['waiting', 'c2']);
    assert.equal(stateOf(data({ keys: [key('1', 'a', 'healthy', { models: ['m1'] })], cooldowns: [one] })), 'waiting');
  });

  it('count the day of the keys that are in use', () => {
    const day = (keyId: string, more: Partial<QuotaUse> = {}): QuotaUse => ({
      id: keyId,
      kind: 'rpd',
      provider: 'a',
      model: null,
      keyId,
      used: 10,
      limit: 100,
      source: 'catalog',
      resetsAt: NOW,
      learnedAt: null,
      lastsUntil: null,
      ...more,
    });
    const keys = [key('1', 'a'), key('2', 'a', 'healthy', { enabled: false })];
    const [group] = groups(data({ keys, quota: [day('1'), day('2')] }));
    assert.deepEqual(group?.day, { used: 10, limit: 100, resetsAt: NOW });
    // Of what was not touched nothing comes back.
    const touched = day('1', { resetsAt: NOW + 500 });
    const both = data({ keys: [key('1', 'a'), key('3', 'a')], quota: [touched, day('3', { used: 0 })] });
    assert.deepEqual(groups(both)[0]?.day, { used: 10, limit: 200, resetsAt: NOW + 500 });
  });

  it('are filtered by health and by words', () => {
    const keys = [
      key('1', 'a', 'healthy', { label: 'Laptop' }),
      key('2', 'a', 'invalid', { label: 'main' }),
      key('3', 'b', 'unknown', { label: 'main', models: ['gpt-oss-120b'] }),
    ];
    const all = groups(data({ keys }));
    const ids = (filter: 'all' | 'healthy' | 'attention', search: string) =>
      filtered(all, filter, search).flatMap(({ rows }) => rows.map((row) => row.key.id));
    assert.deepEqual(ids('all', ''), ['1', '2', '3']);
    assert.deepEqual(ids('healthy', ''), ['1', '3']);
    assert.deepEqual(ids('attention', ''), ['2']);
    assert.deepEqual(ids('all', 'LAPTOP'), ['1']);
    assert.deepEqual(ids('all', 'b main'), ['3']);
    assert.deepEqual(ids('all', 'oss'), ['3']);
    assert.deepEqual(ids('all', 'nothing'), []);
  });

  it('leave keyless providers to their switches', () => {
    const providers = [
      provider('a'),
      provider('k', { isKeyless: true }),
      provider('l', { isKeyless: true, keys: 1 }),
      provider('custom:lab', { isKeyless: true }),
    ];
    const given = data({ providers, keys: [key('1', 'k', 'healthy', { enabled: false }), key('2', 'custom:lab')] });
    assert.deepEqual(
      groups(given).map((group) => group.provider.id),
      ['custom:lab'],
    );
    assert.deepEqual(
      keylessSwitches(given).map((each) => [each.provider.id, each.isOn, each.key?.id]),
      [
        ['k', false, '1'],
        ['l', true, undefined],
      ],
    );
    assert.deepEqual(
      moreProviders(given).map(({ id }) => id),
      ['a'],
    );
  });
});
