import type { SqlDatabase } from './sqlite.js';

/**
 * The schema as numbered steps; `PRAGMA user_version` says how many were taken. A step is never changed once released:
 * what is to be different becomes the next one. Times are ms since the epoch, lengths ms, booleans 0 or 1.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;

  CREATE TABLE requests (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, client TEXT, token_id TEXT, model TEXT NOT NULL,
    is_stream INTEGER NOT NULL, status TEXT NOT NULL, http_status INTEGER NOT NULL, error_code TEXT,
    provider TEXT, served_model TEXT, key_id TEXT, first_token_ms INTEGER, total_ms INTEGER NOT NULL,
    prompt_tokens INTEGER, completion_tokens INTEGER, attempts INTEGER NOT NULL, answer_ms INTEGER,
    passed_over TEXT -- JSON: candidates that were not asked, and why
  );
  CREATE INDEX requests_at ON requests (at);
  -- Those that did not answer; the one that did is in its request's row (provider, served_model, key_id, answer_ms).
  CREATE TABLE attempts (
    request_id TEXT NOT NULL, number INTEGER NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, key_id TEXT,
    kind TEXT NOT NULL, http_status INTEGER, ms INTEGER NOT NULL,
    PRIMARY KEY (request_id, number)
  ) WITHOUT ROWID;

  CREATE TABLE keys (
    id TEXT PRIMARY KEY, provider TEXT NOT NULL, health TEXT NOT NULL, health_message TEXT, checked_at INTEGER,
    requests INTEGER NOT NULL DEFAULT 0, tokens INTEGER NOT NULL DEFAULT 0, last_used_at INTEGER
  ) WITHOUT ROWID;

  CREATE TABLE chain (position INTEGER PRIMARY KEY, model TEXT NOT NULL, is_enabled INTEGER NOT NULL);
  CREATE TABLE profiles (
    name TEXT PRIMARY KEY, chain TEXT NOT NULL, strategy TEXT, context_window INTEGER
  ) WITHOUT ROWID;
  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  CREATE TABLE models (
    provider TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, context_window INTEGER, max_output INTEGER,
    has_tools INTEGER NOT NULL, has_vision INTEGER NOT NULL, has_reasoning INTEGER NOT NULL, learned_at INTEGER NOT NULL,
    PRIMARY KEY (provider, id)
  ) WITHOUT ROWID;
  CREATE TABLE gone_models (
    provider TEXT NOT NULL, model TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (provider, model)
  ) WITHOUT ROWID;

  CREATE TABLE quota_windows (
    id TEXT NOT NULL, kind TEXT NOT NULL, provider TEXT NOT NULL, model TEXT, key_id TEXT,
    starts_at INTEGER NOT NULL, ends_at INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (id, kind, starts_at)
  ) WITHOUT ROWID;
  CREATE TABLE quota_limits (
    id TEXT NOT NULL, kind TEXT NOT NULL, "limit" INTEGER NOT NULL, source TEXT NOT NULL, learned_at INTEGER NOT NULL,
    PRIMARY KEY (id, kind)
  ) WITHOUT ROWID;

  CREATE TABLE cooldowns (
    id TEXT PRIMARY KEY, scope TEXT NOT NULL, target TEXT NOT NULL, provider TEXT NOT NULL, model TEXT, key_id TEXT,
    kind TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, streak INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- Sums by hour and by day (UTC) and what they are of; dimension is total, model, key, client, kind or code.
  CREATE TABLE rollups (
    grain TEXT NOT NULL, dimension TEXT NOT NULL, start INTEGER NOT NULL, value TEXT NOT NULL,
    requests INTEGER NOT NULL, successes INTEGER NOT NULL, errors INTEGER NOT NULL, canceled INTEGER NOT NULL,
    fallbacks INTEGER NOT NULL, failed_attempts INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    latency BLOB, first_token BLOB, speed BLOB,
    PRIMARY KEY (grain, dimension, start, value)
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE requests ADD COLUMN is_sticky INTEGER; -- null for 0
  ALTER TABLE requests ADD COLUMN is_handoff INTEGER; -- null for 0
  ALTER TABLE requests ADD COLUMN profile TEXT;
  -- JSON: what ordered the candidates, with their scores (routing/scoring/routeText.ts)
  ALTER TABLE requests ADD COLUMN route TEXT;
  -- How each model did lately: sums that decay by time (routing/scoring/measurements.ts).
  CREATE TABLE measurements (
    model TEXT PRIMARY KEY, at INTEGER NOT NULL, good REAL NOT NULL, bad REAL NOT NULL,
    first_log REAL NOT NULL, first_weight REAL NOT NULL, rate_log REAL NOT NULL, rate_weight REAL NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- ms from the request's arrival to the attempt's beginning
  ALTER TABLE attempts ADD COLUMN start_ms INTEGER;
  `,
];

/** What this version of FreeLLM writes. A file with a higher number is a newer version's: it is not ours to touch. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings the database to `SCHEMA_VERSION`; each step is one transaction. Returns how many steps were taken. */
export function migrate(database: SqlDatabase): number {
  const [version] = database.row('PRAGMA user_version') ?? [0];
  const taken = Number(version);
  for (const [at, step] of MIGRATIONS.entries()) {
    if (at < taken) continue;
    database.transaction(() => {
      database.script(step);
      database.script(`PRAGMA user_version = ${at + 1}`);
    });
  }
  return SCHEMA_VERSION - taken;
}

/** Where an SQLite file's header keeps `user_version` (https://www.sqlite.org/fileformat2.html, 1.3). */
const VERSION_OFFSET = 60;
/** Where it keeps the file change counter: every transaction raises it, whoever makes it. */
const COUNTER_OFFSET = 24;
const MAGIC = 'SQLite format 3\0';

/** The schema version of a database file by its first bytes, without opening it; null for what is no SQLite file. */
export function schemaVersionOf(header: Uint8Array): number | null {
  const bytes = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (bytes.length < 100 || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  return bytes.readUInt32BE(VERSION_OFFSET);
}

/** How often a database file was changed, by its first bytes. The file must be one. */
export function changeCounterOf(header: Uint8Array): number {
  return Buffer.from(header.buffer, header.byteOffset, header.byteLength).readUInt32BE(COUNTER_OFFSET);
}
