import initSqlJs, { type BindParams, type Database, type Statement } from 'sql.js';

/** A value as SQLite takes it. */
export type SqlValue = number | string | Uint8Array | null;

/**
 * An SQLite database in memory (sql.js). Statements are prepared once and kept: preparing costs more than running.
 * Every method throws SQLite's own error.
 */
export interface SqlDatabase {
  /** Runs one statement that returns nothing. Parameters stand for `?`. */
  run(sql: string, params?: readonly SqlValue[]): void;
  /** Runs several statements without parameters. */
  script(sql: string): void;
  /** Every row, as arrays in the order of the columns. */
  rows(sql: string, params?: readonly SqlValue[]): SqlValue[][];
  /** The first row, or null. */
  row(sql: string, params?: readonly SqlValue[]): SqlValue[] | null;
  /** Rows that the last statement inserted, changed or removed. */
  changes(): number;
  /** Runs `work` in one transaction; rolled back if it throws. Not nestable. */
  transaction(work: () => void): void;
  /** The whole database as a file's bytes. Holds the thread (20 to 30 ms at 100,000 rows); not inside a transaction. */
  image(): Uint8Array;
  close(): void;
}

/** Loads sql.js. `wasmFile` is the path of its `sql-wasm.wasm`, which lies beside our bundles. */
export async function loadSqlite(wasmFile: string): Promise<(image?: Uint8Array | null) => SqlDatabase> {
  const { Database } = await initSqlJs({ locateFile: () => wasmFile });
  return (image) => new MemoryDatabase(new Database(image ?? null));
}

class MemoryDatabase implements SqlDatabase {
  private readonly statements = new Map<string, Statement>();

  constructor(private readonly database: Database) {
    // The image in memory needs no protection against a power cut; the journal beside it does that.
    database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;');
  }

  run(sql: string, params: readonly SqlValue[] = []): void {
    this.prepared(sql).run(params as BindParams);
  }

  script(sql: string): void {
    this.database.exec(sql);
  }

  rows(sql: string, params: readonly SqlValue[] = []): SqlValue[][] {
    const statement = this.prepared(sql);
    const rows: SqlValue[][] = [];
    try {
      statement.bind(params as BindParams);
      while (statement.step()) rows.push(statement.get());
    } finally {
      statement.reset();
    }
    return rows;
  }

  row(sql: string, params: readonly SqlValue[] = []): SqlValue[] | null {
    const statement = this.prepared(sql);
    try {
      statement.bind(params as BindParams);
      return statement.step() ? statement.get() : null;
    } finally {
      statement.reset();
    }
  }

  changes(): number {
    return this.database.getRowsModified();
  }

  transaction(work: () => void): void {
    this.run('BEGIN');
    try {
      work();
    } catch (error) {
      this.run('ROLLBACK');
      throw error;
    }
    this.run('COMMIT');
  }

  image(): Uint8Array {
    return this.database.export();
  }

  close(): void {
    for (const statement of this.statements.values()) statement.free();
    this.statements.clear();
    this.database.close();
  }

  private prepared(sql: string): Statement {
    let statement = this.statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}
