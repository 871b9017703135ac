import type { Clock, Log } from '../ports.js';
import type { Bookkeeping } from './bookkeeping.js';
import { LedgerError, type LedgerNotice } from './ledger.js';
import { nodeStorage } from './nodeStorage.js';
import { type OpenLedger, openLedger } from './openLedger.js';
import { Reopening } from './reopening.js';
import { type LedgerState, readLedgerState } from './restore.js';
import { createRetention } from './retention.js';
import { Rollups } from './rollups.js';
import type { StoragePort } from './storage.js';
import { openUnkeptLedger } from './unkeptLedger.js';

export interface BooksOptions {
  dataDir: string;
  /** Path of sql.js's `sql-wasm.wasm`. */
  wasmFile: string;
  retentionDays(): number;
  onNotice(notice: LedgerNotice): void;
}

/** The next try is soon enough. */
const NO_PATIENCE = { live: 0, unknown: 0 };

/**
 * Opens the ledger on the real disk for `books`, and reads what was there. A folder that cannot be written gives a notice,
 * and what can be read of it; the gateway then runs from memory, and `books` gets the ledger as soon as it can be opened.
 * Null: there is no SQLite.
 * @throws LedgerError `newer` or `locked`.
 */
export async function openBooks(
  ports: { clock: Clock; log: Log; randomHex(bytes: number): string; storage?: StoragePort },
  books: Bookkeeping,
  options: BooksOptions,
): Promise<LedgerState | null> {
  const { clock, log } = ports;
  const { dataDir, wasmFile, retentionDays, onNotice } = options;
  const ledgerPorts = { clock, log, randomHex: ports.randomHex, storage: ports.storage ?? nodeStorage };
  const ledgerOptions = { folder: dataDir, wasmFile, onNotice, newSums: () => new Rollups() };
  const attach = (ledger: OpenLedger): void => {
    const retention = createRetention({ retentionDays, now: clock.now, elapsed: () => performance.now() });
    books.attach(ledger, retention, clock);
  };
  const use = (ledger: OpenLedger): LedgerState => {
    attach(ledger);
    return books.query((database) => readLedgerState(database, clock.now()));
  };
  try {
    return use(await openLedger(ledgerPorts, ledgerOptions));
  } catch (error) {
    if (!(error instanceof LedgerError) || error.kind !== 'unusable') throw error;
    const why = error.message;
    // A full disk and a read-only folder can still be read: quotas go on from what was counted.
    const unkept = await openUnkeptLedger(ledgerPorts, ledgerOptions, why).catch(() => null);
    onNotice({ kind: 'unusable', message: unkept ? why : `${why} Then restart FreeLLM.`, file: null });
    if (!unkept) return null;
    const open = () => openLedger(ledgerPorts, { ...ledgerOptions, lockPatience: NO_PATIENCE });
    books.triesWith(new Reopening({ clock, log, open, use: attach, onNotice }, unkept, why));
    return use(unkept);
  }
}
