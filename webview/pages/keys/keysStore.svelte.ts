import { untrack } from 'svelte';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import {
  filtered,
  groupsOf,
  type KeyGroup,
  type KeysData,
  keylessSwitches,
  moreProviders,
} from '../../../src/protocol/keyGroups.js';
import type { KeyCheck, KeyView } from '../../../src/protocol/keys.js';
import { withUses } from '../../../src/protocol/quotaUse.js';
import { errorWords } from '../../lib/errorWords.js';
import { withSameRows } from '../../lib/keys/sameRows.js';
import type { Session } from '../../lib/session.svelte.js';
import { Troubles } from '../../lib/troubles.svelte.js';
import { ViewState } from './viewState.svelte.js';

/** Changes come in bursts: one reading after them is enough. */
const READ_AFTER_MS = 100;

/** So long a row says what its test found; its sign says so after that. */
const TOLD_MS = 8_000;

/** What the last test of a key found; while it runs, what stops it. */
export type KeyTest = { check: KeyCheck; stop?: never } | { check: null; stop(): void };

/** The Keys page's data and deeds. */
export class KeysStore {
  /** null before the first reading. */
  data: KeysData | null = $state.raw(null);
  readonly troubles = new Troubles();
  readonly tests = new SvelteMap<string, KeyTest>();
  /** Keys with a change under way. */
  readonly busy = new SvelteSet<string>();
  readonly view: ViewState;
  private testing: AbortController | null = $state.raw(null);
  private lastGroups: KeyGroup[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts up with every change of what a key did: who shows that reads it anew. */
  activity = $state(0);

  readonly removed = $derived.by(() => new Set(this.session.frame.removing.map(({ keyId }) => keyId)));
  /** Cooldowns that are over: the clock alone changes nothing else of the groups. */
  private readonly over = $derived.by(
    () => this.data?.cooldowns.filter(({ until }) => until <= this.session.now).length ?? 0,
  );
  readonly groups = $derived.by(() => {
    void this.over;
    const now = untrack(() => this.session.now);
    const made = this.data === null ? [] : groupsOf(this.data, now, this.removed);
    this.lastGroups = withSameRows(this.lastGroups, made);
    return this.lastGroups;
  });
  readonly shown = $derived.by(() => filtered(this.groups, this.view.filter, this.view.search));
  readonly switches = $derived(this.data === null ? [] : keylessSwitches(this.data));
  readonly more = $derived(this.data === null ? [] : moreProviders(this.data));

  constructor(readonly session: Session) {
    this.view = new ViewState(session);
    session.onResync(() => void this.read());
    session.onEvents((events) => this.take(events));
  }

  get isTesting(): boolean {
    return this.testing !== null;
  }

  async read(): Promise<void> {
    const { client } = this.session;
    try {
      const [providers, keys, quota, cooldowns] = await Promise.all([
        client.call('GET /api/providers'),
        client.call('GET /api/keys'),
        client.call('GET /api/quota'),
        client.call('GET /api/cooldowns'),
      ]);
      this.data = { providers: providers.data, keys: keys.data, quota: quota.data, cooldowns: cooldowns.data };
      this.troubles.reading(null);
      this.activity += 1;
    } catch (error) {
      // The header tells when there is no gateway; what was read last stays.
      if (this.session.frame.gateway.kind === 'up') this.troubles.reading(errorWords(error));
    }
  }

  change(
    key: KeyView,
    body: { label?: string; enabled?: boolean; models?: string[] | null; limits?: Limits },
  ): Promise<void> {
    return this.doing(key.id, async () => {
      const changed = await this.session.client.call('PATCH /api/keys/{id}', { id: key.id, body });
      this.replace(changed);
    });
  }

  /** On or off. A provider without keys is switched on by adding it. */
  async switchKeyless(provider: string, key: KeyView | null, isOn: boolean): Promise<void> {
    if (key !== null) return this.change(key, { enabled: isOn });
    await this.doing(provider, async () => {
      await this.session.client.call('POST /api/keys', { body: { provider, label: '' } });
      await this.read();
    });
  }

  /** Asks the provider about a key, unless that is being done; `all` stops it as its own button does. */
  async test(key: KeyView, all?: AbortSignal): Promise<void> {
    if (this.tests.get(key.id)?.check === null) return;
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    all?.addEventListener('abort', stop, { once: true });
    this.tests.set(key.id, { check: null, stop });
    try {
      const check = await this.session.client.call('POST /api/keys/{id}/test', { id: key.id }, abort.signal);
      this.tests.set(key.id, { check });
      setTimeout(() => this.tests.delete(key.id), TOLD_MS);
    } catch (error) {
      this.tests.delete(key.id);
      if (!abort.signal.aborted) this.troubles.deed(errorWords(error));
    } finally {
      all?.removeEventListener('abort', stop);
    }
  }

  /** Tests those that are on, a few at a time; again, it stops. */
  async testAll(): Promise<void> {
    if (this.testing !== null) {
      this.testing.abort();
      return;
    }
    const abort = new AbortController();
    this.testing = abort;
    const waiting = this.groups.flatMap(({ rows }) => rows.map(({ key }) => key)).filter(({ enabled }) => enabled);
    const worker = async (): Promise<void> => {
      for (let key = waiting.shift(); key !== undefined && !abort.signal.aborted; key = waiting.shift()) {
        await this.test(key, abort.signal);
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    this.testing = null;
  }

  async retry(cooldowns: readonly { id: string }[]): Promise<void> {
    await Promise.all(
      cooldowns.map(({ id }) =>
        this.doing(id, () => this.session.client.call('DELETE /api/cooldowns/{id}', { id }).then(() => undefined)),
      ),
    );
    await this.read();
  }

  remove(key: KeyView): void {
    if (key.isFixed) return;
    this.session.run('removeKey', key.id);
  }

  private replace(key: KeyView): void {
    if (this.data === null) return;
    const keys = this.data.keys.map((each) => (each.id === key.id ? key : each));
    this.data = { ...this.data, keys };
  }

  private async doing(id: string, work: () => Promise<void>): Promise<void> {
    this.busy.add(id);
    this.troubles.deed(null);
    try {
      await work();
    } catch (error) {
      this.troubles.deed(errorWords(error));
    } finally {
      this.busy.delete(id);
    }
  }

  private take(events: readonly GatewayEvent[]): void {
    const isTelling = events.some(({ type }) => type === 'key.changed' || type === 'cooldown.changed');
    if (isTelling) this.readSoon();
    if (events.some(({ type }) => type === 'request.ended')) this.activity += 1;
    const uses = events.flatMap((event) => (event.type === 'quota.changed' ? event.windows : []));
    if (uses.length > 0 && this.data !== null) this.data = { ...this.data, quota: withUses(this.data.quota, uses) };
  }

  private readSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), READ_AFTER_MS);
  }
}

type Limits = { rpm?: number; rph?: number; rpd?: number; tpm?: number; tpd?: number };
