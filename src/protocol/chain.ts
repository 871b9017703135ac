import * as z from 'zod';
import { profileStrategySchema, scoreView, strategySchema } from './strategy.js';
import { isOnce, modelName, wholeChain } from './wholeChain.js';

/** What was used of what a day gives, over all keys. `limit` null: nobody knows one. */
const dayUse = z.object({ used: z.number(), limit: z.number().nullable() });

/** One model of the chain (`GET /api/chain`). */
export const chainModel = z.object({
  /** `provider/model`. */
  model: z.string(),
  provider: z.string(),
  /** Provider-side id. */
  id: z.string(),
  /** Display name. */
  name: z.string(),
  /** Off: it is not asked, not even by name. */
  enabled: z.boolean(),
  /** Off because its provider said that it does not have it: until then, in ms since the epoch. Else null. */
  goneUntil: z.number().nullable(),
  /** One of its keys can answer right now. */
  available: z.boolean(),
  /** What can answer has rested: one request tries it, and the others follow when its answer begins. */
  trying: z.boolean(),
  /** The name under which several providers have it; null where nobody else is known to. */
  group: z.string().nullable(),
  /** Providers that have it and may be asked, this one first. */
  providers: z.array(z.string()),
  /** Keys that may be used for it. */
  keys: z.number(),
  /** Tokens, prompt and answer together. */
  contextWindow: z.number().nullable(),
  maxOutput: z.number().nullable(),
  tools: z.boolean(),
  vision: z.boolean(),
  reasoning: z.boolean(),
  /** What the catalog says is free in a month, in words (`~6M`); null where it says nothing. */
  monthlyTokens: z.string().nullable(),
  /** What its day gives; null for a model that is off. */
  today: z
    .object({
      /** 0 to 1: of the tightest window of a day or more, on the key that has most left; 1 where no limit is known. */
      left: z.number(),
      requests: dayUse,
      tokens: dayUse,
      /** When its day ends, in ms since the epoch. */
      resetsAt: z.number(),
      /** Other models spend the same: do not add it up. */
      isShared: z.boolean(),
    })
    .nullable(),
  /** As of now; null for a model that is off. */
  score: scoreView.nullable(),
});
export type ChainModel = z.infer<typeof chainModel>;

/** `GET /api/chain`. */
export const chainView = z.object({
  /** What orders the models; with `?strategy=` the one that was asked for. */
  strategy: strategySchema,
  /** What the scores weigh by: the strategy, or `balanced` under `priority`, which does not go by scores. */
  scoredBy: strategySchema,
  /** What orders `auto` now, whatever was asked for here. */
  inForce: strategySchema,
  /** Who chose it: the config file (it is changed there), the user, or nobody. */
  chosenBy: z.enum(['config', 'user', 'nobody']),
  /** The config file has the chain: it is changed there. */
  isFixed: z.boolean(),
  /** Somebody put the models in an order; else it is the catalog's. */
  hasOrder: z.boolean(),
  /** In the order they are tried; those that are off come last. */
  data: z.array(chainModel),
});
export type ChainView = z.infer<typeof chainView>;

/** Query of `GET /api/chain`. */
export const chainQuery = z.strictObject({ strategy: strategySchema.optional() });

/** Body of `PUT /api/chain`. */
export const newChain = z.strictObject({
  /** In order; null goes back to the catalog's order. Models that are not named follow by their rank. */
  data: z
    .array(z.strictObject({ model: modelName, enabled: z.boolean().optional() }))
    .max(5000)
    .refine((models) => isOnce(models.map(({ model }) => model)), 'names a model twice')
    .nullable(),
});

/** Body of `PUT /api/profiles`: makes the profile of that name, or replaces it. */
export const newProfile = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u, 'expected letters, digits, . _ and -'),
  chain: wholeChain.max(1000),
  /** `priority` if left out: the chain's own order. */
  strategy: profileStrategySchema.optional(),
  /** Tokens; that of the smallest member if left out. */
  contextWindow: z.number().int().positive().nullable().optional(),
});

/** One profile (`GET /api/profiles`). */
export const profileView = z.object({
  name: z.string(),
  /** `provider/model`, in order. */
  chain: z.array(z.string()),
  strategy: profileStrategySchema,
  /** Tokens, as set; null where it is that of the smallest member. */
  contextWindow: z.number().nullable(),
  /** What clients are told; null where nobody knows. */
  effectiveContextWindow: z.number().nullable(),
  /** The config file has it: it is changed there. */
  isFixed: z.boolean(),
  /** One of its models can answer right now. */
  available: z.boolean(),
  /** What is odd about it, a sentence each. */
  warnings: z.array(z.string()),
});
export type ProfileView = z.infer<typeof profileView>;
