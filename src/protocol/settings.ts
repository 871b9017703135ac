import * as z from 'zod';
import { strategySchema, strategyWeightsSchema } from './strategy.js';

/** The settings that a config file or `PUT /api/settings` may set. */
export const settingsSchema = z.strictObject({
  'queue.timeoutSeconds': z.number().int().nonnegative().max(3600).optional(),
  stickyMinutes: z.number().int().nonnegative().optional(),
  contextHandoff: z.boolean().optional(),
  healthProbes: z.boolean().optional(),
  retentionDays: z.number().int().positive().optional(),
  demo: z.boolean().optional(),
  /** What orders `auto`. Until somebody chooses: `balanced`, or `priority` where the user set an order. */
  strategy: strategySchema.optional(),
  /** Of the strategy `custom`. */
  strategyWeights: strategyWeightsSchema.optional(),
});

export type ApiSettings = z.infer<typeof settingsSchema>;
