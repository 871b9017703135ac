import type { SqlDatabase, SqlValue } from '../../src/gateway/ledger/sqlite.js';
import type { AnalyticsFigures } from '../../src/protocol/analytics.js';

/** Which requests, and which failed attempts `a` of requests `r`, a figure is of. */
export interface Selection {
  requests: string;
  attempts: string;
  params: SqlValue[];
}
export const ALL: Selection = { requests: '1', attempts: '1', params: [] };
export const GROUPS = {
  byProvider: { requests: 'provider = ?', attempts: 'a.provider = ?' },
  byModel: { requests: `provider || '/' || served_model = ?`, attempts: `a.provider || '/' || a.model = ?` },
  byKey: { requests: 'key_id = ?', attempts: 'a.key_id = ?' },
  byClient: { requests: `coalesce(client, '') = ?`, attempts: `coalesce(r.client, '') = ?` },
};

/** The figures as the rows themselves have them. */
export function expected(database: SqlDatabase, from: number, to: number, selection: Selection): AnalyticsFigures {
  const params = [from, to, ...selection.params];
  const where = `WHERE r.at >= ? AND r.at < ? AND ${selection.requests}`;
  const [counts = []] = database.rows(
    `SELECT count(*), total(status = 'success'), total(status = 'error'), total(status = 'canceled'), total(status = 'success'
       AND EXISTS (SELECT 1 FROM attempts a WHERE a.request_id = r.id AND a.kind <> 'canceled')),
       total(prompt_tokens), total(completion_tokens) FROM requests r ${where}`,
    params,
  );
  const [requests = 0, successes = 0, errors = 0, canceled = 0, fallbacks = 0, prompt = 0, completion = 0] =
    counts as number[];
  const [failed] =
    database.row(
      `SELECT count(*) FROM attempts a JOIN requests r ON r.id = a.request_id
       WHERE r.at >= ? AND r.at < ? AND a.kind <> 'canceled' AND ${selection.attempts}`,
      params,
    ) ?? [];
  const measured = (sql: string, scale = 1) => {
    const values = database.rows(`SELECT ${sql} `, params).map(([value]) => quantised(Number(value) * scale) / scale);
    values.sort((a, b) => a - b);
    const at = (percent: number) => values[Math.ceil((percent * values.length) / 100) - 1] ?? -1;
    return values.length === 0 ? null : { p50: at(50), p95: at(95), p99: at(99) };
  };
  const streams = `FROM requests r ${where} AND is_stream = 1 AND first_token_ms IS NOT NULL`;
  return {
    requests,
    successes,
    errors,
    canceled,
    successRate: successes + errors === 0 ? null : successes / (successes + errors),
    fallbacks,
    failedAttempts: Number(failed),
    promptTokens: prompt,
    completionTokens: completion,
    latencyMs: measured(`total_ms FROM requests r ${where} AND status = 'success'`),
    firstTokenMs: measured(`first_token_ms ${streams}`),
    tokensPerSecond: measured(
      `completion_tokens * 1000.0 / (total_ms - first_token_ms) ${streams}
       AND total_ms > first_token_ms AND completion_tokens > 0`,
      10,
    ),
  };
}

function quantised(value: number): number {
  const whole = Math.round(value);
  return whole < 1000 ? whole : Number(whole.toPrecision(3));
}

/** The values that a group's entries are to be of. */
export function members(
  database: SqlDatabase,
  from: number,
  to: number,
  columns: { own: string; failed: string },
): string[] {
  const rows = database.rows(
    `SELECT ${columns.own} AS value FROM requests r WHERE at >= ? AND at < ? AND value IS NOT NULL
     UNION SELECT ${columns.failed} AS value FROM attempts a JOIN requests r ON r.id = a.request_id
     WHERE r.at >= ? AND r.at < ? AND a.kind <> 'canceled' AND value IS NOT NULL`,
    [from, to, from, to],
  );
  return rows.map(([value]) => String(value)).sort();
}
export const MEMBERS = {
  byProvider: { own: 'r.provider', failed: 'a.provider' },
  byModel: { own: `r.provider || '/' || r.served_model`, failed: `a.provider || '/' || a.model` },
  byKey: { own: 'r.key_id', failed: 'a.key_id' },
  byClient: { own: `coalesce(r.client, '')`, failed: `coalesce(r.client, '')` },
};
