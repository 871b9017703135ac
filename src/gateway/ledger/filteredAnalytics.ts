import type { AnalyticsQuery } from '../../protocol/analytics.js';
import { type Counted, type Found, type Groups, noGroups, sumsOf } from './analytics.js';
import { DAY_MS, HOUR_MS, ROLLUP_COLUMNS } from './rollups.js';
import { type Filter, ProviderTable, readProviderSeries, readTotal, rollupsOf, summedUp, type Term } from './series.js';
import { type Points, readsOf, type Span } from './spans.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';
import { Sums } from './sums.js';

/** Rows counted in one step: a month of a busy user is read in some ten. */
const STEP_MS = 3 * DAY_MS;

/**
 * The same of the requests that the filter lets through. The roll-ups have totals and series by who answered and by client;
 * what they do not cross (clients of a provider, kinds of failure of a model) is counted from the requests' own rows.
 */
export function* readFiltered(
  database: SqlDatabase,
  range: Span,
  points: Points,
  query: AnalyticsQuery,
): Generator<void, Found> {
  const { provider, model, client } = query;
  const filter: Filter = { provider, model, client };
  const isByClient = client !== undefined;
  const isCrossed = isByClient && (provider !== undefined || model !== undefined);
  const countedFrom = oldestCounted(database, range);
  yield;
  const total = isCrossed
    ? yield* countTotal(database, range, points, filter)
    : readTotal(database, range, points, filter);
  yield;
  const groups = yield* countGroups(database, range, filter);
  const counted = yield* countFailures(database, range, filter, groups);
  if (!isCrossed) {
    const measured = readMeasured(database, range, filter);
    // The sums have percentiles, and know what was removed since.
    if (isByClient) groups.client = measured;
    else groups.model = measured;
  }
  const providerSeries = isByClient
    ? yield* countProviders(database, range, points, filter)
    : yield* readProviderSeries(database, range, points, filter);
  return { ...total, groups, counted, providerSeries, countedFrom };
}

function readMeasured(database: SqlDatabase, range: Span, filter: Filter): Groups['model'] {
  const group: Groups['model'] = new Map();
  const { sql, params } = rollupsOf(filter);
  for (const [grain, from, to] of readsOf(range)) {
    const rows = database.rows(
      `SELECT value, ${ROLLUP_COLUMNS} FROM rollups WHERE grain = ? AND start >= ? AND start < ? AND ${sql}`,
      [grain, from, to, ...params],
    );
    for (const columns of rows) sumsOf(group, columns[0] as string).add(columns, 1);
  }
  return group;
}

/** The start of the range, or of the rows where those before it were removed. */
function oldestCounted(database: SqlDatabase, { from, to }: Span): number {
  const kept = Number(database.row('SELECT count(*) FROM requests WHERE at >= ? AND at < ?', [from, to])?.[0]);
  let all = 0;
  for (const read of readsOf({ from, to })) {
    const sql = `SELECT total(requests) FROM rollups WHERE grain = ? AND dimension = 'total' AND start >= ? AND start < ?`;
    all += Number(database.row(sql, read)?.[0]);
  }
  if (kept >= all) return from;
  return Number(database.row('SELECT min(at) FROM requests WHERE at >= ? AND at < ?', [from, to])?.[0] ?? to);
}

/** Requests `r` that the filter lets through. */
function requestsOf({ provider, model, client }: Filter): Term {
  return termOf([
    ['r.provider = ?', provider],
    [`r.provider || '/' || coalesce(r.served_model, '') = ?`, model],
    [`coalesce(r.client, '') = ?`, client],
  ]);
}

/** Failed attempts `a` of requests `r`: of who failed. */
function attemptsOf({ provider, model, client }: Filter): Term {
  return termOf([
    ['a.provider = ?', provider],
    [`a.provider || '/' || a.model = ?`, model],
    [`coalesce(r.client, '') = ?`, client],
  ]);
}

function termOf(terms: readonly (readonly [string, string | undefined])[]): Term {
  const given = terms.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  return { sql: given.map(({ sql }) => `AND ${sql}`).join(' '), params: given.map(({ value }) => value) };
}

function* steps({ from, to }: Span): Generator<[number, number]> {
  for (let at = from; at < to; at += STEP_MS) yield [at, Math.min(at + STEP_MS, to)];
}

/** The last attempt of a success is its answer. */
const HAS_FALLEN_BACK = `(r.status = 'success' AND r.attempts > 1)`;
/** Most requests have no failed attempt: those are not looked up. */
const HAS_FAILED = `(r.attempts > 1 OR r.answer_ms IS NULL)`;

/** Request by request: for a filter that no roll-up has. */
function* countTotal(database: SqlDatabase, range: Span, points: Points, filter: Filter) {
  const { sql, params } = requestsOf(filter);
  const sums = points.spans.map(() => new Sums());
  for (const [from, to] of steps(range)) {
    const rows = database.rows(
      `SELECT r.at, r.status = 'success', r.status = 'error', r.is_stream, r.first_token_ms, r.total_ms, r.prompt_tokens,
         r.completion_tokens, ${HAS_FALLEN_BACK} FROM requests r WHERE r.at >= ? AND r.at < ? ${sql}`,
      [from, to, ...params],
    );
    for (const row of rows) countOne(sums[points.indexOf(row[0] as number)], row);
    const failed = attemptsOf(filter);
    const attempts = database.rows(
      `SELECT r.at, count(*) FROM requests r JOIN attempts a ON a.request_id = r.id
       WHERE r.at >= ? AND r.at < ? AND ${HAS_FAILED} AND a.kind <> 'canceled' ${failed.sql} GROUP BY r.at`,
      [from, to, ...failed.params],
    );
    for (const [at, failedAttempts] of attempts) {
      sums[points.indexOf(Number(at))]?.addSome({ failedAttempts: Number(failedAttempts) });
    }
    yield;
  }
  return summedUp(sums, points);
}

