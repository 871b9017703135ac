import type { Bookkeeping } from '../ledger/bookkeeping.js';
import type { ChainEntry } from '../ledger/changes.js';
import type { GoneModels } from './goneModels.js';

/** The user's order of models, kept in the ledger. */
export class Chain {
  /** null: the catalog's order. */
  entries: readonly ChainEntry[] | null = null;

  constructor(
    private readonly books: Bookkeeping,
    private readonly goneModels: GoneModels,
    private readonly onChange: () => void,
  ) {}

  /** `provider/model` of what its provider says does not exist, and since when it is off, in ms since the epoch. */
  get gone(): ReadonlyMap<string, number> {
    return this.goneModels.since;
  }

  restore(entries: readonly ChainEntry[] | null): void {
    this.entries = entries;
  }

  /** Saved when it resolves. A model that was gone and is on here gets another chance. @throws LedgerError `not-saved`. */
  async replace(entries: readonly ChainEntry[] | null): Promise<void> {
    await this.books.save({ type: 'chain', entries });
    this.entries = entries;
    for (const { model, isEnabled } of entries ?? [])
      if (isEnabled && this.gone.has(model)) this.goneModels.bringBack(model);
    this.onChange();
  }
}
