import type { MeasurementRow } from '../../ledger/changes.js';
import type { Clock } from '../../ports.js';
import type { FailureKind } from '../failure.js';

/**
 * After so long a measurement counts half. Outages and slow hours of free tiers last from minutes (cooldowns bridge
 * those) to a few hours: what was seen this morning should say little in the evening, and a restart or a lunch break
 * should forget nothing that matters.
 */
export const HALF_LIFE_MS = 2 * 60 * 60 * 1000;
/** Older than this it counts for less than a thousandth. */
export const FORGOTTEN_MS = 20 * HALF_LIFE_MS;

/** What is expected of a model that nobody has asked yet, counted as so many measurements. */
const EXPECTED_RELIABILITY = 0.9;
const RELIABILITY_PRIOR_WEIGHT = 4;
const SPEED_PRIOR_WEIGHT = 2;

/**
 * Speed by the catalog's rank (1 is fastest, 15 the slowest it knows): each rank a quarter slower, from 0.25 s and 320
 * tokens a second to about 7 s and 14. Unknown models are taken for the many that the catalog puts in the middle.
 */
const RANK_FACTOR = 1.25;
const FIRST_TOKEN_OF_RANK_0_MS = 200;
const TOKENS_A_SECOND_OF_RANK_0 = 400;
const SLOWEST_RANK = 15;
const USUAL_RANK = 9;

/** Answers differ in length: what is compared is the time for one of so many tokens. */
export const TYPICAL_TOKENS = 300;
/** A speed says all it can after so many tokens; a shorter answer counts for its part. */
const FULL_SAMPLE_TOKENS = 50;

const MIN_FIRST_MS = 1;
const MIN_TOKENS_A_SECOND = 0.1;
const MAX_TOKENS_A_SECOND = 10_000;

/**
 * What a failure says against the model, in failures. Not in the table: what lies with the client (bad_request,
 * too_large) or with one key (auth, credit, forbidden), which cooldowns handle. A limit costs the request a detour of
 * milliseconds and is mostly known beforehand (headroom): it counts a quarter of a breakage.
 */
const BLAME: Partial<Record<FailureKind, number>> = {
  overloaded: 1,
  network: 1,
  slow: 1,
  empty: 1,
  gone: 1,
  challenge: 1,
  rate_limit: 0.25,
  daily_quota: 0.25,
};

/** Whom a measurement is of. */
export interface MeasuredModel {
  /** `provider/model`. */
  name: string;
  catalog: { speedRank: number };
}

/** A figure and how many measurements are behind it, each counting less as it ages. */
export interface Estimate {
  value: number;
  samples: number;
}

/** Decayed sums of one model. */
class Sums {
  constructor(
    /** When they were last brought to. */
    public at: number,
    public good = 0,
    public bad = 0,
    /** Of logarithms: one answer that took a minute must not outweigh ten quick ones. */
    public firstLog = 0,
    public firstWeight = 0,
    public rateLog = 0,
    public rateWeight = 0,
  ) {}

  /** A clock that was set back changes nothing. */
  decayTo(now: number): void {
    if (now <= this.at) return;
    const factor = 2 ** ((this.at - now) / HALF_LIFE_MS);
    this.at = now;
    this.good *= factor;
    this.bad *= factor;
    this.firstLog *= factor;
    this.firstWeight *= factor;
    this.rateLog *= factor;
    this.rateWeight *= factor;
  }
}

/**
 * How models have done lately, by `provider/model`: in memory, fed by every attempt, kept by the ledger. Success is
 * counted, time to first token and tokens a second are averaged by their logarithms; all of it decays by time, and
 * begins at what the catalog lets expect, which few measurements move little and many wholly.
 */
export class Measurements {
  /** Rises with every measurement. */
  version = 0;
  private readonly models = new Map<string, Sums>();
  private readonly changed = new Set<string>();

  constructor(private readonly clock: Clock) {}

  /**
   * An attempt answered. `ms`: all of it; `firstMs`: until its first token, null where it came whole; `tokens`: of the
   * answer, 0 where nobody knows.
   */
  answered(model: MeasuredModel, ms: number, firstMs: number | null, tokens: number): void {
    const sums = this.touch(model.name);
    sums.good += 1;
    if (firstMs === null) addWhole(sums, model, ms, tokens);
    else {
      addFirst(sums, firstMs, 1);
      if (tokens > 0 && ms > firstMs) {
        addRate(sums, (tokens * 1000) / (ms - firstMs), Math.min(1, tokens / FULL_SAMPLE_TOKENS));
      }
    }
  }

  /** An attempt failed after `ms`. */
  failed(model: MeasuredModel, kind: FailureKind, ms: number): void {
    const blame = BLAME[kind];
    if (blame === undefined) return;
    const sums = this.touch(model.name);
    sums.bad += blame;
    // The first token would have come later still.
    if (kind === 'slow') addFirst(sums, ms, 1);
  }

