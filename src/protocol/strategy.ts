import * as z from 'zod';
import { PROFILE_STRATEGIES, type ScorePart, STRATEGIES } from './strategyNames.js';

export const strategySchema = z.enum(STRATEGIES);
export const profileStrategySchema = z.enum(PROFILE_STRATEGIES);

const weight = z.number().nonnegative().default(0);

/** What `custom` weighs by. Only their ratios matter; one that is left out weighs nothing. */
export const strategyWeightsSchema = z
  .strictObject({ reliability: weight, speed: weight, intelligence: weight, headroom: weight })
  .refine((weights) => Object.values(weights).some((weight) => weight > 0), 'needs a weight above 0');

export type StrategyWeights = Readonly<Record<ScorePart, number>>;

/** One part of a score. */
export const scorePartView = z.object({
  /** 0 to 1, more is better. */
  value: z.number(),
  /** Its share of the score; those of all parts add up to 1. */
  weight: z.number(),
  /** Measurements behind the value, each counting less as it ages; null for what is known and not measured. */
  samples: z.number().nullable(),
});

/** A model's score, number by number. */
export const scoreView = z.object({
  /** 0 to 1: the weighted sum of the parts. */
  score: z.number(),
  reliability: scorePartView,
  speed: scorePartView,
  intelligence: scorePartView,
  headroom: scorePartView,
});

export type ScoreView = z.infer<typeof scoreView>;
