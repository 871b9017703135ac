import assert from 'node:assert/strict';
import type { ProviderSpec } from '../../../src/gateway/providers/spec.js';
import { providerSpec } from '../../../src/gateway/providers/table.js';
import { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import { observationsOf, observationsOfProbe } from '../../../src/gateway/quota/learn.js';
import type { Limits } from '../../../src/gateway/quota/limits.js';
import { Disk, done, mustLease, mustRefuse, sourcesOf, WorldClock } from './world.js';

const NOW = Date.UTC(2026, 10, 21, 12);

function scene(id: string, catalog: Limits = {}, user?: { ofModel?: Limits; ofKey?: Limits }) {
  const clock = new WorldClock(NOW);
  const spec = (providerSpec(id) ?? { id, dayBoundary: 'utc' }) as ProviderSpec;
  const target = { provider: id, model: 'm', keyId: 'k' };
  const engine = new QuotaEngine(clock, sourcesOf(catalog, spec, user));
  const hear = (headers: Record<string, string>, status = 200, bodyText = '') =>
    engine.observe(target, observationsOf(spec, { status, headers, bodyText }, clock.now()));
  const of = (kind: string, scopeId = `${id}/m#k`) =>
    engine.list().find((use) => use.kind === kind && use.id === scopeId);
  return { clock, engine, target, hear, of };
}

describe('limits', () => {
  const day = (limit: number, remaining = limit) => ({
    'x-ratelimit-limit-requests-day': String(limit),
    'x-ratelimit-remaining-requests-day': String(remaining),
  });

  it('come from the catalog, then the user, then the provider, each with its source', () => {
    assert.deepEqual(pick(scene('p', { rpd: 100 })), [100, 'catalog', null]);
    assert.deepEqual(pick(scene('p', { rpd: 100 }, { ofModel: { rpd: 200 } })), [200, 'user', null]);
    const { hear, ...rest } = scene('p', { rpd: 100 });
    hear(day(300));
    assert.deepEqual(pick(rest), [300, 'header', NOW], 'higher than the catalog’s');
    hear(day(50));
    assert.deepEqual(pick(rest), [50, 'header', NOW], 'and lower');
  });

  it('of the user hold whatever the provider says, and the provider’s lower one holds too', () => {
    const { hear, ...rest } = scene('p', {}, { ofModel: { rpd: 100 } });
    hear(day(300));
    assert.deepEqual(pick(rest), [100, 'user', null]);
    hear(day(40));
    assert.deepEqual(pick(rest), [40, 'header', NOW]);
  });

  it('that were learned survive a restart, and can be forgotten for good', () => {
    const { clock, engine, hear, of } = scene('p', { rpd: 100 });
    hear(day(300));
    const disk = new Disk();
    disk.save(engine);
    const next = () => {
      const made = new QuotaEngine(clock, sourcesOf({ rpd: 100 }));
      disk.load(made, clock.now());
      made.watch({ provider: 'p', model: 'm', keyId: 'k' });
      return made;
    };
    const limitIn = (made: QuotaEngine) => made.list().find(({ kind }) => kind === 'rpd')?.limit;
    const again = next();
    assert.equal(limitIn(again), 300);
    assert.equal(again.forgetLimit('p/m#k', 'rpd'), true);
    assert.equal(again.forgetLimit('p/m#k', 'rpd'), false);
    assert.equal(limitIn(again), 100);
    disk.save(again);
    assert.equal(limitIn(next()), 100);
    assert.equal(of('rpd')?.limit, 300);
  });

  it('that are guessed may fill or lower what is known, not raise it', () => {
    const plain = (limit: string) => ({ 'x-ratelimit-limit-requests': limit, 'x-ratelimit-remaining-requests': limit });
    const { hear, of, engine, target } = scene('p', { rpm: 30 });
    engine.watch(target);
    hear(plain('14400'));
    assert.equal(of('rpm')?.limit, 30);
    hear(plain('20'));
    assert.equal(of('rpm')?.limit, 20);
    hear(plain('25'));
    assert.equal(of('rpm')?.limit, 25, 'but a guess may be raised by the next');
    hear(plain('14400'));
    assert.equal(of('rpm')?.limit, 30, 'to what the catalog says at most');
    hear({ 'x-ratelimit-limit-requests-minute': '28' });
    hear(plain('29'));
    assert.equal(of('rpm')?.limit, 28, 'and never what was named');
  });

  it('that were guessed wrongly low are raised, after a restart too', () => {
    const { clock, hear, of, engine, target } = scene('p');
    engine.watch(target);
    hear({ 'x-ratelimit-limit-requests': '5' });
    assert.equal(of('rpm')?.limit, 5);
    hear({ 'x-ratelimit-limit-requests': '60' });
    assert.equal(of('rpm')?.limit, 60);
    const disk = new Disk();
    disk.save(engine);
    const next = new QuotaEngine(clock, sourcesOf({}));
    disk.load(next, clock.now());
    next.observe(target, [{ kind: 'rpm', limit: 100, source: 'header', isGuess: true }]);
    assert.equal(next.usesOf(target).find(({ kind }) => kind === 'rpm')?.limit, 100);
  });

  it('that cannot be one are not restored', () => {
    const { engine, target } = scene('p');
    const row = { id: 'p/m#k', source: 'header', learnedAt: NOW } as const;
    engine.restore(
      [],
      [
        { ...row, kind: 'rpm', limit: 0.5 },
        { ...row, kind: 'tpm', limit: Number.POSITIVE_INFINITY },
      ],
    );
    assert.deepEqual(
      engine.usesOf(target).filter(({ limit }) => limit !== null),
      [],
    );
  });

  function pick({ engine, target, of }: Pick<ReturnType<typeof scene>, 'engine' | 'target' | 'of'>) {
    engine.watch(target);
    const use = of('rpd');
    return [use?.limit, use?.source, use?.learnedAt];
  }
});

describe('what others used', () => {
  it('closes windows that nobody had a limit for', () => {
    const { engine, target, hear } = scene('p');
    mustLease(engine, target).settle(done());
    hear({ 'x-ratelimit-remaining-requests-hour': '0', 'x-ratelimit-reset-requests-hour': '60' });
    assert.deepEqual([mustRefuse(engine, target).kind, mustRefuse(engine, target).until], ['rph', NOW + 60_000]);
  });

  it('is seen in a refusal too: Groq’s "Used 5400"', () => {
    const { engine, target, hear } = scene('groq', { tpm: 6000 });
    const lease = mustLease(engine, target, 900);
    lease.arrived();
    lease.settle({ tokens: 0, countsAgainstQuota: false });
    hear({}, 429, 'on tokens per minute (TPM): Limit 6000, Used 5400, Requested 900. Please try again in 3s.');
    mustRefuse(engine, target, 700);
    mustLease(engine, target, 600);
  });

  it('counts as soon as the provider says that less is left than we think; it is never lowered', () => {
    const { engine, target, hear, of } = scene('cerebras', { rpd: 100 });
    mustLease(engine, target).settle(done());
    const left = (remaining: number) => ({
      'x-ratelimit-limit-requests-day': '100',
      'x-ratelimit-remaining-requests-day': String(remaining),
    });
    hear(left(99));
    assert.equal(of('rpd')?.used, 1);
    hear(left(60));
    assert.equal(of('rpd')?.used, 40);
    hear(left(95));
    assert.equal(of('rpd')?.used, 40);
    hear(left(0));
    assert.equal(of('rpd')?.used, 100);
    assert.equal(mustRefuse(engine, target).kind, 'rpd');
  });

  it('of a minute’s tokens is back when the provider says so', () => {
    const { clock, engine, target, hear } = scene('groq', { tpm: 6000 });
    hear({
      'x-ratelimit-limit-tokens': '6000',
      'x-ratelimit-remaining-tokens': '1000',
      'x-ratelimit-reset-tokens': '20s',
    });
    assert.equal(mustRefuse(engine, target, 2000).kind, 'tpm');
    clock.advance(20_060);
    mustLease(engine, target, 2000);
  });

  it('of OpenRouter’s account closes all its models, on this key', () => {
    const { engine, target } = scene('openrouter');
    const observations = observationsOfProbe(
      'openrouter',
      '{"data":{"free_model_daily_requests":{"limit":50,"used":50}}}',
    );
    engine.observe(target, observations);
    assert.equal(mustRefuse(engine, { ...target, model: 'other' }).kind, 'rpd');
    mustLease(engine, { ...target, keyId: 'k2' });
  });

  it('closes by address where the provider counts by address', () => {
    const { engine, target, hear } = scene('kilo');
    hear({ 'x-ratelimit-limit': '200, 200;w=3600', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '600' });
    assert.equal(mustRefuse(engine, { ...target, keyId: 'k2', model: 'other' }).id, 'kilo@ip');
    const ovh = scene('ovh');
    ovh.hear({ 'x-ratelimit-limit': '2, 2;w=60', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' });
    assert.equal(mustRefuse(ovh.engine, { ...ovh.target, keyId: 'k2' }).id, 'ovh/m@ip');
    mustLease(ovh.engine, { ...ovh.target, model: 'other' });
  });

  it('closes the account where the table says that the limit is the account’s', () => {
    const { engine, target, hear } = scene('cohere');
    hear({}, 429, '{"message":"You are using a Trial key, which is limited to 1000 API calls / month"}');
    const { id, until } = mustRefuse(engine, { ...target, model: 'other' });
    assert.deepEqual([id, until], ['cohere#k', Date.UTC(2026, 11, 1) + 1000]);
  });
});

describe('user-pains 6: how much is left, when does it reset, what will run out', () => {
  it('each window tells its use, limit, source, reset and until when it lasts at this pace', () => {
    const { clock, engine, target } = scene('p', { rpm: 30, rpd: 100 });
    for (let hour = 0; hour < 4; hour++) {
      for (let count = 0; count < 20; count++) {
        mustLease(engine, target).settle(done());
        clock.advance(3 * 60_000);
      }
    }
    const use = engine.list().find(({ kind }) => kind === 'rpd');
    assert.deepEqual([use?.used, use?.limit, use?.source], [80, 100, 'catalog']);
    assert.equal(use?.resetsAt, Date.UTC(2026, 10, 22));
    // 80 in the 16 hours of the day so far: 5 an hour, and 20 are left.
    assert.equal(use?.lastsUntil, clock.now() + 4 * 3_600_000);
    assert.equal(engine.list().find(({ kind }) => kind === 'rpm')?.lastsUntil, null);
  });
});

describe('user-pains 7: a window that was closed too eagerly', () => {
  it('opens on "Retry now"', () => {
    const { engine, target, hear } = scene('p');
    hear({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6h' });
    const { id, kind } = mustRefuse(engine, target);
    engine.reopen(id, kind);
    mustLease(engine, target);
  });

  it('is not closed for years because the clock was wrong when it was', () => {
    const { clock, engine, target, hear } = scene('p');
    clock.setOffset(3 * 365 * 86_400_000);
    hear({ 'x-ratelimit-remaining-requests-day': '0', 'x-ratelimit-reset-requests-day': '6h' });
    assert.equal(mustRefuse(engine, target).until, clock.now() + 6 * 3_600_000);
    clock.setOffset(0);
    assert.equal(mustRefuse(engine, target).until, NOW + 6 * 3_600_000);
    clock.advance(6 * 3_600_000);
    mustLease(engine, target);
  });

  it('is closed no longer than the provider said, and not at all by digits in prose', () => {
    const { engine, target, hear } = scene('p');
    hear({}, 429, 'Requested 34026 tokens. Please wait.');
    mustLease(engine, target);
  });
});

describe("the provider's word taken back", () => {
  const fill = { 'x-ratelimit-limit-requests-day': '50', 'x-ratelimit-remaining-requests-day': '0' };

  it('leaves what we counted ourselves, and says whose word a full window is', () => {
    const { engine, target, hear } = scene('p');
    for (let count = 0; count < 3; count++) mustLease(engine, target).settle(done());
    hear(fill, 429);
    const full = mustRefuse(engine, target);
    assert.deepEqual([full.kind, full.isStated], ['rpd', true]);
    const used = () => engine.list().find(({ kind }) => kind === 'rpd')?.used;
    assert.equal(used(), 50);
    engine.reopenFor({ provider: 'another', model: null, keyId: null });
    assert.equal(used(), 50);
    engine.reopenFor(target);
    assert.ok((used() ?? 0) >= 3 && (used() ?? 50) <= 4, `${used()}`);
    mustLease(engine, target);
  });

  it('is taken back in a window that slides too', () => {
    const { engine, target, hear } = scene('p');
    mustLease(engine, target).settle(done());
    hear({ 'x-ratelimit-limit-requests-minute': '5', 'x-ratelimit-remaining-requests-minute': '0' }, 429);
    const { id, kind, isStated } = mustRefuse(engine, target);
    assert.deepEqual([kind, isStated], ['rpm', true]);
    engine.reopen(id, kind);
    assert.ok((engine.list().find((use) => use.kind === 'rpm')?.used ?? 5) <= 2);
    mustLease(engine, target);
  });

  it('survives a restart as such, and what was taken back does not come back', () => {
    const { clock, engine, target, hear } = scene('p');
    mustLease(engine, target).settle(done());
    hear(fill, 429);
    const rows = new Map<string, ReturnType<typeof engine.changed>['rows'][number]>();
    const keep = () => {
      for (const row of engine.changed().rows) rows.set(`${row.id} ${row.kind} ${row.startsAt}`, row);
    };
    const restarted = () => {
      const again = new QuotaEngine(clock, sourcesOf({}));
      again.restore([...rows.values()]);
      return again;
    };
    const usedIn = (one: QuotaEngine) => one.list().find(({ kind }) => kind === 'rpd')?.used ?? 0;
    keep();
    const again = restarted();
    assert.equal(usedIn(again), 50);
    again.reopenFor(target);
    assert.ok(usedIn(again) <= 2, 'told apart by its row');
    engine.reopenFor(target);
    keep();
    assert.ok(usedIn(restarted()) <= 2);
  });
});
