import assert from 'node:assert/strict';
import { PROVIDERS, providerSpec } from '../../../src/gateway/providers/table.js';
import { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import { type Limits, scopesOf } from '../../../src/gateway/quota/limits.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, TRANSIT_MS } from '../../../src/gateway/quota/windows.js';
import { engineOf, K2, M2, NOON, spend, tabled } from './engines.js';
import { Disk, done, mustLease, mustRefuse, sourcesOf, TARGET, WorldClock } from './world.js';

describe('quota engine', () => {
  it('counts a request that nobody settled, and not one that was never sent', () => {
    const { clock, engine, freed } = engineOf({ rpm: 1, rpd: 5 });
    mustLease(engine);
    clock.advance(10 * MINUTE_MS);
    mustRefuse(engine);
    const { engine: other } = engineOf({ rpm: 1 });
    mustLease(other).release();
    assert.equal(other.list()[0]?.used, 0);
    assert.equal(freed(), 0);
  });

  it('tells when something is free sooner', () => {
    const { engine, freed } = engineOf({ rpm: 1, tpm: 100 });
    const lease = mustLease(engine, TARGET, 100);
    lease.settle({ tokens: 0, countsAgainstQuota: false });
    lease.settle(done());
    lease.release();
    assert.equal(freed(), 1);
    spend(engine, TARGET, 100);
    assert.equal(freed(), 1);
  });

  it('frees a slot a minute after the request arrived, though its answer still comes', () => {
    const { clock, engine } = engineOf({ rpm: 1 });
    mustLease(engine).arrived();
    clock.advance(MINUTE_MS + 60);
    assert.deepEqual(engine.peek(TARGET, 1), { ok: true });
  });

  it('counts what nobody answered as still on its way: who left at once may be counted two seconds later', () => {
    const { clock, engine } = engineOf({ rpm: 1, tpm: 10 });
    mustLease(engine).settle({ tokens: null, countsAgainstQuota: true, isUnanswered: true });
    clock.advance(MINUTE_MS + 60 + TRANSIT_MS - 1);
    mustRefuse(engine);
    clock.advance(1);
    spend(engine);
  });

  it('counts what was sent and not answered once', () => {
    const { engine } = engineOf({ rpm: 2 });
    const lease = mustLease(engine);
    lease.sent();
    lease.settle({ tokens: null, countsAgainstQuota: true, isUnanswered: true });
    spend(engine);
  });

  it('takes a count that cannot be one for none: the estimate stays', () => {
    for (const tokens of [Number.POSITIVE_INFINITY, Number.NaN, -5, 1e12]) {
      const { engine } = engineOf({ tpm: 100 });
      mustLease(engine, TARGET, 60).settle({ tokens, countsAgainstQuota: true });
      assert.equal(engine.list().find(({ kind }) => kind === 'tpm')?.used, 60, `${tokens}`);
    }
  });

  it('takes from all windows or from none', () => {
    const { engine } = engineOf({ rpm: 5, rpd: 1 });
    spend(engine);
    assert.equal(mustRefuse(engine).kind, 'rpd');
    assert.equal(engine.list().find(({ kind }) => kind === 'rpm')?.used, 1);
  });

  it('names the window that opens last, and what never fits', () => {
    const { engine } = engineOf({ rpm: 1, rpd: 1, tpm: 100 });
    spend(engine);
    assert.equal(mustRefuse(engine).kind, 'rpd');
    assert.deepEqual(engine.peek(TARGET, 101), { ok: false, until: null, kind: 'tpm', id: 'p/m#k', isStated: false });
  });

  it('takes a limit of 0 for none', () => {
    const { engine } = engineOf({ rpm: 0 });
    for (let count = 0; count < 20; count++) spend(engine);
  });

  it('keeps leases over midnight: what was sent yesterday may be counted today', () => {
    const { clock, engine } = engineOf({ rpd: 1 });
    clock.time = Date.UTC(2026, 10, 22) - 5000;
    const lease = mustLease(engine);
    clock.advance(10_000);
    mustRefuse(engine);
    lease.settle(done());
    mustRefuse(engine);
  });

  it('settles with what the provider counted, more or less', () => {
    const { engine } = engineOf({ tpd: 1000 });
    mustLease(engine, TARGET, 100).settle(done(900));
    mustRefuse(engine, TARGET, 101);
    mustLease(engine, TARGET, 100).settle({ tokens: null, countsAgainstQuota: true });
    mustRefuse(engine, TARGET, 1);
  });

  it('forgets idle windows when there are many, and the windows of a removed key', () => {
    const { clock, engine } = engineOf({ rpm: 1 });
    for (let number = 0; number < 3000; number++) {
      spend(engine, { ...TARGET, model: `m${number}` });
      engine.changed();
      clock.advance(DAY_MS);
    }
    assert.ok(engine.list().length < 3000);
    engine.forgetKey('k');
    assert.equal(engine.list().length, 0);
  });
});

describe('what shares a window', () => {
  it('OpenRouter: 20 a minute and 50 a day for all models of a key', () => {
    const { clock, engine, target } = tabled('openrouter', { rpm: 20, rpd: 200 });
    for (let count = 0; count < 50; count++) {
      spend(engine, { ...target, model: `m${count % 7}` });
      clock.advance(3100);
    }
    const refusal = mustRefuse(engine, { ...target, model: 'another' });
    assert.deepEqual([refusal.kind, refusal.id], ['rpd', 'openrouter#k']);
    spend(engine, { ...target, keyId: 'k2' });
  });

  it('NVIDIA 40 a minute, ModelScope 1,800 a day, NavyAI and AnyAPI tokens a day, Cohere 1,000 a month', () => {
    const shared = Object.fromEntries(
      PROVIDERS.flatMap(({ id, accountLimits }) =>
        (accountLimits ?? []).flatMap(({ kind, limit, per }) => (kind ? [[`${id} ${kind} ${per}`, limit]] : [])),
      ),
    );
    assert.deepEqual(shared, {
      'openrouter rpm account': 20,
      'openrouter rpd account': 50,
      'nvidia rpm account': 40,
      'cohere rpmonth account': 1000,
      'kilo rph ip': 200,
      'llm7 rph account': 100,
      'ovh rpm ip-model': 2,
      'anyapi tpd account': 100_000,
      'routeway rpm account': 5,
      'ainative tpmonth account': 10_000_000,
      'navy tpd account': 150_000,
      'sealion rpm account': 10,
      'modelscope rpd account': 1800,
      'volcengine tpd model': 2_000_000,
    });
    const { engine, target } = tabled('nvidia');
    for (let count = 0; count < 40; count++) spend(engine, { ...target, model: `m${count % 3}` });
    assert.equal(mustRefuse(engine, { ...target, model: 'm9' }).id, 'nvidia#k');
  });

  it('by address: all keys, at OVH each model for itself', () => {
    const kilo = tabled('kilo');
    for (let count = 0; count < 200; count++) spend(kilo.engine, { ...kilo.target, keyId: `k${count % 2}` });
    assert.equal(mustRefuse(kilo.engine, { ...kilo.target, keyId: 'k3' }).id, 'kilo@ip');
    const ovh = tabled('ovh');
    spend(ovh.engine, ovh.target);
    spend(ovh.engine, { ...ovh.target, keyId: 'k2' });
    assert.equal(mustRefuse(ovh.engine, { ...ovh.target, keyId: 'k3' }).id, 'ovh/m@ip');
    spend(ovh.engine, { ...ovh.target, model: 'm2' });
  });

  it('the user’s limits: of a key over all its models, of a model for each key', () => {
    const { engine } = engineOf({}, undefined, { ofKey: { rpm: 2 }, ofModel: { rpd: 1 } });
    spend(engine);
    assert.equal(mustRefuse(engine).kind, 'rpd');
    spend(engine, M2);
    assert.deepEqual([mustRefuse(engine, M2).kind], ['rpd']);
    assert.equal(mustRefuse(engine, { ...TARGET, model: 'm3' }).kind, 'rpm');
    spend(engine, K2);
  });

  it('a limit that is set later finds what was used before', () => {
    const clock = new WorldClock(NOON);
    const user: { ofKey?: Limits } = {};
    const sources = { ...sourcesOf({}), ofKey: () => user.ofKey };
    const engine = new QuotaEngine(clock, sources);
    spend(engine);
    spend(engine, M2);
    user.ofKey = { rpm: 3, rpd: 3 };
    engine.limitsChanged();
    spend(engine);
    assert.equal(mustRefuse(engine).id, 'p#k');
  });

  it('is the same scope before and after a restart', () => {
    for (const { id } of PROVIDERS) {
      const target = { provider: id, model: 'a/b#c', keyId: 'k' };
      const sources = sourcesOf({}, providerSpec(id));
      const ids = scopesOf(target, sources).map((scope) => scope.id);
      assert.equal(new Set(ids).size, ids.length, id);
    }
  });
});

describe('quota rows', () => {
  it('hold a minute over a restart, also what had not been answered', () => {
    const { clock, engine } = engineOf({ rpm: 3 });
    const disk = new Disk();
    spend(engine);
    clock.advance(10_000);
    mustLease(engine);
    disk.save(engine);
    clock.advance(20_000);
    const next = new QuotaEngine(clock, sourcesOf({ rpm: 3 }));
    disk.load(next, clock.now());
    spend(next);
    const { until } = mustRefuse(next);
    assert.ok((until ?? 0) <= clock.now() + MINUTE_MS + 2060, 'no longer than what was on its way can count');
    clock.advance(MINUTE_MS + 2060);
    spend(next);
  });

  it('hold a rolling day by the hour: a restart a day does not lock the user out', () => {
    const spec = { dayBoundary: 'rolling' } as const;
    const clock = new WorldClock(NOON);
    const disk = new Disk();
    let served = 0;
    for (let hour = 0; hour < 24 * 5; hour++) {
      const engine = new QuotaEngine(clock, sourcesOf({ rpd: 48 }, spec));
      disk.load(engine, clock.now());
      for (let count = 0; count < 4; count++) {
        const taken = engine.lease(TARGET, 1);
        if (!taken.ok) continue;
        taken.lease.settle(done(1));
        served++;
      }
      disk.save(engine);
      clock.advance(HOUR_MS);
    }
    assert.ok(served >= 5 * 40, `${served} of 240`);
  });

  it('give one row a window, and nothing when nothing changed', () => {
    const { engine } = engineOf({ rpm: 2, rpd: 2 });
    spend(engine);
    const first = engine.changed();
    assert.deepEqual(first.rows.map(({ kind, used }) => `${kind} ${used}`).sort(), [
      'rpd 1',
      'rpm 1',
      'tpd 10',
      'tpm 10',
    ]);
    assert.equal(first.uses().find(({ kind }) => kind === 'rpd')?.limit, 2);
    assert.deepEqual(engine.changed().rows, []);
  });

  it('take up the rows that were written before this engine', () => {
    const { engine } = engineOf({ rpd: 3 });
    const day = { startsAt: Date.UTC(2026, 10, 21), endsAt: Date.UTC(2026, 10, 22) };
    const row = { id: 'p/m#k', kind: 'rpd', provider: 'p', model: 'm', keyId: 'k', used: 3, ...day } as const;
    engine.restore([row, { ...row, kind: 'tpd', used: 50 }]);
    mustRefuse(engine);
    assert.deepEqual(
      engine.list().map(({ kind, used, limit, resetsAt }) => [kind, used, limit, resetsAt]),
      [
        ['rpd', 3, 3, day.endsAt],
        ['rpm', 0, 3, NOON],
        ['tpd', 50, null, day.endsAt],
      ].filter(([kind]) => kind !== 'rpm'),
    );
  });
});

describe('user-pains 14: rate limits foreseen, not met', () => {
  it('two keys of one provider are used up one after the other, and the time of the next slot is known', () => {
    const { clock, engine } = engineOf({ rpm: 2, tpm: 1000 });
    const spread = [TARGET, K2, TARGET, K2];
    for (const target of spread) {
      spend(engine, target, 300);
      clock.advance(5000);
    }
    const ends = [TARGET, K2].map((target) => mustRefuse(engine, target).until);
    assert.deepEqual(ends, [NOON + 60_060, NOON + 65_060]);
  });

  it('a wait for tokens is as long as it takes for enough of them to come back, no longer', () => {
    const { clock, engine } = engineOf({ tpm: 1000 });
    for (const tokens of [400, 300, 200]) {
      spend(engine, TARGET, tokens);
      clock.advance(1000);
    }
    assert.equal(mustRefuse(engine, TARGET, 400).until, NOON + 60_060);
    assert.equal(mustRefuse(engine, TARGET, 700).until, NOON + 61_060);
    assert.equal(mustRefuse(engine, TARGET, 900).until, NOON + 62_060);
    assert.equal(mustRefuse(engine, TARGET, 1001).until, null);
  });
});
