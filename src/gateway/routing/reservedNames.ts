import { isProfileStrategy } from '../../protocol/strategyNames.js';

/** Words that a client's `model` understands by itself: no profile can be called so. */
export function isReservedName(name: string): boolean {
  const isWord = name === 'auto' || name === 'prefer' || isProfileStrategy(name);
  return isWord || name.startsWith('auto:') || name.startsWith('prefer:');
}
