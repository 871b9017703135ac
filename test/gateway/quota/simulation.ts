import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AccountLimit } from '../../../src/gateway/providers/spec.js';
import { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import type { QuotaRefusal } from '../../../src/gateway/quota/entries.js';
import type { QuotaLease } from '../../../src/gateway/quota/lease.js';
import type { Limits } from '../../../src/gateway/quota/limits.js';
import { TRANSIT_MS } from '../../../src/gateway/quota/windows.js';
import { Disk, sourcesOf, TARGET, WorldClock } from './world.js';

/** How one request goes, in ms after the step before. */
export interface Plan {
  comesAfter: number;
  tokens: number;
  model: number;
  /** Until its last byte is written; null: the transport does not tell. */
  sentAfter: number | null;
  /** Until it reaches the provider; at most `TRANSIT_MS` after it was sent. */
  transit: number;
  headersAfter: number;
  /** Until the end of the answer. */
  endAfter: number;
  /** `refused`: the connection was; `lost`: it arrives, and nobody answers. */
  fate: 'answered' | 'refused' | 'lost';
}

export type Event =
  | { type: 'none' }
  /** The wall clock is set wrong by so much, from then on. */
  | { type: 'set'; offset: number }
  /** The same, and some hours later it is right again. */
  | { type: 'astray'; offset: number; ms: number }
  | { type: 'sleep'; ms: number }
  /** Killed, and started again so much later. */
  | { type: 'restart'; ms: number };

export interface Arrival {
  at: number;
  model: number;
  tokens: number;
}

export interface World {
  arrivals: Arrival[];
  refusals: number;
  served: number;
}

export const plan = (pace: number, length: number): fc.Arbitrary<Plan> =>
  fc.record({
    comesAfter: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: pace })),
    tokens: fc.integer({ min: 1, max: 100 }),
    model: fc.nat(2),
    sentAfter: fc.option(fc.integer({ min: 0, max: 500 }), { nil: null }),
    transit: fc.integer({ min: 0, max: TRANSIT_MS }),
    headersAfter: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: length / 2 })),
    endAfter: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: length })),
    fate: fc.constantFrom('answered', 'answered', 'answered', 'answered', 'refused', 'lost'),
  });

/**
 * Runs requests through an engine, first come first served: who finds no room waits until the time it was told, or
 * until something was freed. What could have been sent and was not is found by counting anew, by hand (`mayWait`).
 */
export function run(
  limits: Limits,
  plans: readonly Plan[],
  events: readonly Event[],
  options: {
    start: number;
    dayBoundary?: 'utc' | 'pacific' | 'rolling';
    mayWait?: MayWait;
    accountLimits?: readonly AccountLimit[];
  },
): World {
  const clock = new WorldClock(options.start);
  const { accountLimits = [] } = options;
  // Where nothing is shared, one model tells more.
  const targetOf = ({ model }: Plan) => (accountLimits.length > 0 ? { ...TARGET, model: `m${model}` } : TARGET);
  const world: World = { arrivals: [], refusals: 0, served: 0 };
  const disk = new Disk();
  const agenda: { at: number; life: number; run: () => void }[] = [];
  let life = 0;
  let isLooking = false;
  const make = () =>
    new QuotaEngine(clock, sourcesOf(limits, { dayBoundary: options.dayBoundary ?? 'utc', accountLimits }), {
      onFreed: look,
    });
  const waiting: Plan[] = [];
  let engine = make();
  const later = (ms: number, step: () => void, of = life) => {
    let place = agenda.length;
    while (place > 0 && (agenda[place - 1]?.at ?? 0) > clock.time + ms) place--;
    agenda.splice(place, 0, { at: clock.time + ms, life: of, run: step });
  };

  function look(): void {
    if (isLooking) return;
    isLooking = true;
    for (;;) {
      const first = waiting[0];
      if (!first) break;
      const taken = engine.lease(targetOf(first), first.tokens);
      if (!taken.ok) {
        world.refusals++;
        if (taken.until === null) {
          waiting.shift();
          continue;
        }
        options.mayWait?.check(clock.time, first.tokens, taken, taken.until - clock.now());
        later(Math.max(1, taken.until - clock.now()), look);
        break;
      }
      waiting.shift();
      world.served++;
      send(first, taken.lease);
    }
    isLooking = false;
  }

  function send(each: Plan, lease: QuotaLease): void {
    const note = options.mayWait?.leased(each.tokens);
    if (each.fate === 'refused') {
      later(each.headersAfter, () => {
        note?.released();
        lease.release();
      });
      return;
    }
    const sent = each.sentAfter ?? 0;
    const reaches = sent + each.transit;
    // What is on its way arrives, whether we live or not; what was not sent yet dies with us.
    const arrival = { at: clock.time + reaches, model: each.model, tokens: each.tokens };
    if (each.sentAfter === null) world.arrivals.push(arrival);
    else {
      later(sent, () => {
        world.arrivals.push(arrival);
        note?.latest(clock.time + TRANSIT_MS);
        lease.sent();
      });
    }
    if (each.fate === 'answered') {
      later(reaches + each.headersAfter, () => {
        note?.latest(clock.time);
        lease.arrived();
      });
    }
    later(reaches + each.headersAfter + each.endAfter, () => {
      // Without an answer nobody knows that it has arrived, only that it has been sent.
      const isUnanswered = each.fate === 'lost';
      const end = clock.time + (isUnanswered ? TRANSIT_MS : 0);
      note?.latest(isUnanswered ? clock.time + TRANSIT_MS : clock.time);
      note?.ended(end);
      lease.settle({ tokens: each.tokens, countsAgainstQuota: true, isUnanswered });
    });
  }

  function happen(event: Event): void {
    if (event.type === 'set' || event.type === 'astray') clock.setOffset(event.offset);
    if (event.type === 'astray') later(event.ms, () => clock.setOffset(0), -1);
    else if (event.type === 'sleep') clock.sleep(event.ms);
    else if (event.type === 'restart') {
      life++;
      clock.advance(event.ms);
      engine = make();
      disk.load(engine, clock.now());
      look();
    }
  }

  let comesAt = 0;
  for (const [number, each] of plans.entries()) {
    comesAt += each.comesAfter;
    const event = events[number];
    const arrive = () => {
      if (event) happen(event);
      waiting.push(each);
      look();
    };
    later(comesAt, arrive, -1);
  }
  for (let steps = 0; agenda.length > 0 && steps < 20_000; steps++) {
    const next = agenda.shift();
    if (!next || (next.life !== -1 && next.life !== life)) continue;
    clock.time = Math.max(clock.time, next.at);
    next.run();
    // Every 250 ms in life; here at once, so that a kill loses nothing that this test knows of.
    disk.save(engine);
  }
  assert.deepEqual(waiting.length, 0, 'nobody waits for ever');
  return world;
}

