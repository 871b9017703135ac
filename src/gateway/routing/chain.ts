import type { Bookkeeping } from '../ledger/bookkeeping.js';
import type { ChainEntry } from '../ledger/changes.js';

/** The user's order of models, and the models that their providers no longer have; both are kept in the ledger. */
export class Chain {
  /** null: the catalog's order. */
  entries: readonly ChainEntry[] | null = null;
  /** `provider/model`. */
  readonly gone = new Set<string>();

  constructor(
    private readonly books: Bookkeeping,
    private readonly now: () => number,
    private readonly onChange: () => void,
  ) {}

  restore(entries: readonly ChainEntry[] | null, gone: readonly { provider: string; model: string }[]): void {
    this.entries = entries;
    for (const { provider, model } of gone) this.gone.add(`${provider}/${model}`);
  }

  /** Saved when it resolves. A model that was gone and is on here gets another chance. @throws LedgerError `not-saved`. */
  async replace(entries: readonly ChainEntry[] | null): Promise<void> {
    await this.books.save({ type: 'chain', entries });
    this.entries = entries;
    for (const { model: name, isEnabled } of entries ?? []) {
      if (!isEnabled || !this.gone.delete(name)) continue;
      const slash = name.indexOf('/');
      this.books.append({ type: 'model.back', provider: name.slice(0, slash), model: name.slice(slash + 1) });
    }
    this.onChange();
  }

  markGone(provider: string, model: string): void {
    this.gone.add(`${provider}/${model}`);
    this.books.append({ type: 'model.gone', provider, model, since: this.now() });
    this.onChange();
  }
}
