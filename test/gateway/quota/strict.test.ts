import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CLOCK_SKEW_MS } from '../../../src/gateway/quota/fixedWindow.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/gateway/quota/windows.js';
import { quotaDay } from '../../../src/gateway/routing/dayBoundary.js';
import { assertDays, assertSliding, type Event, plan, run, slidingOracle } from './simulation.js';

const NOON = Date.UTC(2026, 10, 21, 12);
const one = () => 1;
const limit = (max: number) => fc.integer({ min: 1, max });
const event = (...some: fc.Arbitrary<Event>[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Event>({ type: 'none' }) },
    ...some.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
const anySet = fc.record({
  type: fc.constant('set' as const),
  offset: fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }),
});
const anySleep = fc.record({ type: fc.constant('sleep' as const), ms: fc.integer({ min: 0, max: 10 * HOUR_MS }) });
const anyRestart = fc.record({
  type: fc.constant('restart' as const),
  ms: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 * MINUTE_MS })),
});

describe('a strict provider, whose windows slide or begin at any moment', () => {
  it('never sees a request over the minute’s limits, and no slot is left unused while a request waits', () => {
    fc.assert(
      fc.property(
        limit(6),
        fc.integer({ min: 100, max: 400 }),
        fc.array(plan(20_000, MINUTE_MS), { maxLength: 60 }),
        (rpm, tpm, plans) => {
          const limits = { rpm, tpm };
          const mayWait = slidingOracle(limits, { rpm: MINUTE_MS, tpm: MINUTE_MS });
          const { arrivals, served } = run(limits, plans, [], { start: NOON, mayWait });
          assert.equal(served, plans.length);
          assertSliding(arrivals, rpm, MINUTE_MS, one);
          assertSliding(arrivals, tpm, MINUTE_MS, ({ tokens }) => tokens);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never sees one though the clock is set, the machine sleeps, or the gateway is killed and started again', () => {
    fc.assert(
      fc.property(
        limit(4),
        limit(8),
        fc.array(plan(30_000, MINUTE_MS), { maxLength: 50 }),
        fc.array(event(anySet, anySleep, anyRestart), { maxLength: 50 }),
        (rpm, rph, plans, events) => {
          const { arrivals } = run({ rpm, rph }, plans, events, { start: NOON });
          assertSliding(arrivals, rpm, MINUTE_MS, one);
          assertSliding(arrivals, rph, HOUR_MS, one);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never sees one over an account’s limit, which its models share, nor over a model’s own', () => {
    const kill = fc.array(event(anySleep, anyRestart), { maxLength: 50 });
    fc.assert(
      fc.property(
        limit(3),
        limit(5),
        fc.array(plan(10_000, MINUTE_MS), { maxLength: 50 }),
        kill,
        (own, all, plans, events) => {
          const accountLimits = [{ kind: 'rpm', limit: all, per: 'account' }] as const;
          const { arrivals } = run({ rpm: own }, plans, events, { start: NOON, accountLimits });
          assertSliding(arrivals, all, MINUTE_MS, one);
          for (const model of [0, 1, 2]) {
            const some = arrivals.filter((arrival) => arrival.model === model);
            assertSliding(some, own, MINUTE_MS, one);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('never sees one in an hour or a rolling day, and none is left unused', () => {
    fc.assert(
      fc.property(limit(5), limit(12), fc.array(plan(HOUR_MS, MINUTE_MS), { maxLength: 60 }), (rph, rpd, plans) => {
        const limits = { rph, rpd };
        const mayWait = slidingOracle(limits, { rph: HOUR_MS, rpd: DAY_MS });
        const { arrivals } = run(limits, plans, [], { start: NOON, dayBoundary: 'rolling', mayWait });
        assertSliding(arrivals, rph, HOUR_MS, one);
        assertSliding(arrivals, rpd, DAY_MS, one);
      }),
      { numRuns: 200 },
    );
  });

  it('never sees one in a rolling day over sleeps, restarts and a clock that is set back', () => {
    const back = fc.record({ type: fc.constant('set' as const), offset: fc.integer({ min: -DAY_MS, max: 0 }) });
    fc.assert(
      fc.property(
        limit(8),
        fc.array(plan(4 * HOUR_MS, MINUTE_MS), { maxLength: 50 }),
        fc.array(event(back, anySleep, anyRestart), { maxLength: 50 }),
        (rpd, plans, events) => {
          const { arrivals } = run({ rpd }, plans, harmless(events), { start: NOON, dayBoundary: 'rolling' });
          assertSliding(arrivals, rpd, DAY_MS, one);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/**
 * A clock that is set while the gateway is down (or in the same moment) cannot be told from time that passed: what is
 * true is that rows are right again as soon as they were saved after the setting. Minutes and hours hold all the same; of
 * rolling days no restart follows on a setting at once; and none forgets what the setting owed: `elapsed` begins anew with each life.
 */
function harmless(events: readonly Event[]): Event[] {
  let isSet = false;
  return events.map((each) => {
    if (each.type === 'set') isSet = true;
    return each.type === 'restart' && isSet ? { type: 'none' } : each;
  });
}

describe('a strict provider with days of its own', () => {
  for (const boundary of ['utc', 'pacific'] as const) {
    it(`never sees a request over the day’s limit (${boundary}), though its clock is up to a second off`, () => {
      const midnights = [...(boundary === 'pacific' ? dstMidnights() : []), quotaDay(boundary, NOON).endsAt];
      fc.assert(
        fc.property(
          fc.constantFrom(...midnights),
          limit(5),
          fc.integer({ min: -CLOCK_SKEW_MS, max: CLOCK_SKEW_MS }),
          fc.integer({ min: 0, max: 20_000 }),
          fc.array(plan(2000, 5000), { maxLength: 30 }),
          fc.array(event(anyRestart.map((each) => ({ ...each, ms: each.ms % 5000 }))), { maxLength: 30 }),
          (midnight, rpd, skew, before, plans, events) => {
            const { arrivals } = run({ rpd }, plans, events, { start: midnight - before, dayBoundary: boundary });
            // Every run lies around one midnight.
            const day = (at: number) => (at + skew < midnight ? midnight - 1 : quotaDay(boundary, at + skew).startsAt);
            assertDays(arrivals, rpd, day);
          },
        ),
        { numRuns: boundary === 'utc' ? 200 : 80 },
      );
    });
  }

  it('never sees one after the clock was set back for a while', () => {
    const astray = fc.record({
      type: fc.constant('astray' as const),
      offset: fc.integer({ min: -2 * HOUR_MS, max: 0 }),
      ms: fc.integer({ min: 0, max: 6 * HOUR_MS }),
    });
    fc.assert(
      fc.property(
        limit(5),
        fc.integer({ min: 0, max: HOUR_MS }),
        fc.array(plan(10 * MINUTE_MS, 5000), { maxLength: 40 }),
        fc.array(event(astray, anySleep), { maxLength: 40 }),
        (rpd, before, plans, events) => {
          const midnight = quotaDay('utc', NOON).endsAt;
          const { arrivals } = run({ rpd }, plans, events, { start: midnight - before });
          assertDays(arrivals, rpd, (at) => quotaDay('utc', at).startsAt);
        },
      ),
      { numRuns: 200 },
    );
  });
});

/** The midnights in Los Angeles around the clock changes of 2026 and 2027. */
function dstMidnights(): number[] {
  const days = ['2026-03-08', '2026-11-01', '2027-03-14', '2027-11-07'];
  return days.flatMap((day) => {
    const { startsAt, endsAt } = quotaDay('pacific', Date.parse(`${day}T20:00:00Z`));
    return [startsAt, endsAt];
  });
}
