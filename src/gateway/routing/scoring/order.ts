import type { StrategyWeights } from '../../../protocol/strategy.js';
import type { ProfileStrategy } from '../../../protocol/strategyNames.js';
import type { Clock } from '../../ports.js';
import type { Candidate } from '../inventory.js';
import type { KeySpread } from './keySpread.js';
import { type Score, type ScoreSources, scoreOf, weightsOf } from './score.js';

/** One order as a request has it. Never changed once given out. */
export interface Ranking {
  /** null where a model was pinned: nothing was to be ordered but its keys. */
  strategy: ProfileStrategy | null;
  /** The profile that was asked for; null for others. */
  profile: string | null;
  /** In the order they are to be tried. */
  candidates: readonly Candidate[];
  /** By model, in that order; null where the strategy does not score. */
  scores: readonly Score[] | null;
  weights: StrategyWeights | null;
  /** Models that a `prefer:` put before all others, whatever their scores. */
  preferred: ReadonlySet<string> | null;
}

/** Gives each request its order. */
export interface RequestOrder {
  next(): Ranking;
}

export interface OrderSources extends ScoreSources {
  clock: Clock;
  spread: KeySpread;
  /** What the user gave `custom`. */
  customWeights: StrategyWeights;
}

/**
 * A ranking stays for so long for each candidate in it, whatever is measured meanwhile. To rank one takes some 3 µs (350
 * models: 1 ms), so that ranking takes a few thousandths of the time at most, be it 5 candidates (10 ms) or 350 (0.7 s).
 */
export const RANKED_FOR_MS_A_KEY = 2;
/** Without measurements it is made anew after this: windows open and old measurements fade by themselves. */
const FADES_AFTER_MS = 5000;

/** One list of candidates under one strategy. */
export class Order implements RequestOrder {
  /** By model, in the list's own order: keys of one model are next to each other from here on. */
  private readonly models: readonly (readonly Candidate[])[];
  private readonly hasSpread: boolean;
  private readonly weights: StrategyWeights | null;
  /** By model, as ranked. */
  private ranked: readonly (readonly Candidate[])[];
  private ranking: Ranking;
  /** Where the first key of each model with several of them stands. */
  private starts = new Map<string, number>();
  private rankedAt = Number.NEGATIVE_INFINITY;
  private measuredAt = 0;
  private epoch = -1;
  private seen = 0;
  private turn = 0;

  constructor(
    list: readonly Candidate[],
    private readonly strategy: ProfileStrategy | null,
    private readonly profile: string | null,
    private readonly sources: OrderSources,
  ) {
    this.models = byModel(list);
    this.hasSpread = this.models.some(([first]) => first !== undefined && sources.spread.has(first.name));
    this.weights = strategy && weightsOf(strategy, sources.customWeights);
    this.ranked = this.models;
    this.ranking = { strategy, profile, candidates: list, scores: null, weights: null, preferred: null };
  }

  /** The order for a request that comes now. */
  next(): Ranking {
    if (this.isStale()) this.rank();
    else if (this.hasSpread) this.followSpread();
    if (this.strategy !== 'round-robin') return this.ranking;
    return { ...this.ranking, candidates: this.turned() };
  }

  private isStale(): boolean {
    if (this.rankedAt === Number.NEGATIVE_INFINITY) return true;
    if (this.weights === null) return false;
    const age = this.sources.clock.now() - this.rankedAt;
    if (age < 0 || age >= FADES_AFTER_MS) return true;
    const isNews = this.sources.measurements.version !== this.measuredAt;
    return isNews && age >= this.ranking.candidates.length * RANKED_FOR_MS_A_KEY;
  }

  private rank(): void {
    const { clock, measurements } = this.sources;
    this.rankedAt = clock.now();
    this.measuredAt = measurements.version;
    const { weights } = this;
    if (weights === null) {
      this.flatten(null);
      return;
    }
    const scored = this.models.flatMap((keys, position) => {
      const score = scoreOf(keys, weights, this.sources, this.rankedAt);
      return score ? [{ keys, score, position }] : [];
    });
    scored.sort((a, b) => lastIsDemo(a.keys, b.keys) || b.score.total - a.score.total || a.position - b.position);
    this.ranked = scored.map(({ keys }) => keys);
    this.flatten(scored.map(({ score }) => score));
  }

  private flatten(scores: readonly Score[] | null): void {
    const { spread } = this.sources;
    const candidates: Candidate[] = [];
    this.starts = new Map();
    for (const keys of this.ranked) {
      const [first] = keys;
      if (!first) continue;
      const sorted = keys.length > 1 ? spread.keysOf(first.name) : undefined;
      // A list may leave keys of a model out: then it has the keys' own order.
      if (sorted?.length === keys.length) {
        this.starts.set(first.name, candidates.length);
        candidates.push(...sorted);
      } else candidates.push(...keys);
    }
    this.epoch = spread.epoch;
    this.seen = spread.changes.length;
    const { strategy, profile, weights } = this;
    this.ranking = { strategy, profile, candidates, scores, weights, preferred: null };
  }

  /** Puts the keys of those models in order that were asked since the last request. */
  private followSpread(): void {
    const { spread } = this.sources;
    if (spread.epoch === this.epoch && spread.changes.length === this.seen) return;
    if (spread.epoch !== this.epoch) {
      this.flatten(this.ranking.scores);
      return;
    }
    let candidates: Candidate[] | null = null;
    for (; this.seen < spread.changes.length; this.seen++) {
      const name = spread.changes[this.seen] as string;
      let at = this.starts.get(name);
      if (at === undefined) continue;
      // Requests that run have the array that was.
      candidates ??= [...this.ranking.candidates];
      for (const candidate of spread.keysOf(name) ?? []) candidates[at++] = candidate;
    }
    if (candidates) this.ranking = { ...this.ranking, candidates };
  }

  /** Each request begins with the model after the one that the last began with. */
  private turned(): readonly Candidate[] {
    const { candidates } = this.ranking;
    const first = this.models[this.turn++ % Math.max(this.models.length, 1)]?.[0];
    const start = candidates.findIndex(({ name }) => name === first?.name);
    return start <= 0 ? candidates : [...candidates.slice(start), ...candidates.slice(0, start)];
  }
}

/** A soft pin: these first, in their order, then the others in theirs. */
export class PreferringOrder implements RequestOrder {
  private last: { first: Ranking; rest: Ranking; both: Ranking } | null = null;

  constructor(
    private readonly first: RequestOrder,
    private readonly rest: RequestOrder,
  ) {}

  next(): Ranking {
    const first = this.first.next();
    const rest = this.rest.next();
    if (this.last?.first !== first || this.last.rest !== rest) {
      const preferred = new Set(first.candidates.map(({ name }) => name));
      const others = rest.candidates.filter(({ name }) => !preferred.has(name));
      const candidates = [...first.candidates, ...others];
      this.last = { first, rest, both: { ...rest, candidates, profile: first.profile, preferred } };
    }
    return this.last.both;
  }
}

/** The demo answers when nobody else does. */
function lastIsDemo(a: readonly Candidate[], b: readonly Candidate[]): number {
  return Number(a[0]?.provider === 'demo') - Number(b[0]?.provider === 'demo');
}

function byModel(list: readonly Candidate[]): Candidate[][] {
  const models = new Map<string, Candidate[]>();
  for (const candidate of list) {
    const keys = models.get(candidate.name);
    if (keys) keys.push(candidate);
    else models.set(candidate.name, [candidate]);
  }
  return [...models.values()];
}
