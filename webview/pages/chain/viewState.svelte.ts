import { SvelteSet } from 'svelte/reactivity';
import type { Strategy } from '../../../src/protocol/strategyNames.js';
import { type KeptView, readView } from '../../lib/chain/keptView.js';
import type { Ability, RowFilter, StateFilter } from '../../lib/chain/rows.js';
import type { Session } from '../../lib/session.svelte.js';

/** How the user has the page: kept over hiding and reloading. */
export class ViewState implements RowFilter {
  search = $state('');
  state: StateFilter = $state('all');
  can: readonly Ability[] = $state.raw([]);
  provider: string | null = $state(null);
  isGrouped = $state(true);
  readonly open: SvelteSet<string>;
  preview: Strategy | null = $state(null);
  profile: string | null = $state(null);
  isBudgetOpen = $state(false);
  /** How far down the page was. */
  readonly scroll: number;

  constructor(private readonly session: Session) {
    const kept = session.keptState(readView);
    this.search = kept.search;
    this.state = kept.state;
    this.can = kept.can;
    this.provider = kept.provider;
    this.isGrouped = kept.isGrouped;
    this.open = new SvelteSet(kept.open);
    this.preview = kept.preview;
    this.profile = kept.profile;
    this.isBudgetOpen = kept.isBudgetOpen;
    this.scroll = kept.scroll;
  }

  get isFiltered(): boolean {
    return this.search !== '' || this.state !== 'all' || this.can.length > 0 || this.provider !== null;
  }

  showAll(): void {
    this.search = '';
    this.state = 'all';
    this.can = [];
    this.provider = null;
  }

  toggle(id: string): void {
    if (!this.open.delete(id)) this.open.add(id);
  }

  toggleAbility(ability: Ability): void {
    this.can = this.can.includes(ability) ? this.can.filter((other) => other !== ability) : [...this.can, ability];
  }

  /** To be called whenever something of it changed. */
  keep(scroll: number): void {
    const { search, state, can, provider, isGrouped, preview, profile, isBudgetOpen } = this;
    const rest = { search, state, can: [...can], provider, isGrouped, preview, profile, isBudgetOpen };
    this.session.keepState({ ...rest, open: [...this.open], scroll } satisfies KeptView);
  }
}
