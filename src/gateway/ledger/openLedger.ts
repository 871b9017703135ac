import path from 'node:path';
import type { Clock, Log } from '../ports.js';
import type { TransactionSums } from './apply.js';
import { ChangeApplier } from './changeApplier.js';
import { ChangeQueue } from './changeQueue.js';
import type { LedgerChange } from './changes.js';
import { Checkpointer } from './checkpointer.js';
import { DiskHealth, diskAdvice } from './diskHealth.js';
import { LOCK } from './files.js';
import { ImageWriter } from './imageWriter.js';
import { type JournalPosition, JournalWriter } from './journalWriter.js';
import { type Ledger, LedgerError, type LedgerNotice } from './ledger.js';
import { acquireLock, type LedgerLock, LOCK_PATIENCE, type LockLoss, type LockPatience } from './lock.js';
import { isNewerLedger } from './newerVersion.js';
import { currentProcess, type ProcessIdentity } from './processIdentity.js';
import { type Recovered, recover } from './recovery.js';
import { loadSqlite, type SqlDatabase } from './sqlite.js';
import { errorCode, type StoragePort } from './storage.js';

export interface LedgerPorts {
  storage: StoragePort;
  clock: Clock;
  log: Log;
  /** Random bytes as lower-case hex. */
  randomHex(bytes: number): string;
  /** This process; told by Node unless a test plays several. */
  identity?: ProcessIdentity;
}

export interface LedgerOptions {
  folder: string;
  /** The path of sql.js's `sql-wasm.wasm`. */
  wasmFile: string;
  onNotice(notice: LedgerNotice): void;
  /** Keeps the sums of new request rows, one object for each transaction. */
  newSums?: () => TransactionSums;
  /** How long to wait for the lock. */
  lockPatience?: LockPatience;
}

/** A ledger that is open. */
export interface OpenLedger extends Ledger {
  /**
   * Work on the database that needs no journal since it comes to the same when it is done again, like dropping old rows.
   * It holds the thread. It is on the disk with the next image.
   */
  maintain<T>(work: (database: SqlDatabase) => T): T;
}

/** How far a folder's database was when it was opened; null where it could not be read. */
export type LedgerOrigin = Pick<JournalPosition, 'databaseId' | 'seq'> | null;

/** A ledger that is on a disk. */
export interface KeptLedger extends OpenLedger {
  readonly origin: NonNullable<LedgerOrigin>;
  /** Writes and syncs what was appended; opens a journal if there is none. @throws the storage's error. */
  flush(): Promise<void>;
}

/**
 * Opens the folder's database, making one when there is none.
 * @throws LedgerError `newer`, `locked` or `unusable`; then nothing is left open.
 */
export async function openLedger(ports: LedgerPorts, options: LedgerOptions): Promise<KeptLedger> {
  const { storage } = ports;
  const { folder } = options;
  let lost: (how: LockLoss) => void = () => undefined;
  let lock: LedgerLock | null = null;
  // Compiling it takes as long as the files do.
  const loading = loadSqlite(options.wasmFile);
  loading.catch(() => undefined);
  try {
    await refuseNewer(storage, folder);
    await storage.makeFolder(folder);
    const identity = ports.identity ?? currentProcess();
    const lockPorts = { storage, clock: ports.clock, log: ports.log, identity };
    const patience = options.lockPatience ?? LOCK_PATIENCE;
    lock = await acquireLock(lockPorts, folder, ports.randomHex(8), patience, (how) => lost(how));
    // Another may have come and gone while we waited.
    await refuseNewer(storage, folder);
    const openDatabase = await loading;
    const { newSums, onNotice } = options;
    const recovered = await recover({ ...ports, openDatabase, newSums, onNotice }, folder);
    const ledger = new DurableLedger(ports, options, lock, recovered);
    await ledger.begin(recovered);
    lost = (how) => ledger.lose(how);
    return ledger;
  } catch (error) {
    await lock?.release().catch(() => undefined);
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('unusable', `FreeLLM cannot use its data folder ${folder}. ${diskAdvice(error)}`, {
      cause: error,
    });
  }
}

async function refuseNewer(storage: StoragePort, folder: string): Promise<void> {
  if (!(await isNewerLedger(storage, folder))) return;
  throw new LedgerError('newer', 'A newer version of FreeLLM wrote the database: update FreeLLM.');
}

