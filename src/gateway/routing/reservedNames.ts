import { profileStrategySchema } from '../../protocol/strategy.js';

/** Words that a client's `model` understands by itself: no profile can be called so. */
export function isReservedName(name: string): boolean {
  const isWord = name === 'auto' || name === 'prefer' || profileStrategySchema.safeParse(name).success;
  return isWord || name.startsWith('auto:') || name.startsWith('prefer:');
}
