import { createRequire } from 'node:module';
import { analyticsSteps, type DaySums, type LedgerAnalytics } from '../../src/gateway/ledger/analytics.js';
import { applyChange } from '../../src/gateway/ledger/apply.js';
import type { AttemptRow, RequestRow } from '../../src/gateway/ledger/changes.js';
import { Rollups } from '../../src/gateway/ledger/rollups.js';
import { migrate } from '../../src/gateway/ledger/schema.js';
import { loadSqlite, type SqlDatabase } from '../../src/gateway/ledger/sqlite.js';
import type { AnalyticsQuery, AnalyticsWindow } from '../../src/protocol/analytics.js';

export type OpenDatabase = (image?: Uint8Array | null) => SqlDatabase;

/** Opens databases in memory; a new one has the ledger's schema. */
export async function loadLedgerDatabase(): Promise<OpenDatabase> {
  const open = await loadSqlite(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'));
  return (image) => {
    const database = open(image);
    migrate(database);
    return database;
  };
}

/** A request that was answered in 1.5 s, except for what the test says. */
export function requestRow(row: Partial<RequestRow> & Pick<RequestRow, 'id' | 'at'>): RequestRow {
  return {
    client: 'curl',
    tokenId: null,
    model: 'auto',
    isStream: true,
    status: 'success',
    httpStatus: 200,
    errorCode: null,
    provider: 'groq',
    servedModel: 'llama',
    keyId: 'key_1',
    firstTokenMs: 500,
    totalMs: 1500,
    promptTokens: 10,
    completionTokens: 100,
    attempts: [attemptRow({})],
    ...row,
  };
}

/** An attempt that answered, except for what the test says. */
export function attemptRow(row: Partial<AttemptRow>): AttemptRow {
  return { provider: 'groq', model: 'llama', keyId: 'key_1', kind: null, httpStatus: 200, ms: 1500, ...row };
}

/** Writes rows and their sums in one transaction, as the ledger does; rolled back when `isRolledBack`. */
export function record(database: SqlDatabase, rows: readonly RequestRow[], isRolledBack = false): void {
  const rollback = new Error('rolled back');
  try {
    database.transaction(() => {
      const rollups = new Rollups();
      for (const row of rows) {
        insertRequest(database, row);
        rollups.add(row);
      }
      rollups.flush(database);
      if (isRolledBack) throw rollback;
    });
  } catch (error) {
    if (error !== rollback) throw error;
  }
}

/** Writes the row and its attempts alone. */
export function insertRequest(database: SqlDatabase, row: RequestRow): void {
  applyChange(database, { type: 'request', row });
}

/** All of `analyticsSteps` in one go. */
export function readAnalytics(
  database: SqlDatabase,
  query: AnalyticsWindow | AnalyticsQuery,
  nowMs: number,
  sums?: DaySums,
): LedgerAnalytics {
  const steps = analyticsSteps(database, typeof query === 'string' ? { window: query } : query, nowMs, sums);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
