import type { Analytics, RequestView } from '../../../src/protocol/analytics.js';
import type { ChainModel } from '../../../src/protocol/chain.js';
import type { GatewayEvent, QuotaUse, RequestOutcome } from '../../../src/protocol/events.js';
import type { KeyView } from '../../../src/protocol/keys.js';
import { withUses } from '../../../src/protocol/quotaUse.js';
import { poolOutlook } from '../../lib/analytics/forecast.js';
import { asRead, endedOf, type Live, NOTHING_LIVE, withEvents } from '../../lib/analytics/live.js';
import { ownZone, TimeWords } from '../../lib/analytics/timeWords.js';
import { errorWords } from '../../lib/errorWords.js';
import { t } from '../../lib/l10n.js';
import type { Session } from '../../lib/session.svelte.js';
import { RequestsStore } from './requestsStore.svelte.js';
import { ViewState } from './viewState.svelte.js';

/** The first reading after a request; more requests are read together. */
const READ_AFTER_MS = 250;
/** Readings take a small share of the gateway's time, however long one takes. */
const PAUSES_A_READING = 20;
const LEAST_PAUSE_MS = 1_500;
/** What ended since the page was opened is counted so far back: pages of the log, and their rows. */
const MOST_LOG_PAGES = 10;
const LOG_PAGE = 200;

/** What the page names things by, and what the forecast is made of. */
interface Around {
  providerNames: ReadonlyMap<string, string>;
  keys: readonly KeyView[];
  models: readonly ChainModel[];
}

/** The Analytics page's data. */
export class AnalyticsStore {
  /** null before the first reading. */
  data: Analytics | null = $state.raw(null);
  around: Around = $state.raw({ providerNames: new Map(), keys: [], models: [] });
  quota: readonly QuotaUse[] = $state.raw([]);
  live: Live = $state.raw(NOTHING_LIVE);
  /** Since when `live.ended` counts. */
  openedAt: number = $state(0);
  /** Why the last reading failed, in words. */
  trouble: string | null = $state(null);
  /** What is shown is of other filters than those that are set. */
  isStale = $state(false);
  /** There are requests before the window. */
  hasOlder = $state(false);
  readonly view: ViewState;
  readonly requests: RequestsStore;
  readonly time = new TimeWords();
  /** What ended while the log is read. */
  private heard: Map<string, RequestOutcome> | null = null;
  /** Nothing ended unheard since the page was opened. */
  private isCounted: boolean;
  private reading: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastMs = 0;
  /** What happened since the requests in flight were asked for; null when they are not. */
  private meanwhile: GatewayEvent[] | null = null;
  private lastEnd = Number.NEGATIVE_INFINITY;
  /** What clients and models there are to choose from, whatever is filtered. */
  choices: { models: readonly string[]; clients: readonly string[]; providers: readonly string[] } = $state.raw({
    models: [],
    clients: [],
    providers: [],
  });

  readonly outlook = $derived.by(() => {
    const { keys, models } = this.around;
    const keysOf = (provider: string) => keys.filter((key) => key.provider === provider && key.enabled).length;
    return poolOutlook(models, this.quota, keysOf, this.session.now);
  });

  constructor(readonly session: Session) {
    this.view = new ViewState(session);
    this.openedAt = this.view.openedAt;
    this.isCounted = !this.view.isReopened;
    this.requests = new RequestsStore(session, this.view);
    session.onResync(() => void this.readAll());
    session.onEvents((events) => this.take(events));
  }

  nameOf(provider: string): string {
    return this.around.providerNames.get(provider) ?? provider.replace(/^custom:/, '');
  }

  /** A key's label with its provider; a removed one is told by that. */
  keyName(id: string): string {
    const key = this.around.keys.find((each) => each.id === id);
    return key === undefined ? t('removed key') : `${this.nameOf(key.provider)} · ${key.label}`;
  }

  /** Of a client's name; who did not say it gets words. */
  clientName(client: string | null): string {
    return client === null || client === '' ? t('unknown') : client;
  }

  /** Filters or window are other ones: what is read is shown as soon as it comes. */
  filtersChanged(): void {
    this.isStale = true;
    void this.read();
    void this.requests.restart();
  }

  private async readAll(): Promise<void> {
    const { client } = this.session;
    void this.requests.refresh();
    await Promise.all([this.read(), this.readAround(), this.readLive(client)]);
    if (!this.isCounted) await this.countEnded();
    this.isCounted = false;
  }

