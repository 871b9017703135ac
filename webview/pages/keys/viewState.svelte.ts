import { SvelteSet } from 'svelte/reactivity';
import type { KeyFilter } from '../../../src/protocol/keyGroups.js';
import { type KeptView, readView } from '../../lib/keys/keptView.js';
import type { Session } from '../../lib/session.svelte.js';

/** How the user has the page: kept over hiding and reloading. */
export class ViewState {
  search = $state('');
  filter: KeyFilter = $state('all');
  /** Providers whose keys are hidden. */
  readonly closed: SvelteSet<string>;
  /** Keys whose details are shown. */
  readonly open: SvelteSet<string>;
  /** The list of providers that the user has no key for. */
  isMoreOpen = $state(false);

  constructor(private readonly session: Session) {
    const kept = session.keptState(readView);
    this.search = kept.search;
    this.filter = kept.filter;
    this.closed = new SvelteSet(kept.closed);
    this.open = new SvelteSet(kept.open);
    this.isMoreOpen = kept.isMoreOpen;
    this.scroll = kept.scroll;
  }

  /** How far down the page was. */
  readonly scroll: number;

  toggle(set: SvelteSet<string>, id: string): void {
    if (!set.delete(id)) set.add(id);
  }

  /** To be called whenever something of it changed. */
  keep(scroll: number): void {
    const { search, filter, isMoreOpen } = this;
    const kept: KeptView = { search, filter, closed: [...this.closed], open: [...this.open], isMoreOpen, scroll };
    this.session.keepState(kept);
  }
}
