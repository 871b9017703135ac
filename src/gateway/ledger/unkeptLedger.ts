import { shortenBacklog } from './backlog.js';
import { ChangeApplier } from './changeApplier.js';
import type { LedgerChange } from './changes.js';
import { LedgerError } from './ledger.js';
import type { LedgerOptions, LedgerOrigin, LedgerPorts, OpenLedger } from './openLedger.js';
import { recover } from './recovery.js';
import { migrate } from './schema.js';
import { loadSqlite, type SqlDatabase } from './sqlite.js';
import type { StoragePort } from './storage.js';

/** Changes that wait to be applied. */
const MOST_WAITING = 100;
/** Changes that come before the backlog is shortened once more: it costs a pass over all of it. */
const SHORTEN_EVERY = 5_000;

/**
 * Opens what is in a folder that cannot be written: what can be read of it is there (nothing, where it cannot be read
 * either), what happens is counted in memory, and nothing can be saved. @throws what keeps SQLite from being loaded.
 */
export async function openUnkeptLedger(ports: LedgerPorts, options: LedgerOptions, why: string): Promise<UnkeptLedger> {
  const storage = unwritten(ports.storage);
  const openDatabase = await loadSqlite(options.wasmFile);
  // Damaged files stay where they are: there is nothing to tell yet.
  const recoveryPorts = { ...ports, storage, openDatabase, newSums: options.newSums, onNotice: () => undefined };
  const recovered = await recover(recoveryPorts, options.folder).catch(() => null);
  const database = recovered?.database ?? openDatabase(null);
  if (!recovered) migrate(database);
  const origin = recovered && { databaseId: recovered.position.databaseId, seq: recovered.position.seq };
  return new UnkeptLedger(database, new ChangeApplier(database, ports.log, options.newSums), origin, why);
}

/** A ledger in memory, that keeps what happened for when the folder can be used. */
export class UnkeptLedger implements OpenLedger {
  private waiting: LedgerChange[] = [];
  private backlog: { change: LedgerChange }[] = [];
  private sinceShortened = 0;
  private isClosed = false;

  constructor(
    private readonly database: SqlDatabase,
    private readonly applier: ChangeApplier,
    /** Where the folder's database was when it was read. */
    readonly origin: LedgerOrigin,
    private readonly why: string,
  ) {}

  append(change: LedgerChange): void {
    if (this.isClosed) return;
    // As it is now: whoever brought it may change it.
    const copy = structuredClone(change);
    this.waiting.push(copy);
    if (this.waiting.length >= MOST_WAITING) this.applyAll();
    this.backlog.push({ change: copy });
    this.sinceShortened += 1;
    if (this.sinceShortened < SHORTEN_EVERY) return;
    this.backlog = shortenBacklog(this.backlog).kept;
    this.sinceShortened = 0;
  }

  /** Takes the first of what was appended and not taken yet, in order. */
  takeBacklog(most: number): LedgerChange[] {
    return this.backlog.splice(0, most).map(({ change }) => change);
  }

  save(): Promise<void> {
    return Promise.reject(new LedgerError('not-saved', `FreeLLM could not save this. ${this.why}`));
  }

  query<T>(read: (database: SqlDatabase) => T): T {
    this.applyAll();
    return read(this.database);
  }

  maintain<T>(work: (database: SqlDatabase) => T): T {
    return this.query(work);
  }

  async close(): Promise<void> {
    if (!this.isClosed) this.database.close();
    this.isClosed = true;
  }

  private applyAll(): void {
    if (this.waiting.length > 0) this.applier.all(this.waiting.splice(0));
  }
}

/** Reads from the disk, and leaves it as it is. */
function unwritten(storage: StoragePort): StoragePort {
  const nothing = async () => undefined;
  return {
    ...storage,
    writeWhole: nothing,
    rename: nothing,
    link: nothing,
    copy: nothing,
    remove: nothing,
    touch: nothing,
  };
}
