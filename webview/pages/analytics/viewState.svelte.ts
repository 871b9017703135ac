import { SvelteSet } from 'svelte/reactivity';
import type { AnalyticsWindow, RequestView } from '../../../src/protocol/analytics.js';
import { type KeptView, readView } from '../../lib/analytics/keptView.js';
import type { Session } from '../../lib/session.svelte.js';

/** How the user has the page: kept over hiding and reloading. */
export class ViewState {
  window: AnalyticsWindow = $state('24h');
  /** null: all. */
  provider: string | null = $state(null);
  model: string | null = $state(null);
  /** Empty: those that did not say who they are. */
  client: string | null = $state(null);
  status: RequestView['status'] | null = $state(null);
  /** Charts that are shown as a table. */
  readonly tables: SvelteSet<string>;
  /** The request whose details are shown. */
  open: string | null = $state(null);
  /** How far down the page was. */
  readonly scroll: number;
  /** When the page was opened, ms since the epoch: hiding it and showing it again does not count. */
  readonly openedAt: number;
  /** It was shown before. */
  readonly isReopened: boolean;

  constructor(private readonly session: Session) {
    const kept = session.keptState(readView);
    this.window = kept.window;
    this.provider = kept.provider;
    this.model = kept.model;
    this.client = kept.client;
    this.status = kept.status;
    this.tables = new SvelteSet(kept.tables);
    this.open = kept.open;
    this.scroll = kept.scroll;
    this.isReopened = kept.openedAt !== null;
    this.openedAt = kept.openedAt ?? Date.now();
  }

  get isFiltered(): boolean {
    return this.provider !== null || this.model !== null || this.client !== null;
  }

  /** A provider's models are its own: another provider is not asked for them. */
  setProvider(provider: string | null): void {
    this.provider = provider;
    if (this.model !== null && provider !== null && !this.model.startsWith(`${provider}/`)) this.model = null;
  }

  clearFilters(): void {
    this.provider = null;
    this.model = null;
    this.client = null;
    this.status = null;
  }

  setTable(chart: string, isTable: boolean): void {
    if (isTable) this.tables.add(chart);
    else this.tables.delete(chart);
  }

  /** To be called whenever something of it changed. */
  keep(scroll: number): void {
    const { window, provider, model, client, status, open, openedAt } = this;
    const tables = [...this.tables];
    const kept: KeptView = { window, provider, model, client, status, tables, open, scroll, openedAt };
    this.session.keepState(kept);
  }
}
