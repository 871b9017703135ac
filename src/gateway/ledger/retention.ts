import { DAY_MS } from './rollups.js';
import type { SqlDatabase } from './sqlite.js';

export const MAX_REQUESTS = 100_000;
/** Longer than the longest window of the analytics, whose first hours are read from hourly sums. */
export const HOURLY_DAYS = 100;
/** How long a slice may go on; it ends with the batch that is under way, well under a millisecond later. */
const SLICE_MS = 4;
/** Rows removed between two looks at the time. */
const BATCH = 25;

export interface RetentionOptions {
  /** Days that requests are kept. */
  retentionDays(): number;
  /** ms since the epoch. */
  now(): number;
  /** ms that only ever rise; `performance.now`. */
  elapsed(): number;
}

export interface Retention {
  /**
   * Removes what is too old or too much, oldest first, for some 4 ms and in a transaction of its own; true when there is
   * more to do. The caller lets others run before it calls again. No figure of the analytics changes by it.
   */
  step(database: SqlDatabase): boolean;
}

/**
 * What keeps the ledger small: requests with their attempts go after `retentionDays` or beyond `MAX_REQUESTS`, hourly
 * sums after `HOURLY_DAYS`; daily sums stay. It remembers nothing from one step to the next.
 */
export function createRetention(options: RetentionOptions): Retention {
  return {
    step(database) {
      const deadline = options.elapsed() + SLICE_MS;
      const requestsBefore = options.now() - options.retentionDays() * DAY_MS;
      const hoursBefore = options.now() - HOURLY_DAYS * DAY_MS;
      let isMore = true;
      database.transaction(() => {
        // SQLite counts by its smallest index, page by page: 0.2 ms for 100,000 rows.
        let excess = Number(database.row('SELECT count(*) FROM requests')?.[0]) - MAX_REQUESTS;
        do {
          const removed = removeRequests(database, requestsBefore, excess);
          excess -= removed;
          isMore = removed === BATCH || removeHours(database, hoursBefore) === BATCH;
        } while (isMore && options.elapsed() < deadline);
      });
      return isMore;
    },
  };
}

/** Removes one batch of requests: those before `before`, or the `excess` oldest. Returns how many. */
function removeRequests(database: SqlDatabase, before: number, excess: number): number {
  let oldest = database.rows('SELECT id FROM requests WHERE at < ? ORDER BY at LIMIT ?', [before, BATCH]);
  if (oldest.length < Math.min(excess, BATCH)) {
    oldest = database.rows('SELECT id FROM requests ORDER BY at LIMIT ?', [Math.min(excess, BATCH)]);
  }
  for (const id of oldest) {
    database.run('DELETE FROM attempts WHERE request_id = ?', id);
    database.run('DELETE FROM requests WHERE id = ?', id);
  }
  return oldest.length;
}

/** Removes one batch of hourly sums. Returns how many. */
function removeHours(database: SqlDatabase, before: number): number {
  let left = BATCH;
  // Dimension by dimension, as the primary key has them: each a range of it.
  for (const dimension of ['total', 'model', 'key', 'client', 'profile', 'kind', 'code']) {
    const old = database.rows(
      `SELECT start, value FROM rollups WHERE grain = 'hour' AND dimension = ? AND start < ? LIMIT ?`,
      [dimension, before, left],
    );
    for (const [start = null, value = null] of old) {
      database.run(`DELETE FROM rollups WHERE grain = 'hour' AND dimension = ? AND start = ? AND value = ?`, [
        dimension,
        start,
        value,
      ]);
    }
    left -= old.length;
    if (left === 0) break;
  }
  return BATCH - left;
}
