import type { ScoreView, StrategyWeights } from '../../../protocol/strategy.js';
import { type ProfileStrategy, SCORE_PARTS, type ScorePart } from '../../../protocol/strategyNames.js';
import type { Candidate } from '../inventory.js';
import type { Estimate, Measurements } from './measurements.js';

/** The lowest rank that the catalog gives; whatever is below it, or unknown, gets nothing for its intelligence. */
export const LOWEST_RANK = 30;
/** An answer that takes so long gets half of what speed can give. */
const MIDDLING_ANSWER_MS = 3000;

/** Strategies that rank by a score, with what they weigh. Those that are left out keep the list's own order. */
const WEIGHTS: Partial<Record<ProfileStrategy, StrategyWeights>> = {
  balanced: { reliability: 0.35, speed: 0.2, intelligence: 0.3, headroom: 0.15 },
  smartest: { reliability: 0.2, speed: 0, intelligence: 0.8, headroom: 0 },
  fastest: { reliability: 0.2, speed: 0.8, intelligence: 0, headroom: 0 },
  reliable: { reliability: 0.8, speed: 0, intelligence: 0, headroom: 0.2 },
  'least-latency': { reliability: 0, speed: 1, intelligence: 0, headroom: 0 },
};

/** The weights of a strategy, adding up to 1; null for one that does not score. `custom` are the user's. */
export function weightsOf(strategy: ProfileStrategy, custom: StrategyWeights): StrategyWeights | null {
  if (strategy !== 'custom') return WEIGHTS[strategy] ?? null;
  const sum = SCORE_PARTS.reduce((total, part) => total + custom[part], 0);
  const of = (part: ScorePart) => custom[part] / sum;
  return {
    reliability: of('reliability'),
    speed: of('speed'),
    intelligence: of('intelligence'),
    headroom: of('headroom'),
  };
}

/** A model's score under one strategy, at one moment. */
export interface Score {
  /** `provider/model`. */
  name: string;
  /** To three digits: less of a difference is none, and the list's order decides. */
  total: number;
  /** `samples` null: known, not measured. */
  parts: Readonly<Record<ScorePart, { value: number; samples: number | null }>>;
  /** Its numbers as the ledger has them, once somebody needed them. */
  text: string | null;
}

/** What scores are made from. */
export interface ScoreSources {
  measurements: Measurements;
  /** The share of its quota that the candidate has left, 0 to 1. */
  headroom(candidate: Candidate): number;
}

/** Scores a model with these keys; what is left of the key with most is what it can still do. */
export function scoreOf(
  keys: readonly Candidate[],
  weights: StrategyWeights,
  sources: ScoreSources,
  now: number,
): Score | null {
  const [first] = keys;
  if (!first) return null;
  const reliability = sources.measurements.reliability(first, now);
  const speed = speedOf(sources.measurements.answerMs(first, now));
  const intelligence = intelligenceOf(first.catalog.intelligenceRank);
  let headroom = 0;
  for (const key of keys) headroom = Math.max(headroom, sources.headroom(key));
  const total =
    reliability.value * weights.reliability +
    speed.value * weights.speed +
    intelligence * weights.intelligence +
    headroom * weights.headroom;
  return {
    name: first.name,
    total: rounded(total),
    parts: {
      reliability,
      speed,
      intelligence: { value: intelligence, samples: null },
      headroom: { value: headroom, samples: null },
    },
    text: null,
  };
}

function speedOf({ value, samples }: Estimate): Estimate {
  return { value: MIDDLING_ANSWER_MS / (MIDDLING_ANSWER_MS + value), samples };
}

function intelligenceOf(rank: number): number {
  return Math.max(0, 1 - (rank - 1) / LOWEST_RANK);
}

/** As the admin API tells it. */
export function scoreView({ total, parts }: Pick<Score, 'total' | 'parts'>, weights: StrategyWeights): ScoreView {
  const part = (name: ScorePart) => {
    const { value, samples } = parts[name];
    return {
      value: rounded(value),
      weight: rounded(weights[name]),
      samples: samples === null ? null : Math.round(samples * 10) / 10,
    };
  };
  return {
    score: total,
    reliability: part('reliability'),
    speed: part('speed'),
    intelligence: part('intelligence'),
    headroom: part('headroom'),
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
