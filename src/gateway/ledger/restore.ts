import type { RequestOutcome } from '../../protocol/events.js';
import type { KeyHealthStatus } from '../../protocol/keys.js';
import { CHAIN_IS_SET } from './apply.js';
import type {
  ChainEntry,
  CooldownRow,
  KeyRow,
  LearnedModelRow,
  MeasurementRow,
  ProfileRow,
  QuotaKind,
  QuotaLimitRow,
  QuotaWindowRow,
} from './changes.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** How long an ended quota window is kept: a month's, and some more to look back on. */
const KEEP_WINDOWS_MS = 40 * DAY_MS;
/** By then a measurement has faded to nothing (routing/scoring/measurements.ts). */
const KEEP_MEASUREMENTS_MS = 7 * DAY_MS;

/** What the gateway takes up again at its start. */
export interface LedgerState {
  keys: (KeyRow & { requests: number; tokens: number; lastUsedAt: number | null })[];
  /** null: the catalog's order. */
  chain: ChainEntry[] | null;
  profiles: ProfileRow[];
  /** By name; what is not in it has its default. */
  settings: Map<string, unknown>;
  /** What providers listed for the user's keys. */
  models: { provider: string; learnedAt: number; models: LearnedModelRow[] }[];
  goneModels: { provider: string; model: string; since: number }[];
  /** The windows that have not ended. */
  quotaWindows: QuotaWindowRow[];
  quotaLimits: QuotaLimitRow[];
  /** Those that still run. */
  cooldowns: CooldownRow[];
  /** How models did lately. */
  measurements: MeasurementRow[];
  /** The newest request that was answered, and when that ended; null when there is none. */
  lastAnswer: { at: number; outcome: RequestOutcome } | null;
}

/** Reads it all. `now` in ms since the epoch says what still runs. */
export function readLedgerState(database: SqlDatabase, now: number): LedgerState {
  return {
    ...readConfiguration(database),
    models: readModels(database),
    goneModels: database
      .rows('SELECT provider, model, since FROM gone_models')
      .map(([provider, model, since]) => ({ provider: text(provider), model: text(model), since: Number(since) })),
    ...readQuota(database, now),
    measurements: readMeasurements(database),
    lastAnswer: readLastAnswer(database),
  };
}

/** Drops what is over: long ended quota windows, and cooldowns that have run out. */
export function pruneEnded(database: SqlDatabase, now: number): void {
  database.transaction(() => {
    database.run('DELETE FROM quota_windows WHERE ends_at < ?', [now - KEEP_WINDOWS_MS]);
    database.run('DELETE FROM cooldowns WHERE until <= ?', [now]);
    database.run('DELETE FROM measurements WHERE at < ?', [now - KEEP_MEASUREMENTS_MS]);
  });
}

function readConfiguration(database: SqlDatabase): Pick<LedgerState, 'keys' | 'chain' | 'profiles' | 'settings'> {
  const isChainSet = database.row('SELECT 1 FROM meta WHERE name = ?', [CHAIN_IS_SET]) !== null;
  const keys = 'SELECT id, provider, health, health_message, checked_at, requests, tokens, last_used_at FROM keys';
  return {
    keys: database.rows(keys).map(([id, provider, health, message, checkedAt, requests, tokens, lastUsedAt]) => ({
      id: text(id),
      provider: text(provider),
      health: text(health) as KeyHealthStatus,
      healthMessage: textOrNull(message),
      checkedAt: numberOrNull(checkedAt),
      requests: Number(requests),
      tokens: Number(tokens),
      lastUsedAt: numberOrNull(lastUsedAt),
    })),
    chain: isChainSet
      ? database
          .rows('SELECT model, is_enabled FROM chain ORDER BY position')
          .map(([model, isEnabled]) => ({ model: text(model), isEnabled: isEnabled === 1 }))
      : null,
    profiles: database
      .rows('SELECT name, chain, strategy, context_window FROM profiles ORDER BY name')
      .map(([name, chain, strategy, contextWindow]) => ({
        name: text(name),
        chain: parsed<string[]>(chain) ?? [],
        strategy: textOrNull(strategy),
        contextWindow: numberOrNull(contextWindow),
      })),
    settings: new Map(
      database
        .rows('SELECT name, value FROM settings')
        .map(([name, value]): [string, unknown] => [text(name), parsed(value)])
        // Somebody edited the file: the default is better than no start at all.
        .filter(([, value]) => value !== null),
    ),
  };
}

