import * as z from 'zod';

/** `provider/model`. */
export const modelName = z
  .string()
  .regex(/^[^/]+\/.+$/, 'expected "provider/model"')
  .max(300);

/** No model is named a second time. */
export const isOnce = (models: readonly string[]) => new Set(models).size === models.length;

/** A chain that says all of itself: of a profile, or in the config file. */
export const wholeChain = z.array(modelName).min(1, 'names no model').refine(isOnce, 'names a model twice');
