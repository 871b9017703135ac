import type { SqlDatabase } from './sqlite.js';

/** What an image says of itself, in table `meta`. */
export interface ImageMeta {
  /** 32 hex digits; the journals that belong to it carry the same. */
  databaseId: string;
  /** The last change that it holds. */
  seq: number;
  /** The first journal that it does not hold. */
  generation: number;
}

/** null for a database that has none: it is not ours. @throws SQLite's error when the file is damaged. */
export function readMeta(database: SqlDatabase): ImageMeta | null {
  if (!database.row("SELECT 1 FROM sqlite_master WHERE name = 'meta'")) return null;
  const values = new Map(database.rows('SELECT name, value FROM meta').map(([name, value]) => [name, value]));
  const [databaseId, seq, generation] = ['database_id', 'sequence', 'generation'].map((name) => values.get(name));
  if (typeof databaseId !== 'string' || typeof seq !== 'number' || typeof generation !== 'number') return null;
  return { databaseId, seq, generation };
}

export function writeMeta(database: SqlDatabase, { databaseId, seq, generation }: ImageMeta): void {
  const values = { database_id: databaseId, sequence: seq, generation };
  for (const [name, value] of Object.entries(values)) {
    database.run('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)', [name, value]);
  }
}