class DurableLedger implements KeptLedger {
  readonly origin: NonNullable<LedgerOrigin>;
  private readonly database: SqlDatabase;
  private readonly journal: JournalWriter;
  private readonly queue: ChangeQueue;
  private readonly checkpointer: Checkpointer;
  private closing: Promise<void> | null = null;

  constructor(
    private readonly ports: LedgerPorts,
    private readonly options: LedgerOptions,
    private readonly lock: LedgerLock,
    recovered: Recovered,
  ) {
    const { clock, log } = ports;
    const { folder } = options;
    const { database, position } = recovered;
    this.origin = { databaseId: position.databaseId, seq: position.seq };
    const health = new DiskHealth(log, options.onNotice);
    const journal = new JournalWriter(ports, folder, position);
    const applier = new ChangeApplier(database, log, options.newSums);
    const queue = new ChangeQueue({ clock, log, journal, applier, health }, () => this.checkpointer.noteWritten());
    const images = new ImageWriter(ports, folder, recovered.imageGeneration);
    const mayReplace = () => this.assertHeld();
    this.database = database;
    this.journal = journal;
    this.queue = queue;
    this.checkpointer = new Checkpointer(
      { clock, log, health, database, queue, journal, images, mayReplace },
      position.databaseId,
      recovered.imageBytes,
    );
  }

  /** Opens the journal, then brings the image up to date where that is due. */
  async begin({ isBehind, checkpoints }: Recovered): Promise<void> {
    await this.queue.open();
    if (isBehind || checkpoints > 0) this.checkpointer.noteChange();
    if (checkpoints > 0) void this.writeImages(checkpoints);
  }

  append(change: LedgerChange): void {
    this.queue.append(change);
    this.checkpointer.noteChange();
  }

  save(change: LedgerChange): Promise<void> {
    this.checkpointer.noteChange();
    return this.queue.save(change);
  }

  async flush(): Promise<void> {
    await this.queue.exclusive(() => this.journal.ensureOpen());
    await this.queue.flush();
  }

  query<T>(read: (database: SqlDatabase) => T): T {
    this.queue.applyAll();
    return read(this.database);
  }

  maintain<T>(work: (database: SqlDatabase) => T): T {
    this.queue.applyAll();
    this.checkpointer.noteChange();
    return work(this.database);
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  /** The folder is ours no more: whatever we wrote would be lost, or would harm another gateway. */
  lose(how: LockLoss): void {
    const why = lossText(how, this.options.folder);
    this.ports.log.log('error', 'ledger', why);
    const message = `${why} This gateway saves nothing more: restart FreeLLM.`;
    this.options.onNotice({ kind: 'stopped', message, file: null });
    this.queue.stop(new LedgerError('locked', why));
    void this.checkpointer.stop();
  }

  private async writeImages(count: number): Promise<void> {
    for (let at = 0; at < count && !this.closing; at++) if (!(await this.checkpointer.run())) return;
  }

  private async finish(): Promise<void> {
    const { log } = this.ports;
    this.queue.stop(new LedgerError('not-saved', 'FreeLLM is closing.'));
    await this.checkpointer.stop();
    try {
      await this.assertHeld();
      await this.queue.flush();
      if (this.checkpointer.isNeeded) await this.checkpointer.run();
    } catch (error) {
      log.log('error', 'ledger', 'the last changes could not be saved', { error: errorCode(error) });
      this.queue.refuseAll(error);
    }
    await this.queue.exclusive(() => this.journal.close());
    try {
      await this.lock.release();
    } catch (error) {
      log.log('warn', 'ledger', 'the lock could not be removed', { error: errorCode(error) });
    }
    this.database.close();
  }

  private async assertHeld(): Promise<void> {
    if (!(await this.lock.isHeld())) throw new LedgerError('locked', 'Another FreeLLM gateway has taken the database.');
  }
}

function lossText(how: LockLoss, folder: string): string {
  switch (how) {
    case 'taken':
      return 'Another FreeLLM gateway has taken the database.';
    case 'removed':
      return `The lock of the database (${path.join(folder, LOCK)}) was removed, so another gateway may have used it.`;
    case 'folder-gone':
      return `The data folder ${folder} is gone.`;
  }
}
