import type { AttemptView, RequestDetail, RequestPage, RequestsQuery, RequestView } from '../../protocol/analytics.js';
import { readRoute } from '../routing/scoring/routeText.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';

/** So many rows are looked at for one page: a filter that fits few rows takes several pages instead of one long scan. */
const MAX_SCANNED = 10_000;

/** A request's columns, in the order that `toRequestView` reads them. */
export const REQUEST_COLUMNS = `id, at, client, token_id, model, is_stream, status, http_status, error_code, provider, served_model,
  key_id, first_token_ms, total_ms, prompt_tokens, completion_tokens, attempts`;

/** A place in the log, between two rows: those before it are older. Ids order what came in the same ms. */
interface Position {
  at: number;
  id: string;
}

/** Behind every row there can be. */
const END: Position = { at: Number.MAX_SAFE_INTEGER, id: '' };

/**
 * A page of the log, newest first, from `before` (an earlier page's `next`) on. Rows that were there when the first page
 * was read are each listed once. At most `MAX_SCANNED` rows are looked at; when a filter leaves fewer than `limit` of
 * them, `next` goes on from there.
 */
export function listRequests(database: SqlDatabase, query: RequestsQuery): RequestPage {
  const before = query.before === undefined ? END : parseCursor(query.before);
  const { where, params } = filtersOf(query);
  const floor = where === '' ? null : floorBelow(database, before.at);
  const bounds: SqlValue[] = floor === null ? [] : [floor];
  const rows = database.rows(
    `SELECT ${REQUEST_COLUMNS} FROM requests WHERE (at, id) < (?, ?) ${floor === null ? '' : 'AND at >= ?'} ${where}
     ORDER BY at DESC, id DESC LIMIT ?`,
    [before.at, before.id, ...bounds, ...params, query.limit + 1],
  );
  const data = rows.slice(0, query.limit).map(toRequestView);
  const last = data.at(-1);
  if (rows.length > query.limit && last) return { data, next: cursorOf(last) };
  return { data, next: floor === null ? null : cursorOf({ at: floor, id: '' }) };
}

/** One request with its attempts; null when there is none (any more). */
export function readRequest(database: SqlDatabase, id: string): RequestDetail | null {
  const row = database.row(
    `SELECT ${REQUEST_COLUMNS}, answer_ms, passed_over, is_sticky, is_handoff, profile, route FROM requests WHERE id = ?`,
    [id],
  );
  if (!row) return null;
  const attempts = database.rows(
    'SELECT provider, model, key_id, kind, http_status, ms, start_ms FROM attempts WHERE request_id = ? ORDER BY number',
    [id],
  );
  const view = toRequestView(row);
  const [answerMs = null, isSticky, isHandoff] = [17, 19, 20].map((at) => row[at] as number | null);
  const [passedOver = null, profile = null, route = null] = [18, 21, 22].map((at) => row[at] as string | null);
  const { provider, servedModel, keyId } = view;
  const all = attempts.map(toAttempt);
  if (answerMs !== null && provider !== null && servedModel !== null) {
    const startMs = Math.max(0, view.totalMs - answerMs);
    all.push({ provider, model: servedModel, keyId, kind: null, httpStatus: 200, startMs, ms: answerMs });
  }
  return {
    ...view,
    attempts: all,
    passedOver: passedOver === null ? [] : JSON.parse(passedOver),
    sticky: isSticky === 1,
    handoff: isHandoff === 1,
    profile,
    ...readRoute(route, provider === null ? null : `${provider}/${servedModel ?? ''}`),
  };
}

/** The oldest time that a scan from `at` may look at, when there may be rows below it; else null. */
function floorBelow(database: SqlDatabase, at: number): number | null {
  const row = database.row('SELECT at FROM requests WHERE at <= ? ORDER BY at DESC LIMIT 1 OFFSET ?', [
    at,
    MAX_SCANNED,
  ]);
  return row && (row[0] as number);
}

function filtersOf(query: RequestsQuery): { where: string; params: SqlValue[] } {
  const terms: string[] = [];
  const params: SqlValue[] = [];
  const add = (column: string, value: string | undefined) => {
    if (value === undefined) return;
    terms.push(`AND ${column} = ?`);
    params.push(value);
  };
  const slash = query.model?.indexOf('/') ?? -1;
  add('provider', query.provider);
  // Providers' ids have no slash, models' own names may.
  if (slash >= 0) add('provider', query.model?.slice(0, slash));
  add('served_model', query.model?.slice(slash + 1));
  // Empty: those that did not say who they are.
  add("coalesce(client, '')", query.client);
  add('status', query.status);
  return { where: terms.join(' '), params };
}

function cursorOf({ at, id }: Position): string {
  return `${at}.${id}`;
}

/** The query's schema has checked its shape. */
function parseCursor(cursor: string): Position {
  const dot = cursor.indexOf('.');
  return { at: Number(cursor.slice(0, dot)), id: cursor.slice(dot + 1) };
}

/** A row of `REQUEST_COLUMNS`. */
export function toRequestView(row: readonly SqlValue[]): RequestView {
  return {
    id: row[0] as string,
    at: row[1] as number,
    client: row[2] as string | null,
    tokenId: row[3] as string | null,
    model: row[4] as string,
    stream: row[5] === 1,
    status: row[6] as RequestView['status'],
    httpStatus: row[7] as number,
    errorCode: row[8] as string | null,
    provider: row[9] as string | null,
    servedModel: row[10] as string | null,
    keyId: row[11] as string | null,
    firstTokenMs: row[12] as number | null,
    totalMs: row[13] as number,
    promptTokens: row[14] as number | null,
    completionTokens: row[15] as number | null,
    attemptCount: row[16] as number,
  };
}

function toAttempt(row: readonly SqlValue[]): AttemptView {
  return {
    provider: row[0] as string,
    model: row[1] as string,
    keyId: row[2] as string | null,
    kind: row[3] as string | null,
    httpStatus: row[4] as number | null,
    ms: row[5] as number,
    startMs: row[6] as number | null,
  };
}
