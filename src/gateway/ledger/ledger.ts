import type { LedgerChange } from './changes.js';
import type { SqlDatabase } from './sqlite.js';

/** Why the ledger cannot be used, or did not save. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
  constructor(
    /**
     * `newer`: a newer version wrote the file; `locked`: another gateway has it open; `unusable`: the folder cannot be
     * read or written at all; `not-saved`: the disk refused a change, which was therefore not made.
     */
    readonly kind: 'newer' | 'locked' | 'unusable' | 'not-saved',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Something the user should know of: said once, until it is over. */
export interface LedgerNotice {
  /**
   * `damaged`: a file was set aside (`file` names it); `lost`: part of what the ledger held is nowhere; `not-saving`: the
   * disk refuses writes, what happens is kept in memory; `saving-again`: it takes them again; `unusable`: the folder could
   * not be opened, the gateway runs from memory and tries again; `stopped`: nothing more is saved before a restart.
   */
  kind: 'damaged' | 'lost' | 'not-saving' | 'saving-again' | 'unusable' | 'stopped';
  message: string;
  /** Where the (first) damaged file is now. */
  file: string | null;
}

/** The database, safe on disk. One process at a time has it open. */
export interface Ledger {
  /** Takes a change; it is on disk within 250 ms. Costs microseconds: nothing is written or queried now. */
  append(change: LedgerChange): void;
  /** Takes a change that somebody is told is saved. @throws LedgerError `not-saved`; then the change was not made. */
  save(change: LedgerChange): Promise<void>;
  /** Reads: everything that was appended before is visible. `read` must not write, nor keep the database. */
  query<T>(read: (database: SqlDatabase) => T): T;
  /** Saves everything and lets go of the files. */
  close(): Promise<void>;
}
