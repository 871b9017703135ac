import assert from 'node:assert/strict';
import type { ProviderSpec } from '../../../src/gateway/providers/spec.js';
import { providerSpec } from '../../../src/gateway/providers/table.js';
import { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import { observationsOf } from '../../../src/gateway/quota/learn.js';
import { countsAgainstQuota } from '../../../src/gateway/quota/lease.js';
import { MINUTE_MS } from '../../../src/gateway/quota/windows.js';
import { engineOf, K2, NOON, spend, tabled } from './engines.js';
import { Disk, done, mustLease, mustRefuse, sourcesOf, TARGET, WorldClock } from './world.js';

describe('quota engine: conformance', () => {
  it('72: rpm 2 lets two requests through within 60 s, and the next one after', () => {
    const { clock, engine } = engineOf({ rpm: 2 });
    spend(engine);
    spend(engine);
    const { until, kind, id } = mustRefuse(engine);
    assert.deepEqual([until, kind, id], [NOON + MINUTE_MS + 60, 'rpm', 'p/m#k']);
    clock.advance(MINUTE_MS + 59);
    mustRefuse(engine);
    clock.advance(1);
    spend(engine);
  });

  it('73: rpd 3 refuses the fourth, after a restart too, until the day ends', () => {
    for (const dayBoundary of ['utc', 'pacific', 'rolling'] as const) {
      const { clock, engine } = engineOf({ rpd: 3 }, { dayBoundary });
      const disk = new Disk();
      for (let count = 0; count < 3; count++) spend(engine);
      disk.save(engine);
      const next = new QuotaEngine(clock, sourcesOf({ rpd: 3 }, { dayBoundary }));
      disk.load(next, clock.now());
      const { until } = mustRefuse(next);
      clock.advance((until ?? 0) - clock.now() - 1);
      mustRefuse(next);
      clock.advance(1);
      spend(next);
    }
  });

  it('74: two requests estimated over the tokens of a minute: the second waits', () => {
    const { clock, engine } = engineOf({ tpm: 1000 });
    const first = mustLease(engine, TARGET, 600);
    assert.equal(mustRefuse(engine, TARGET, 600).kind, 'tpm');
    first.settle(done(300));
    const second = mustLease(engine, TARGET, 600);
    assert.equal(engine.list().find(({ kind }) => kind === 'tpm')?.used, 900, 'what was not used is given back');
    second.settle(done(900));
    mustRefuse(engine, TARGET, 1);
    clock.advance(MINUTE_MS + 60);
    spend(engine, TARGET, 1000);
  });

  it('75: of ten at once with rpm 5, five go', () => {
    const { engine } = engineOf({ rpm: 5 });
    const taken = Array.from({ length: 10 }, () => engine.lease(TARGET, 1).ok);
    assert.equal(taken.filter(Boolean).length, 5);
  });

  it('75, five keys: of 200 at once, exactly 25 go', () => {
    const { engine } = engineOf({ rpm: 5 });
    const keys = ['a', 'b', 'c', 'd', 'e'].map((keyId) => ({ ...TARGET, keyId }));
    const went = Array.from({ length: 200 }, () => keys.some((target) => engine.lease(target, 1).ok));
    assert.equal(went.filter(Boolean).length, 25);
  });

  it('76: counts a failure as the provider does: a 500 everywhere, a 429 at OpenRouter only', () => {
    for (const [id, status, counted] of [
      ['groq', 500, 1],
      ['groq', 401, 1],
      ['groq', null, 1],
      ['groq', 429, 0],
      ['openrouter', 429, 1],
    ] as const) {
      const { engine, target } = tabled(id);
      const spec = providerSpec(id) as ProviderSpec;
      mustLease(engine, target).settle({ tokens: 0, countsAgainstQuota: countsAgainstQuota(spec, status) });
      const used = engine.list().find(({ kind, model }) => kind === 'rpd' && model === 'm')?.used ?? 0;
      assert.equal(used, counted, `${id} ${status}`);
    }
  });

  it('77: Google’s day ends at midnight in Los Angeles on both clock changes, others at midnight UTC', () => {
    const midnights: [string, string][] = [
      ['2026-03-08T07:59:00Z', '2026-03-08T08:00:00Z'],
      ['2026-03-08T20:00:00Z', '2026-03-09T07:00:00Z'],
      ['2026-11-01T06:59:00Z', '2026-11-01T07:00:00Z'],
      ['2026-11-01T07:30:00Z', '2026-11-02T08:00:00Z'],
      ['2027-03-14T09:00:00Z', '2027-03-15T07:00:00Z'],
      ['2027-11-07T08:00:00Z', '2027-11-08T08:00:00Z'],
    ];
    for (const [now, midnight] of midnights) {
      const clock = new WorldClock(Date.parse(now));
      const google = providerSpec('google') as ProviderSpec;
      const engine = new QuotaEngine(clock, sourcesOf({ rpd: 1 }, google));
      spend(engine, { provider: 'google', model: 'm', keyId: 'k' });
      const { until } = mustRefuse(engine, { provider: 'google', model: 'm', keyId: 'k' });
      assert.equal(new Date((until ?? 0) - 1000).toISOString(), new Date(midnight).toISOString());
      clock.time = until ?? 0;
      spend(engine, { provider: 'google', model: 'm', keyId: 'k' });
    }
    const { engine } = engineOf({ rpd: 1 });
    spend(engine);
    assert.equal(mustRefuse(engine).until, Date.UTC(2026, 10, 22) + 1000);
  });

  it('78: a remaining of 0 on a success closes the window before any 429', () => {
    const { clock, engine } = engineOf({});
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' };
    const lease = mustLease(engine);
    lease.arrived();
    engine.observe(TARGET, observationsOf({ id: 'p' }, { status: 200, headers }, NOON));
    lease.settle(done());
    assert.equal(mustRefuse(engine).until, NOON + 20_000);
    assert.deepEqual(engine.peek(K2, 10), { ok: true }, 'another key is another account');
    clock.advance(20_000);
    spend(engine);
  });

  it('79: each key has counters of its own', () => {
    const { engine } = engineOf({ rpm: 1 });
    spend(engine);
    mustRefuse(engine);
    spend(engine, K2);
    mustRefuse(engine, K2);
  });
});
