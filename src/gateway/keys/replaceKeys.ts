import type { StoredKey } from '../../protocol/worker.js';
import type { KeyPool } from './keyPool.js';

/** Makes the pool hold exactly these stored keys, keeping what is known of those that stay. Returns whether any is new. */
export function replaceStoredKeys(pool: KeyPool, keys: readonly StoredKey[]): boolean {
  const wanted = new Set(keys.map(({ id }) => id));
  for (const { id } of pool.stored()) if (!wanted.has(id)) pool.remove(id);
  const before = new Map(pool.stored().map((key) => [key.id, JSON.stringify(key)]));
  let isAnyNew = false;
  for (const key of keys) {
    const had = before.get(key.id);
    if (had === JSON.stringify(key)) continue;
    // The config file's keys are not the store's.
    if (had === undefined && pool.get(key.id)) continue;
    if (had === undefined) {
      pool.add(key, 'stored');
      isAnyNew = true;
    } else {
      const { id, provider: _provider, ...change } = key;
      // What is left out now may have been there before.
      pool.update(id, { models: null, limits: {}, ...change });
      isAnyNew ||= pool.get(id)?.health.status === 'unknown';
    }
  }
  return isAnyNew;
}
