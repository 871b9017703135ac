import type { LedgerChange, QuotaWindowRow, RequestRow } from './changes.js';
import type { SqlDatabase } from './sqlite.js';

/** What the sums of one transaction are kept in; a new one for each. */
export interface TransactionSums {
  add(row: RequestRow): void;
  /** Writes the sums inside the transaction. */
  flush(database: SqlDatabase): void;
}

const INSERT_REQUEST = `
  INSERT INTO requests (id, at, client, token_id, model, is_stream, status, http_status, error_code, provider,
    served_model, key_id, first_token_ms, total_ms, prompt_tokens, completion_tokens, attempts, answer_ms, passed_over,
    is_sticky, is_handoff, profile, route)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`;
const INSERT_ATTEMPT = `
  INSERT OR IGNORE INTO attempts (request_id, number, provider, model, key_id, kind, http_status, ms, start_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const COUNT_KEY_USE = `
  UPDATE keys SET requests = requests + 1, tokens = tokens + ?, last_used_at = max(coalesce(last_used_at, 0), ?)
  WHERE id = ?`;
const UPSERT_KEY = `
  INSERT INTO keys (id, provider, health, health_message, checked_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET provider = excluded.provider, health = excluded.health,
    health_message = excluded.health_message, checked_at = excluded.checked_at`;
const INSERT_MODEL = `
  INSERT OR REPLACE INTO models (provider, id, name, context_window, max_output, has_tools, has_vision, has_reasoning,
    learned_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
// The last word counts: use falls when a sliding window moves on, or when a provider does not count what it refused.
const UPSERT_WINDOW = `
  INSERT INTO quota_windows (id, kind, provider, model, key_id, starts_at, ends_at, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id, kind, starts_at) DO UPDATE SET provider = excluded.provider, model = excluded.model,
    key_id = excluded.key_id, ends_at = excluded.ends_at, used = excluded.used`;
const UPSERT_MEASUREMENT = `
  INSERT OR REPLACE INTO measurements (model, at, good, bad, first_log, first_weight, rate_log, rate_weight)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const UPSERT_COOLDOWN = `
  INSERT OR REPLACE INTO cooldowns (id, scope, target, provider, model, key_id, kind, since, until, streak)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Where `meta` keeps that the user ordered the chain, so that an empty chain is not the catalog's order. */
export const CHAIN_IS_SET = 'chain_is_set';

/**
 * Makes one change to the database; twice is as once. A request that was there already is not counted again.
 * @throws SQLite's error when the change does not fit the schema.
 */
export function applyChange(database: SqlDatabase, change: LedgerChange, sums?: TransactionSums): void {
  switch (change.type) {
    case 'request':
      applyRequest(database, change.row, sums);
      break;
    case 'key': {
      const { id, provider, health, healthMessage, checkedAt } = change.key;
      database.run(UPSERT_KEY, [id, provider, health, healthMessage, checkedAt]);
      break;
    }
    case 'key.removed':
      database.run('DELETE FROM keys WHERE id = ?', [change.id]);
      break;
    case 'quota':
      for (const window of change.windows) applyWindow(database, window);
      break;
    case 'measurements':
      for (const { model, at, good, bad, firstLog, firstWeight, rateLog, rateWeight } of change.rows) {
        database.run(UPSERT_MEASUREMENT, [model, at, good, bad, firstLog, firstWeight, rateLog, rateWeight]);
      }
      break;
    case 'cooldown': {
      const { id, scope, target, provider, model, keyId, kind, since, until, streak } = change.cooldown;
      const row = [id, scope, target, provider, model, keyId, kind, since, until, streak];
      database.run(UPSERT_COOLDOWN, row);
      break;
    }
    case 'cooldown.lifted':
      database.run('DELETE FROM cooldowns WHERE id = ?', [change.id]);
      break;
    default:
      applyConfiguration(database, change);
      break;
  }
}

type ConfigurationChange = Exclude<
  LedgerChange,
  { type: 'request' | 'key' | 'key.removed' | 'quota' | 'measurements' | 'cooldown' | 'cooldown.lifted' }
>;

function applyConfiguration(database: SqlDatabase, change: ConfigurationChange): void {
  switch (change.type) {
    case 'chain':
      applyChain(database, change.entries);
      break;
    case 'profile': {
      const { name, chain, strategy, contextWindow } = change.profile;
      const row = [name, JSON.stringify(chain), strategy, contextWindow];
      database.run('INSERT OR REPLACE INTO profiles (name, chain, strategy, context_window) VALUES (?, ?, ?, ?)', row);
      break;
    }
    case 'profile.removed':
      database.run('DELETE FROM profiles WHERE name = ?', [change.name]);
      break;
    case 'setting':
      if (change.value === undefined) database.run('DELETE FROM settings WHERE name = ?', [change.name]);
      else {
        database.run('INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)', [
          change.name,
          JSON.stringify(change.value),
        ]);
      }
      break;
    case 'models':
      applyModels(database, change);
      break;
    case 'model.gone':
      database.run('INSERT OR REPLACE INTO gone_models (provider, model, since) VALUES (?, ?, ?)', [
        change.provider,
        change.model,
        change.since,
      ]);
      break;
    case 'model.back':
      database.run('DELETE FROM gone_models WHERE provider = ? AND model = ?', [change.provider, change.model]);
      break;
    case 'quota.limit': {
      const { id, kind, limit, source, learnedAt } = change.limit;
      database.run(
        'INSERT OR REPLACE INTO quota_limits (id, kind, "limit", source, learned_at) VALUES (?, ?, ?, ?, ?)',
        [id, kind, limit, source, learnedAt],
      );
      break;
    }
    case 'quota.limit.removed':
      database.run('DELETE FROM quota_limits WHERE id = ? AND kind = ?', [change.id, change.kind]);
      break;
  }
}

function applyRequest(database: SqlDatabase, row: RequestRow, sums?: TransactionSums): void {
  const answer = row.attempts.at(-1);
  database.run(INSERT_REQUEST, [
    row.id,
    row.at,
    row.client,
    row.tokenId,
    row.model,
    row.isStream ? 1 : 0,
    row.status,
    row.httpStatus,
    row.errorCode,
    row.provider,
    row.servedModel,
    row.keyId,
    row.firstTokenMs,
    row.totalMs,
    row.promptTokens,
    row.completionTokens,
    row.attempts.length,
    answer?.kind === null ? answer.ms : null,
    row.passedOver ? JSON.stringify(row.passedOver) : null,
    row.isSticky ? 1 : null,
    row.isHandoff ? 1 : null,
    row.profile ?? null,
    row.route ?? null,
  ]);
  if (database.changes() === 0) return;
  for (const [number, { provider, model, keyId, kind, httpStatus, startMs, ms }] of row.attempts.entries()) {
    if (kind === null) continue;
    database.run(INSERT_ATTEMPT, [row.id, number, provider, model, keyId, kind, httpStatus, ms, startMs ?? null]);
  }
  if (row.keyId !== null) {
    database.run(COUNT_KEY_USE, [(row.promptTokens ?? 0) + (row.completionTokens ?? 0), row.at, row.keyId]);
  }
  sums?.add(row);
}

function applyWindow(database: SqlDatabase, window: QuotaWindowRow): void {
  const { id, kind, provider, model, keyId, startsAt, endsAt, used } = window;
  database.run(UPSERT_WINDOW, [id, kind, provider, model, keyId, startsAt, endsAt, used]);
}

function applyChain(database: SqlDatabase, entries: Extract<LedgerChange, { type: 'chain' }>['entries']): void {
  database.run('DELETE FROM chain');
  if (entries === null) {
    database.run('DELETE FROM meta WHERE name = ?', [CHAIN_IS_SET]);
    return;
  }
  database.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, 1)', [CHAIN_IS_SET]);
  for (const [position, { model, isEnabled }] of entries.entries()) {
    database.run('INSERT INTO chain (position, model, is_enabled) VALUES (?, ?, ?)', [
      position,
      model,
      isEnabled ? 1 : 0,
    ]);
  }
}

function applyModels(database: SqlDatabase, change: Extract<LedgerChange, { type: 'models' }>): void {
  database.run('DELETE FROM models WHERE provider = ?', [change.provider]);
  for (const model of change.models) {
    const { id, name, contextWindow, maxOutput, hasTools, hasVision, hasReasoning } = model;
    const has = [hasTools, hasVision, hasReasoning].map((is) => (is ? 1 : 0));
    database.run(INSERT_MODEL, [change.provider, id, name, contextWindow, maxOutput, ...has, change.learnedAt]);
  }
}