  /** The page was hidden, or cut off from the gateway: what ended meanwhile is in the log. */
  private async countEnded(): Promise<void> {
    const heard = new Map<string, RequestOutcome>();
    this.heard = heard;
    const found = new Map<string, RequestView>();
    try {
      let query: { limit: number; before?: string } = { limit: LOG_PAGE };
      for (let page = 0; page < MOST_LOG_PAGES; page += 1) {
        const { data, next } = await this.session.client.call('GET /api/requests', { query });
        const rows = data.filter(({ at }) => at >= this.view.openedAt);
        for (const row of rows) found.set(row.id, row);
        if (next === null || rows.length < data.length) break;
        query = { limit: LOG_PAGE, before: next };
        if (page === MOST_LOG_PAGES - 1) this.openedAt = rows.at(-1)?.at ?? this.openedAt;
      }
      this.live = { ...this.live, ended: endedOf(found, heard) };
    } catch {
      // The header tells when there is no gateway; it is counted when it is back.
    } finally {
      if (this.heard === heard) this.heard = null;
    }
  }

  private async readLive(client: Session['client']): Promise<void> {
    const since: GatewayEvent[] = [];
    this.meanwhile = since;
    try {
      // The table describes the least of it.
      const { active } = (await client.call('GET /api/state')) as unknown as Pick<Live, 'active'>;
      if (this.meanwhile === since) this.live = asRead(this.live, active, since);
    } catch {
      // The header tells when there is no gateway; events tell of what comes.
      if (this.meanwhile === since) this.live = asRead(this.live, [], since);
    } finally {
      if (this.meanwhile === since) this.meanwhile = null;
    }
  }

  private async readAround(): Promise<void> {
    const { client } = this.session;
    try {
      const [providers, keys, quota, chain] = await Promise.all([
        client.call('GET /api/providers'),
        client.call('GET /api/keys'),
        client.call('GET /api/quota'),
        client.call('GET /api/chain', {}),
      ]);
      const providerNames = new Map(providers.data.map(({ id, name }) => [id, name]));
      this.around = { providerNames, keys: keys.data, models: chain.data };
      this.quota = quota.data;
    } catch (error) {
      this.fail(error);
    }
  }

  private async read(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.reading?.abort();
    const reading = new AbortController();
    this.reading = reading;
    const { window, provider, model, client } = this.view;
    const begun = performance.now();
    try {
      const query = {
        window,
        zone: ownZone(),
        ...(provider === null ? {} : { provider }),
        ...(model === null ? {} : { model }),
        ...(client === null ? {} : { client }),
      };
      const data = await this.session.client.call('GET /api/analytics', { query }, reading.signal);
      // An empty day is not yet an empty log.
      if (data.totals.requests === 0 && !this.hasOlder) this.hasOlder = await this.hasAny();
      if (reading.signal.aborted) return;
      this.data = data;
      this.isStale = false;
      this.trouble = null;
      this.keepChoices(data);
      this.lastMs = performance.now() - begun;
      performance.measure('analytics-read', { start: begun });
      void this.requests.takeFresh();
    } catch (error) {
      if (!reading.signal.aborted) this.fail(error);
    } finally {
      if (this.reading === reading) this.reading = null;
      this.lastEnd = performance.now();
    }
  }

  private async hasAny(): Promise<boolean> {
    return (await this.session.client.call('GET /api/requests', { query: { limit: 1 } })).data.length > 0;
  }

  /** With a filter the answer has only what is left by it. */
  private keepChoices({ byModel, byClient, byProvider }: Analytics): void {
    const merged = (old: readonly string[], found: readonly string[]) =>
      this.view.isFiltered ? [...new Set([...found, ...old])] : found;
    const { models, clients, providers } = this.choices;
    this.choices = {
      models: merged(
        models,
        byModel.map(({ model }) => model),
      ),
      clients: merged(
        clients,
        byClient.map(({ client }) => client ?? ''),
      ),
      providers: merged(
        providers,
        byProvider.map(({ provider }) => provider),
      ),
    };
  }

  private readSoon(): void {
    if (this.timer !== undefined) return;
    const pause = Math.max(LEAST_PAUSE_MS, this.lastMs * PAUSES_A_READING);
    const wait = Math.max(READ_AFTER_MS, this.lastEnd + pause - performance.now());
    this.timer = setTimeout(() => void this.read(), wait);
  }

  private take(events: readonly GatewayEvent[]): void {
    this.live = withEvents(this.live, events);
    for (const event of events) if (event.type === 'request.ended') this.heard?.set(event.id, event.outcome);
    this.meanwhile?.push(...events);
    const uses = events.flatMap((event) => (event.type === 'quota.changed' ? event.windows : []));
    if (uses.length > 0) this.quota = withUses(this.quota, uses);
    if (events.some(({ type }) => type === 'key.changed')) void this.readAround();
    const ended = events.filter(({ type }) => type === 'request.ended').length;
    if (ended === 0) return;
    this.readSoon();
    this.requests.heardOf(ended);
  }

  private fail(error: unknown): void {
    // The header tells when there is no gateway; what was read last stays.
    if (this.session.frame.gateway.kind !== 'up') return;
    this.trouble = errorWords(error);
  }
}
