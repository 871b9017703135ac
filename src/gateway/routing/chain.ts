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
    const kept = entries && this.withWishes(entries);
    await this.books.save({ type: 'chain', entries: kept });
    this.entries = kept;
    for (const { model, isEnabled } of entries ?? [])
      if (isEnabled && this.gone.has(model)) this.goneModels.bringBack(model);
    this.onChange();
  }

  /**
   * What is gone is shown as off, so whoever saves what was shown has it off without having meant it: the user's own
   * word from before stays, and its place, for when it comes back.
   */
  private withWishes(entries: readonly ChainEntry[]): readonly ChainEntry[] {
    const isGone = ({ model, isEnabled }: ChainEntry) => !isEnabled && this.gone.has(model);
    if (!entries.some(isGone)) return entries;
    const kept = entries.filter((entry) => !isGone(entry));
    const meant = new Set(entries.filter(isGone).map(({ model }) => model));
    for (const [at, entry] of (this.entries ?? []).entries()) {
      if (!meant.has(entry.model)) continue;
      const before = this.entries?.slice(0, at).findLast(({ model }) => kept.some((other) => other.model === model));
      kept.splice(before ? kept.findIndex(({ model }) => model === before.model) + 1 : 0, 0, entry);
    }
    return kept;
  }
}