function readModels(database: SqlDatabase): LedgerState['models'] {
  const providers = new Map<string, LedgerState['models'][number]>();
  const columns = 'provider, id, name, context_window, max_output, has_tools, has_vision, has_reasoning, learned_at';
  for (const row of database.rows(`SELECT ${columns} FROM models ORDER BY provider, id`)) {
    const [provider, id, name, contextWindow, maxOutput, hasTools, hasVision, hasReasoning, learnedAt] = row;
    const list = providers.get(text(provider)) ?? {
      provider: text(provider),
      learnedAt: Number(learnedAt),
      models: [],
    };
    providers.set(list.provider, list);
    list.models.push({
      id: text(id),
      name: text(name),
      contextWindow: numberOrNull(contextWindow),
      maxOutput: numberOrNull(maxOutput),
      hasTools: hasTools === 1,
      hasVision: hasVision === 1,
      hasReasoning: hasReasoning === 1,
    });
  }
  return [...providers.values()];
}

function readQuota(
  database: SqlDatabase,
  now: number,
): Pick<LedgerState, 'quotaWindows' | 'quotaLimits' | 'cooldowns'> {
  const windows =
    'SELECT id, kind, provider, model, key_id, starts_at, ends_at, used FROM quota_windows WHERE ends_at > ?';
  const limits = 'SELECT id, kind, "limit", source, learned_at FROM quota_limits';
  const cooldowns =
    'SELECT id, scope, target, provider, model, key_id, kind, since, until, streak FROM cooldowns WHERE until > ?';
  return {
    quotaWindows: database.rows(windows, [now]).map(([id, kind, provider, model, keyId, startsAt, endsAt, used]) => ({
      id: text(id),
      kind: text(kind) as QuotaKind,
      provider: text(provider),
      model: textOrNull(model),
      keyId: textOrNull(keyId),
      startsAt: Number(startsAt),
      endsAt: Number(endsAt),
      used: Number(used),
    })),
    quotaLimits: database.rows(limits).map(([id, kind, limit, source, learnedAt]) => ({
      id: text(id),
      kind: text(kind) as QuotaKind,
      limit: Number(limit),
      source: text(source) as QuotaLimitRow['source'],
      learnedAt: Number(learnedAt),
    })),
    cooldowns: database.rows(cooldowns, [now]).map((row) => {
      const [id, scope, target, provider, model, keyId, kind, since, until, streak] = row;
      return {
        id: text(id),
        scope: text(scope),
        target: text(target),
        provider: text(provider),
        model: textOrNull(model),
        keyId: textOrNull(keyId),
        kind: text(kind),
        since: Number(since),
        until: Number(until),
        streak: Number(streak),
      };
    }),
  };
}

function readMeasurements(database: SqlDatabase): MeasurementRow[] {
  const columns = 'model, at, good, bad, first_log, first_weight, rate_log, rate_weight';
  return database.rows(`SELECT ${columns} FROM measurements`).map((row) => {
    const [model, at, good, bad, firstLog, firstWeight, rateLog, rateWeight] = row;
    return {
      model: text(model),
      at: Number(at),
      good: Number(good),
      bad: Number(bad),
      firstLog: Number(firstLog),
      firstWeight: Number(firstWeight),
      rateLog: Number(rateLog),
      rateWeight: Number(rateWeight),
    };
  });
}

function readLastAnswer(database: SqlDatabase): LedgerState['lastAnswer'] {
  const columns = 'provider, served_model, key_id, first_token_ms, prompt_tokens, completion_tokens';
  const row = database.row(
    `SELECT id, at, http_status, total_ms, ${columns} FROM requests WHERE status = 'success' ORDER BY at DESC LIMIT 1`,
  );
  if (!row) return null;
  const [id = null, at, httpStatus, totalMs, provider, model, keyId, firstTokenMs, promptTokens, completionTokens] =
    row;
  const failed = database.rows('SELECT provider, model, kind FROM attempts WHERE request_id = ? ORDER BY number', [id]);
  return {
    at: Number(at) + Number(totalMs),
    outcome: {
      status: 'success',
      httpStatus: Number(httpStatus),
      provider: textOrNull(provider),
      model: textOrNull(model),
      keyId: textOrNull(keyId),
      firstTokenMs: numberOrNull(firstTokenMs),
      totalMs: Number(totalMs),
      promptTokens: numberOrNull(promptTokens),
      completionTokens: numberOrNull(completionTokens),
      fallbacks: failed.map(([by, of, kind]) => ({ provider: text(by), model: text(of), kind: text(kind) })),
      errorCode: null,
    },
  };
}

const text = (value: SqlValue | undefined): string => String(value);
const textOrNull = (value: SqlValue | undefined): string | null => (value == null ? null : String(value));
const numberOrNull = (value: SqlValue | undefined): number | null => (value == null ? null : Number(value));

/** null for what is not JSON. */
function parsed<T>(value: SqlValue | undefined): T | null {
  try {
    return JSON.parse(text(value)) as T;
  } catch {
    return null;
  }
}