/** Counts by hand what a strict provider could have seen: who waits though that leaves room? */
export interface MayWait {
  leased(tokens: number): { released(): void; latest(at: number): void; ended(at: number): void };
  check(now: number, tokens: number, refusal: QuotaRefusal, wait: number): void;
}

/** For windows that slide. `slack`: what clocks may differ by over the length. */
export function slidingOracle(
  limits: Limits,
  lengths: { rpm?: number; tpm?: number; rph?: number; rpd?: number },
): MayWait {
  const all: { tokens: number; latest: number; ended: number }[] = [];
  const freeAt = (kind: 'rpm' | 'tpm' | 'rph' | 'rpd', now: number, amount: number): number => {
    const length = (lengths[kind] ?? 0) * 1.001;
    const limit = limits[kind] ?? Number.POSITIVE_INFINITY;
    const ends = all
      .map(({ tokens, latest, ended }) =>
        kind === 'tpm' ? { end: ended + length, amount: tokens } : { end: latest + length, amount: 1 },
      )
      .filter(({ end }) => end > now)
      .sort((a, b) => a.end - b.end);
    let used = ends.reduce((sum, each) => sum + each.amount, 0);
    let free = now;
    for (const each of ends) {
      if (used + amount <= limit) break;
      used -= each.amount;
      // What is still on its way may arrive now, or never be sent.
      free = each.end === Number.POSITIVE_INFINITY ? Math.max(free, now + length) : each.end;
    }
    return free;
  };
  return {
    leased(tokens) {
      const note = { tokens, latest: Number.POSITIVE_INFINITY, ended: Number.POSITIVE_INFINITY };
      all.push(note);
      return {
        released: () => void all.splice(all.indexOf(note), 1),
        latest: (at) => {
          note.latest = Math.min(note.latest, at);
        },
        ended: (at) => {
          note.ended = at;
        },
      };
    },
    check(now, tokens, refusal, wait) {
      const kinds = Object.keys(lengths) as ('rpm' | 'tpm' | 'rph' | 'rpd')[];
      const free = Math.max(...kinds.map((kind) => freeAt(kind, now, kind === 'tpm' ? tokens : 1)));
      assert.ok(free > now, `a slot was free in ${refusal.kind}, and a request was told to wait ${wait} ms`);
      assert.ok(wait <= Math.ceil(free - now), `told to wait ${wait} ms, ${Math.ceil(free - now)} are enough`);
    },
  };
}

/** No more than `limit` in any stretch of `length`: so none in a fixed window either, wherever it begins. */
export function assertSliding(
  arrivals: readonly Arrival[],
  limit: number,
  length: number,
  amount: (a: Arrival) => number,
): void {
  const sorted = [...arrivals].sort((a, b) => a.at - b.at);
  let from = 0;
  let sum = 0;
  for (const each of sorted) {
    sum += amount(each);
    while ((sorted[from]?.at ?? 0) <= each.at - length) sum -= amount(sorted[from++] as Arrival);
    assert.ok(sum <= limit, `${sum} of ${limit} within ${length} ms before ${new Date(each.at).toISOString()}`);
  }
}

export function assertDays(arrivals: readonly Arrival[], limit: number, dayOf: (at: number) => number): void {
  const days = new Map<number, number>();
  for (const { at } of arrivals) {
    const count = (days.get(dayOf(at)) ?? 0) + 1;
    days.set(dayOf(at), count);
    assert.ok(count <= limit, `${count} of ${limit} in the day from ${new Date(dayOf(at)).toISOString()}`);
  }
}