  /** The share of attempts that answer, 0 to 1. */
  reliability(model: MeasuredModel, now: number): Estimate {
    const sums = this.current(model.name, now);
    const good = sums?.good ?? 0;
    const samples = good + (sums?.bad ?? 0);
    const expected = RELIABILITY_PRIOR_WEIGHT * EXPECTED_RELIABILITY;
    return { value: (good + expected) / (samples + RELIABILITY_PRIOR_WEIGHT), samples };
  }

  /** How long an answer of `TYPICAL_TOKENS` takes, in ms. */
  answerMs(model: MeasuredModel, now: number): Estimate {
    const sums = this.current(model.name, now);
    const value = firstMsOf(sums, model) + (TYPICAL_TOKENS * 1000) / rateOf(sums, model);
    return { value, samples: sums ? Math.max(sums.firstWeight, sums.rateWeight) : 0 };
  }

  /** What the ledger does not hold yet. */
  takeChanged(): MeasurementRow[] {
    const rows = [...this.changed].flatMap((model) => {
      const sums = this.models.get(model);
      if (!sums) return [];
      const { at, good, bad, firstLog, firstWeight, rateLog, rateWeight } = sums;
      return { model, at, good, bad, firstLog, firstWeight, rateLog, rateWeight };
    });
    this.changed.clear();
    return rows;
  }

  /** What an earlier life of the gateway measured. */
  restore(rows: readonly MeasurementRow[]): void {
    for (const { model, at, good, bad, firstLog, firstWeight, rateLog, rateWeight } of rows) {
      const numbers = [at, good, bad, firstLog, firstWeight, rateLog, rateWeight];
      // Somebody edited the file.
      if (!numbers.every(Number.isFinite) || Math.min(good, bad, firstWeight, rateWeight) < 0) continue;
      // A time to come would never decay.
      const since = Math.min(at, this.clock.now());
      this.models.set(model, new Sums(since, good, bad, firstLog, firstWeight, rateLog, rateWeight));
    }
    this.version++;
  }

  private touch(name: string): Sums {
    const now = this.clock.now();
    let sums = this.models.get(name);
    if (sums) sums.decayTo(now);
    else {
      sums = new Sums(now);
      this.models.set(name, sums);
    }
    this.changed.add(name);
    this.version++;
    return sums;
  }

  private current(name: string, now: number): Sums | undefined {
    const sums = this.models.get(name);
    sums?.decayTo(now);
    return sums;
  }
}

/**
 * A whole answer tells one time for both figures: as much longer or shorter as it took than was expected of it, so much
 * are both, and each takes the part of the evidence that it has in the expectation.
 */
function addWhole(sums: Sums, model: MeasuredModel, ms: number, tokens: number): void {
  const first = firstMsOf(sums, model);
  const rate = rateOf(sums, model);
  const expected = first + (tokens * 1000) / rate;
  const ratio = Math.max(ms, MIN_FIRST_MS) / expected;
  const firstShare = first / expected;
  addFirst(sums, first * ratio, firstShare);
  addRate(sums, rate / ratio, 1 - firstShare);
}

function addFirst(sums: Sums, ms: number, weight: number): void {
  sums.firstLog += weight * Math.log(Math.max(ms, MIN_FIRST_MS));
  sums.firstWeight += weight;
}

function addRate(sums: Sums, tokensASecond: number, weight: number): void {
  const rate = Math.min(Math.max(tokensASecond, MIN_TOKENS_A_SECOND), MAX_TOKENS_A_SECOND);
  sums.rateLog += weight * Math.log(rate);
  sums.rateWeight += weight;
}

function firstMsOf(sums: Sums | undefined, { catalog }: MeasuredModel): number {
  const expected = FIRST_TOKEN_OF_RANK_0_MS * RANK_FACTOR ** rankOf(catalog.speedRank);
  return shrunk(expected, sums?.firstLog ?? 0, sums?.firstWeight ?? 0);
}

function rateOf(sums: Sums | undefined, { catalog }: MeasuredModel): number {
  const expected = TOKENS_A_SECOND_OF_RANK_0 / RANK_FACTOR ** rankOf(catalog.speedRank);
  return shrunk(expected, sums?.rateLog ?? 0, sums?.rateWeight ?? 0);
}

function rankOf(speedRank: number): number {
  return speedRank <= SLOWEST_RANK ? speedRank : USUAL_RANK;
}

function shrunk(expected: number, log: number, weight: number): number {
  if (weight === 0) return expected;
  return Math.exp((SPEED_PRIOR_WEIGHT * Math.log(expected) + log) / (SPEED_PRIOR_WEIGHT + weight));
}
