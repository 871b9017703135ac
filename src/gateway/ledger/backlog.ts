import type { LedgerChange } from './changes.js';

/** Request rows that wait in memory while the disk refuses; older ones are only in the database, until it is saved. */
const MOST_REQUESTS = 20_000;

/**
 * What is still to be written of changes that wait for a disk, in their order: the newest request rows, and of the counts
 * of quota windows, which are absolute, the last ones. `lost` says how many request rows are given up.
 */
export function shortenBacklog<T extends { change: LedgerChange }>(waiting: readonly T[]): { kept: T[]; lost: number } {
  const counted = new Set<string>();
  const kept: T[] = [];
  let requests = 0;
  for (const one of [...waiting].reverse()) {
    const { change } = one;
    if (change.type === 'request' && ++requests > MOST_REQUESTS) continue;
    if (change.type === 'quota') {
      const before = counted.size;
      for (const { id, kind, startsAt } of change.windows) counted.add(`${kind} ${startsAt} ${id}`);
      if (counted.size === before) continue;
    }
    kept.push(one);
  }
  return { kept: kept.reverse(), lost: Math.max(0, requests - MOST_REQUESTS) };
}
