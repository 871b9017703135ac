import { ChangeApplier } from './changeApplier.js';
import type { LedgerChange } from './changes.js';
import { LedgerError } from './ledger.js';
import type { LedgerOptions, LedgerPorts, OpenLedger } from './openLedger.js';
import { recover } from './recovery.js';
import { loadSqlite, type SqlDatabase } from './sqlite.js';
import type { StoragePort } from './storage.js';

/** Changes that wait to be applied. */
const MOST_WAITING = 100;

/**
 * Opens what is in a folder that cannot be written: everything is there to be read, what happens is counted in memory, and
 * nothing can be saved. `why` is what is said then. @throws the storage's error when it cannot be read either.
 */
export async function openUnkeptLedger(ports: LedgerPorts, options: LedgerOptions, why: string): Promise<OpenLedger> {
  const storage = unwritten(ports.storage);
  const openDatabase = await loadSqlite(options.wasmFile);
  // Damaged files stay where they are: there is nothing to tell yet.
  const recoveryPorts = { ...ports, storage, openDatabase, newSums: options.newSums, onNotice: () => undefined };
  const { database } = await recover(recoveryPorts, options.folder);
  return new UnkeptLedger(database, new ChangeApplier(database, ports.log, options.newSums), why);
}

class UnkeptLedger implements OpenLedger {
  private waiting: LedgerChange[] = [];
  private isClosed = false;

  constructor(
    private readonly database: SqlDatabase,
    private readonly applier: ChangeApplier,
    private readonly why: string,
  ) {}

  append(change: LedgerChange): void {
    if (this.isClosed) return;
    // As it is now: whoever brought it may change it.
    this.waiting.push(structuredClone(change));
    if (this.waiting.length >= MOST_WAITING) this.applyAll();
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
