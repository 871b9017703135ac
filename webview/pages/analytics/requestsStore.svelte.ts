import { SvelteMap } from 'svelte/reactivity';
import type { RequestDetail, RequestView } from '../../../src/protocol/analytics.js';
import { startOf } from '../../lib/analytics/keptView.js';
import { errorWords } from '../../lib/errorWords.js';
import type { Session } from '../../lib/session.svelte.js';
import type { ViewState } from './viewState.svelte.js';

const PAGE = 200;

/** The request log as far as it was scrolled. */
export class RequestsStore {
  /** Newest first. */
  rows: readonly RequestView[] = $state.raw([]);
  /** There are older ones to be read. */
  hasMore = $state(true);
  isReading = $state(false);
  trouble: string | null = $state(null);
  /** Requests that ended since, and are not among the rows. */
  fresh = $state(0);
  /** The log is held as it is: somebody reads in it. */
  isHeld = false;
  readonly details = new SvelteMap<string, RequestDetail | { trouble: string }>();
  private next: string | null = null;
  /** Where the window begins. */
  private from = 0;
  /** Counts up with every beginning: what an earlier one asked for is of no use. */
  private run = 0;

  constructor(
    private readonly session: Session,
    private readonly view: ViewState,
  ) {}

  /** From the newest on, with the filters that are set. */
  async restart(): Promise<void> {
    this.run += 1;
    this.from = startOf(this.view.window, Date.now());
    this.next = null;
    this.hasMore = true;
    this.isReading = false;
    this.fresh = 0;
    await this.readMore(true);
  }

  /** Everything anew, unless somebody is reading further down. */
  async refresh(): Promise<void> {
    if (this.rows.length > 0 && this.isHeld) this.fresh = Math.max(1, this.fresh);
    else await this.restart();
  }

  /** Requests have ended: they are read with the sums, unless somebody is reading further down. */
  heardOf(count: number): void {
    this.fresh += count;
  }

  async takeFresh(): Promise<void> {
    if (this.fresh > 0 && !this.isHeld) await this.restart();
  }

  /** The next page, or several where the filter leaves little of them. */
  async readMore(isFirst = false): Promise<void> {
    if (this.isReading || (!this.hasMore && !isFirst)) return;
    this.isReading = true;
    const { run } = this;
    try {
      let found: RequestView[] = [];
      do {
        const page = await this.session.client.call('GET /api/requests', { query: this.query() });
        if (run !== this.run) return;
        found = [...found, ...page.data.filter(({ at }) => at >= this.from)];
        // A cursor begins with a time.
        this.next = page.next !== null && Number.parseInt(page.next, 10) >= this.from ? page.next : null;
      } while (this.next !== null && found.length === 0);
      this.rows = isFirst ? found : [...this.rows, ...found];
      this.hasMore = this.next !== null;
      this.trouble = null;
    } catch (error) {
      if (run !== this.run) return;
      if (this.session.frame.gateway.kind === 'up') this.trouble = errorWords(error);
      this.hasMore = false;
    } finally {
      if (run === this.run) this.isReading = false;
    }
  }

  async readDetail(id: string): Promise<void> {
    if (this.details.has(id)) return;
    try {
      this.details.set(id, await this.session.client.call('GET /api/requests/{id}', { id }));
    } catch (error) {
      this.details.set(id, { trouble: errorWords(error) });
    }
  }

  private query() {
    const { provider, model, client, status } = this.view;
    return {
      limit: PAGE,
      ...(this.next === null ? {} : { before: this.next }),
      ...(provider === null ? {} : { provider }),
      ...(model === null ? {} : { model }),
      ...(client === null ? {} : { client }),
      ...(status === null ? {} : { status }),
    };
  }
}
