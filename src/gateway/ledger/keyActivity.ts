import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KeyActivity } from '../../protocol/analytics.js';
import { REQUEST_COLUMNS, toRequestView } from './requestLog.js';
import { HOUR_MS, ROLLUP_COLUMNS } from './rollups.js';
import type { SqlDatabase } from './sqlite.js';
import { Sums } from './sums.js';

const HOURS = 24;
const LAST_REQUESTS = 25;
/** So many of the newest requests are looked at for what the sums do not tell: some ten milliseconds. */
const MAX_SCANNED = 5_000;

/** All of `keyActivitySteps`, letting others run in between. @throws what `query` throws. */
export async function readKeyActivity(
  { query }: { query<T>(read: (database: SqlDatabase) => T): T },
  keyId: string,
  nowMs: number,
): Promise<KeyActivity> {
  const steps = query((database) => keyActivitySteps(database, keyId, nowMs));
  for (;;) {
    const step = query(() => steps.next());
    if (step.done) return step.value;
    await nextTurn();
  }
}

/**
 * What a key did in the 24 hours that end with the hour of `nowMs`: by the hour from the sums, by model and kind of
 * failure from the requests themselves. It yields between its reads, so that others may run.
 */
export function* keyActivitySteps(database: SqlDatabase, keyId: string, nowMs: number): Generator<void, KeyActivity> {
  const to = Math.floor(nowMs / HOUR_MS) * HOUR_MS + HOUR_MS;
  const from = to - HOURS * HOUR_MS;
  const { totals, series } = readSums(database, keyId, from);
  yield;
  const floor = database.row('SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET ?', [MAX_SCANNED]);
  const countedFrom = Math.max(from, floor === undefined || floor === null ? from : Number(floor[0]));
  const answered = database.rows(
    `SELECT served_model, count(*) FROM requests WHERE at >= ? AND key_id = ? AND status = 'success' GROUP BY served_model`,
    [countedFrom, keyId],
  );
  yield;
  const failed = database.rows(
    `SELECT a.model, a.kind, count(*) FROM requests r JOIN attempts a ON a.request_id = r.id
     WHERE r.at >= ? AND a.key_id = ? GROUP BY a.model, a.kind`,
    [countedFrom, keyId],
  );
  yield;
  const requests = database.rows(
    `SELECT ${REQUEST_COLUMNS} FROM requests WHERE at >= ? AND (key_id = ? OR EXISTS (
       SELECT 1 FROM attempts WHERE request_id = requests.id AND attempts.key_id = ?))
     ORDER BY at DESC, id DESC LIMIT ?`,
    [countedFrom, keyId, keyId, LAST_REQUESTS],
  );
  const models = new Map<string, { answered: number; failedAttempts: number }>();
  const kinds = new Map<string, number>();
  const modelOf = (id: unknown) => {
    const found = models.get(String(id)) ?? { answered: 0, failedAttempts: 0 };
    models.set(String(id), found);
    return found;
  };
  for (const [model, count] of answered) if (model !== null) modelOf(model).answered += Number(count);
  for (const [model, kind, count] of failed) {
    modelOf(model).failedAttempts += Number(count);
    kinds.set(String(kind), (kinds.get(String(kind)) ?? 0) + Number(count));
  }
  return {
    from,
    to,
    totals,
    series,
    byModel: [...models]
      .map(([model, counts]) => ({ model, ...counts }))
      .sort((a, b) => b.answered + b.failedAttempts - a.answered - a.failedAttempts || (a.model < b.model ? -1 : 1)),
    errorsByKind: [...kinds].map(([kind, count]) => ({ kind, count })).sort((a, b) => b.count - a.count),
    countedFrom,
    requests: requests.map(toRequestView),
  };
}

function readSums(database: SqlDatabase, keyId: string, from: number): Pick<KeyActivity, 'totals' | 'series'> {
  const hours = Array.from({ length: HOURS }, () => new Sums());
  const rows = database.rows(
    `SELECT start, ${ROLLUP_COLUMNS} FROM rollups
     WHERE grain = 'hour' AND dimension = 'key' AND start >= ? AND start < ? AND value = ?`,
    [from, from + HOURS * HOUR_MS, keyId],
  );
  for (const columns of rows) hours[(Number(columns[0]) - from) / HOUR_MS]?.add(columns, 1);
  const totals = new Sums();
  const series = hours.map((sums, index) => {
    totals.addAll(sums);
    return sums.point({ from: from + index * HOUR_MS, to: from + (index + 1) * HOUR_MS });
  });
  return { totals: totals.figures(), series };
}
