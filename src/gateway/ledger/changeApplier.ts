import type { Log } from '../ports.js';
import { applyChange, type TransactionSums } from './apply.js';
import type { LedgerChange } from './changes.js';
import type { SqlDatabase } from './sqlite.js';

/** A turn of the loop is given to changes for this long. */
const SLICE_MS = 5;

/**
 * Makes changes to the database, in transactions that each take a few milliseconds. A change that does not fit the
 * schema is logged and left out: it would fail at every start again.
 */
export class ChangeApplier {
  constructor(
    private readonly database: SqlDatabase,
    private readonly log: Log,
    private readonly newSums: (() => TransactionSums) | undefined,
  ) {}

  /** Applies the first of them, for one slice's time; returns how many. */
  slice(changes: readonly LedgerChange[]): number {
    const until = performance.now() + SLICE_MS;
    let count = 0;
    const isDone = this.tryAll(function* () {
      for (const change of changes) {
        if (count > 0 && performance.now() > until) return;
        count += 1;
        yield change;
      }
    });
    if (!isDone) this.oneByOne(changes.slice(0, count));
    return count;
  }

  /** Applies all of them now. Returns whether each could be. */
  all(changes: readonly LedgerChange[]): boolean {
    return this.tryAll(() => changes) || this.oneByOne(changes);
  }

  private tryAll(changes: () => Iterable<LedgerChange>): boolean {
    const { database } = this;
    const sums = this.newSums?.();
    try {
      database.transaction(() => {
        for (const change of changes()) applyChange(database, change, sums);
        sums?.flush(database);
      });
      return true;
    } catch {
      return false;
    }
  }

  private oneByOne(changes: readonly LedgerChange[]): boolean {
    let areAllDone = true;
    for (const change of changes) {
      if (this.tryAll(() => [change])) continue;
      areAllDone = false;
      this.log.log('error', 'ledger', 'a change does not fit the database', { type: change.type });
    }
    return areAllDone;
  }
}
