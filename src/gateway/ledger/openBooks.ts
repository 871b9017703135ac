import type { Clock, Log } from '../ports.js';
import type { Bookkeeping } from './bookkeeping.js';
import { LedgerError, type LedgerNotice } from './ledger.js';
import { nodeStorage } from './nodeStorage.js';
import { type OpenLedger, openLedger } from './openLedger.js';
import { type LedgerState, readLedgerState } from './restore.js';
import { createRetention } from './retention.js';
import { Rollups } from './rollups.js';
import { openUnkeptLedger } from './unkeptLedger.js';

export interface BooksOptions {
  dataDir: string;
  /** Path of sql.js's `sql-wasm.wasm`. */
  wasmFile: string;
  retentionDays(): number;
  onNotice(notice: LedgerNotice): void;
}

/**
 * Opens the ledger on the real disk for `books`, and reads what was there. A folder that cannot be written gives a notice,
 * and what can be read of it; the gateway then runs from memory. Null: nothing could be read.
 * @throws LedgerError `newer` or `locked`.
 */
export async function openBooks(
  ports: { clock: Clock; log: Log; randomHex(bytes: number): string },
  books: Bookkeeping,
  options: BooksOptions,
): Promise<LedgerState | null> {
  const { clock, log, randomHex } = ports;
  const { dataDir, wasmFile, retentionDays, onNotice } = options;
  const ledgerPorts = { storage: nodeStorage, clock, log, randomHex };
  const ledgerOptions = { folder: dataDir, wasmFile, onNotice, newSums: () => new Rollups() };
  const use = (ledger: OpenLedger): LedgerState => {
    const retention = createRetention({ retentionDays, now: clock.now, elapsed: () => performance.now() });
    books.attach(ledger, retention, clock);
    return books.query((database) => readLedgerState(database, clock.now()));
  };
  try {
    return use(await openLedger(ledgerPorts, ledgerOptions));
  } catch (error) {
    if (!(error instanceof LedgerError) || error.kind !== 'unusable') throw error;
    onNotice({ kind: 'unusable', message: error.message, file: null });
    // A full disk and a read-only folder can still be read: quotas go on from what was counted.
    const unkept = await openUnkeptLedger(ledgerPorts, ledgerOptions, error.message).catch(() => null);
    return unkept && use(unkept);
  }
}