function countOne(sums: Sums | undefined, row: readonly SqlValue[]): void {
  const [, success, error, isStream, firstTokenMs = null, totalMs, prompt, completion, fallback] = row as number[];
  sums?.addSome({
    requests: 1,
    successes: success ?? 0,
    errors: error ?? 0,
    canceled: success || error ? 0 : 1,
    fallbacks: fallback ?? 0,
    promptTokens: prompt ?? 0,
    completionTokens: completion ?? 0,
  });
  const completionTokens = completion ?? null;
  sums?.addMeasured({
    isSuccess: success === 1,
    isStream: isStream === 1,
    firstTokenMs,
    totalMs: totalMs ?? 0,
    completionTokens,
  });
}

/** Who answered whom, and how often. What the filter or the roll-ups tell already is not sorted by: that costs most of it. */
function* countGroups(database: SqlDatabase, range: Span, filter: Filter): Generator<void, Groups> {
  const groups = noGroups();
  const { sql, params } = requestsOf(filter);
  const isByClient = filter.client !== undefined;
  const columns = isByClient ? ['r.provider', 'r.served_model', 'r.key_id'] : ['NULL', 'NULL', 'r.key_id'];
  for (const [from, to] of steps(range)) {
    const rows = database.rows(
      `SELECT ${columns.join(', ')}, ${isByClient ? 'NULL' : 'r.client'}, count(*), sum(r.status = 'success'),
         sum(r.status = 'error'), sum(${HAS_FALLEN_BACK}), total(r.prompt_tokens), total(r.completion_tokens)
       FROM requests r WHERE r.at >= ? AND r.at < ? ${sql} GROUP BY 1, 2, 3, 4`,
      [from, to, ...params],
    );
    for (const row of rows) countRow(groups, row, filter);
    yield;
  }
  return groups;
}

function countRow(groups: Groups, row: readonly SqlValue[], filter: Filter): void {
  const [provider = null, model = null, keyId = null, client = null] = row as (string | null)[];
  const [requests = 0, successes = 0, errors = 0, fallbacks = 0, promptTokens = 0, completionTokens = 0] = row
    .slice(4)
    .map(Number);
  const canceled = requests - successes - errors;
  const counts = { requests, successes, errors, canceled, fallbacks, promptTokens, completionTokens };
  sumsOf(groups.client, filter.client ?? client ?? '').addSome(counts);
  if (provider !== null) sumsOf(groups.model, `${provider}/${model ?? ''}`).addSome(counts);
  if (keyId !== null) sumsOf(groups.key, keyId).addSome(counts);
}

/** Failed attempts go under who failed, and into `groups`; codes are of requests. */
function* countFailures(database: SqlDatabase, range: Span, filter: Filter, groups: Groups): Generator<void, Counted> {
  const counted: Counted = { kind: new Map(), code: new Map() };
  const attempts = attemptsOf(filter);
  const requests = requestsOf(filter);
  for (const [from, to] of steps(range)) {
    const failed = database.rows(
      `SELECT a.provider || '/' || a.model, a.key_id, r.client, a.kind, count(*)
       FROM requests r JOIN attempts a ON a.request_id = r.id
       WHERE r.at >= ? AND r.at < ? AND ${HAS_FAILED} AND a.kind <> 'canceled' ${attempts.sql} GROUP BY 1, 2, 3, 4`,
      [from, to, ...attempts.params],
    );
    for (const [model = null, keyId = null, client = null, kind = null, count] of failed) {
      const failedAttempts = Number(count);
      sumsOf(groups.model, String(model)).addSome({ failedAttempts });
      sumsOf(groups.client, String(client ?? '')).addSome({ failedAttempts });
      if (keyId !== null) sumsOf(groups.key, String(keyId)).addSome({ failedAttempts });
      counted.kind.set(String(kind), (counted.kind.get(String(kind)) ?? 0) + failedAttempts);
    }
    const codes = database.rows(
      `SELECT r.error_code, count(*) FROM requests r
       WHERE r.at >= ? AND r.at < ? AND r.error_code IS NOT NULL ${requests.sql} GROUP BY 1`,
      [from, to, ...requests.params],
    );
    for (const [code = null, count] of codes) {
      counted.code.set(String(code), (counted.code.get(String(code)) ?? 0) + Number(count));
    }
    yield;
  }
  return counted;
}

function* countProviders(database: SqlDatabase, range: Span, points: Points, filter: Filter) {
  const table = new ProviderTable(points);
  const { sql, params } = requestsOf(filter);
  for (const [from, to] of steps(range)) {
    const rows = database.rows(
      `SELECT r.at / ${HOUR_MS} * ${HOUR_MS}, r.provider, count(*), total(r.prompt_tokens), total(r.completion_tokens)
       FROM requests r WHERE r.at >= ? AND r.at < ? AND r.provider IS NOT NULL ${sql} GROUP BY 1, 2`,
      [from, to, ...params],
    );
    for (const row of rows) table.add(row);
    yield;
  }
  return table.ranked();
}
