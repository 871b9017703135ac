import type { ChainView, ProfileView } from '../../../src/protocol/chain.js';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import type { ProfileStrategy, Strategy } from '../../../src/protocol/strategyNames.js';
import { type Back, type BackStep, readBack } from '../../lib/chain/back.js';
import { budgetOf } from '../../lib/chain/budget.js';
import {
  bodyOf,
  type ChainBody,
  isSame,
  type Landing,
  type Preset,
  savedBody,
  sortedBy,
  switchedBody,
  withMoved,
} from '../../lib/chain/order.js';
import { modelsOf, type ProfileBody, profileBody, withMembers } from '../../lib/chain/profiles.js';
import { type ChainRow, filteredRows, inOrder, rowsOf } from '../../lib/chain/rows.js';
import { errorWords } from '../../lib/errorWords.js';
import { t } from '../../lib/l10n.js';
import type { Session } from '../../lib/session.svelte.js';
import { Troubles } from '../../lib/troubles.svelte.js';
import { UNDO_MS } from '../../lib/undoList.js';
import { ViewState } from './viewState.svelte.js';

/** What changed is read after this: scores move with every request, and a reading tells them all. */
const SCORES_AFTER_MS = 2_000;
const CHANGES_AFTER_MS = 150;
/** Measurements fade without anything happening. */
const ANYWAY_MS = 15_000;

/** Where the focus goes when a deed is undone. */
const STRATEGY = '[data-undo=strategy] :is(input:checked, select)';
const PROFILE = '[data-undo=profile] select';
const FIRST_ROW = '[data-row]';
const focusOf = (row: ChainRow): string => `[data-id="${CSS.escape(row.id)}"] [data-row]`;

/** The chain's page: its data and deeds. */
export class ChainStore {
  /** null before the first reading. */
  data: ChainView | null = $state.raw(null);
  profiles: readonly ProfileView[] = $state.raw([]);
  readonly troubles = new Troubles();
  /** Rows must stay where they are: the pointer or the focus is on them. */
  isHeld = $state(false);
  /** The order of names that would be shown, were it not held. */
  waitingOrder: readonly string[] | null = $state.raw(null);
  readonly view: ViewState;
  private order: readonly string[] = $state.raw([]);
  private providerNames: ReadonlyMap<string, string> = $state.raw(new Map());
  private reading = 0;
  /** A reading that is under way, or one that overtakes it, shows another order at once. */
  private isOrderAsked = false;
  private deeds: Promise<void> = Promise.resolve();
  private pendingDeeds = 0;
  private lastDeed = '';
  private timer: { due: number; cancel(): void } | null = null;

  /** The profile that is shown; null: the chain itself. */
  readonly profile = $derived.by(() => this.profiles.find(({ name }) => name === this.view.profile) ?? null);
  readonly models = $derived.by(() => {
    const data = this.data?.data ?? [];
    return this.profile === null ? inOrder(data, this.order) : modelsOf(this.profile.chain, data);
  });
  readonly rows = $derived.by(() => rowsOf(this.models, this.view.isGrouped));
  readonly shown = $derived.by(() => filteredRows(this.rows, this.view, (id) => this.nameOf(id)));
  readonly budget = $derived.by(() => budgetOf(this.models));
  /** What is shown is changed in the config file, not here. */
  readonly isFixed = $derived(this.profile === null ? this.data?.isFixed === true : this.profile.isFixed);
  readonly providers = $derived.by(() => [...new Set(this.models.map(({ provider }) => provider))].sort());

  constructor(readonly session: Session) {
    this.view = new ViewState(session);
    session.offerKeptUndos((kept) => {
      const back = readBack(kept);
      return back && (() => this.takeBack(back));
    });
    session.onResync(() => void this.read());
    session.onEvents((events) => this.take(events));
    setInterval(() => document.hidden || this.readSoon(0), ANYWAY_MS);
  }

  nameOf(provider: string): string {
    return this.providerNames.get(provider) ?? provider.replace(/^custom:/, '');
  }

  /** @param isAsked the user asked for another order: it is shown at once */
  async read(isAsked = false): Promise<void> {
    const { client, frame } = this.session;
    this.reading += 1;
    this.isOrderAsked ||= isAsked;
    const { reading } = this;
    const { preview } = this.view;
    try {
      const [data, profiles, providers] = await Promise.all([
        client.call('GET /api/chain', preview === null ? {} : { query: { strategy: preview } }),
        client.call('GET /api/profiles'),
        client.call('GET /api/providers'),
      ]);
      // Whoever began later, or what is being done now, knows better.
      if (reading !== this.reading || this.pendingDeeds > 0) return;
      this.profiles = profiles.data;
      this.providerNames = new Map(providers.data.map(({ id, name }) => [id, name]));
      if (data.inForce === preview) this.view.preview = null;
      this.show(data, this.isOrderAsked);
      this.isOrderAsked = false;
      this.troubles.reading(null);
    } catch (error) {
      // The header tells when there is no gateway; what was read last stays.
      if (frame.gateway.kind === 'up' && this.session.frame.gateway.kind === 'up')
        this.troubles.reading(errorWords(error));
    }
  }

  /** The order that waits is shown. */
  showWaiting(): void {
    if (this.waitingOrder !== null) this.order = this.waitingOrder;
    this.waitingOrder = null;
  }

  /** Shows the order under a strategy without using it; null: the one in force. */
  look(strategy: Strategy | null): void {
    this.view.preview = strategy === this.data?.inForce ? null : strategy;
    void this.read(true);
  }

  useStrategy(strategy: Strategy): void {
    const before = this.data;
    if (before === null) return;
    this.do(async () => {
      await this.setStrategy(strategy, strategy);
      this.view.preview = null;
      const setting = before.chosenBy === 'user' ? before.inForce : null;
      this.offerUndo('strategy', 'strategy', t('{0} orders the chain', strategy), STRATEGY, [
        { to: 'strategy', strategy: before.inForce, setting },
      ]);
    });
  }

  /** Moves what a row stands for. */
  move(row: ChainRow, landing: Landing): void {
    const names = row.members.map(({ model }) => model);
    const words = t('{0} was moved', row.name);
    this.reorder((order) => withMoved(order, names, landing), `move ${row.id}`, words, focusOf(row));
  }

  sort(preset: Preset): void {
    const { models } = this;
    const words = t('The chain was sorted');
    if (this.profile !== null) {
      // A profile has no catalog's order: the one in which the chain shows them is nearest.
      const sorted = sortedBy(models, preset) ?? this.catalogOrder();
      this.putChainOf(this.profile, sorted, 'sort', words, FIRST_ROW);
      return;
    }
    const sorted = sortedBy(models, preset);
    if (sorted !== null) this.reorder(() => sorted, 'sort', words, FIRST_ROW);
    else this.putChain('sort', words, FIRST_ROW, ({ data }) => bodyOrNull(data));
  }

  switchModels(models: readonly string[], isOn: boolean): void {
    const name = this.models.find(({ model }) => model === models[0])?.name ?? '';
    const words = isOn ? t('{0} is in the chain again', name) : t('{0} was taken out', name);
    const row = this.rows.find(({ members }) => members.some(({ model }) => model === models[0]));
    const focus = row === undefined ? FIRST_ROW : focusOf(row);
    if (this.profile !== null) {
      const chain = withMembers(this.profile.chain, models, isOn);
      if (chain !== null) this.putChainOf(this.profile, chain, `switch ${models[0]}`, words, focus);
      return;
    }
    this.mark(models, isOn);
    this.putChain(`switch ${models[0]}`, words, focus, (view, own) => switchedBody(view, own, models, isOn), {
      // Models that their provider called gone are off by themselves, and on only when they are named.
      again: (view, own) => {
        const isStillOff = view.data.some(({ model, enabled }) => !enabled && models.includes(model));
        return isOn && isStillOff ? bodyOf([...own, ...models], offBut(view, models)) : undefined;
      },
    });
  }

  putProfile(body: ProfileBody, words: string, before: ProfileView | null): void {
    this.do(async () => {
      const { client } = this.session;
      await client.call('PUT /api/profiles', { body });
      const back: BackStep =
        before === null ? { to: 'noProfile', name: body.name } : { to: 'profile', body: profileBody(before) };
      this.offerUndo(`profile ${body.name}`, 'put', words, before === null ? PROFILE : STRATEGY, [back]);
    });
  }

  createProfile(name: string): void {
    const chain = this.models.filter(({ enabled }) => enabled).map(({ model }) => model);
    const strategy = this.profile?.strategy ?? this.data?.strategy ?? 'priority';
    const body = { name, chain: chain.slice(0, 1000), strategy, contextWindow: null };
    this.view.profile = name;
    this.putProfile(body, t('The profile {0} was made', name), null);
  }

  setProfileStrategy(profile: ProfileView, strategy: ProfileStrategy): void {
    this.putProfile({ ...profileBody(profile), strategy }, t('{0} orders {1}', strategy, profile.name), profile);
  }

  renameProfile(profile: ProfileView, name: string): void {
    const swap = (from: string, to: string): Back => [
      { to: 'profile', body: { ...profileBody(profile), name: to } },
      { to: 'noProfile', name: from },
      { to: 'view', profile: to },
    ];
    this.do(async () => {
      await this.go(swap(profile.name, name));
      const words = t('{0} is now {1}', profile.name, name);
      this.offerUndo(`profile ${name}`, 'rename', words, PROFILE, swap(name, profile.name));
    });
  }

  removeProfile(profile: ProfileView): void {
    const { client } = this.session;
    this.do(async () => {
      await client.call('DELETE /api/profiles/{name}', { id: profile.name });
      this.view.profile = null;
      this.offerUndo(`profile ${profile.name}`, 'remove', t('The profile {0} was removed', profile.name), PROFILE, [
        { to: 'profile', body: profileBody(profile) },
        { to: 'view', profile: profile.name },
      ]);
    });
  }

  private reorder(
    change: (order: readonly string[]) => readonly string[],
    id: string,
    words: string,
    focus: string,
  ): void {
    if (this.profile !== null) {
      const chain = change(this.profile.chain);
      if (chain !== this.profile.chain) this.putChainOf(this.profile, chain, id, words, focus);
      return;
    }
    const before = this.models.filter(({ enabled }) => enabled).map(({ model }) => model);
    const after = change(before);
    if (after === before) return;
    this.order = after;
    this.waitingOrder = null;
    if (this.data?.inForce !== 'priority') this.view.preview = 'priority';
    this.putChain(id, words, focus, ({ data }) => bodyOf(after, offBut({ data }, [])));
  }

  private putChainOf(profile: ProfileView, chain: readonly string[], id: string, words: string, focus: string): void {
    const body = { ...profileBody(profile), chain: [...chain] };
    this.profiles = this.profiles.map((each) => (each.name === profile.name ? { ...each, chain: body.chain } : each));
    const { client } = this.session;
    this.do(async () => {
      await client.call('PUT /api/profiles', { body });
      this.offerUndo(`profile ${profile.name}`, `${id} of ${profile.name}`, words, focus, [
        { to: 'profile', body: profileBody(profile) },
      ]);
    });
  }

  /** Saves a chain that is made of what is saved now, which undoing goes back to. */
  private putChain(
    id: string,
    words: string,
    focus: string,
    make: (view: ChainView, own: readonly string[]) => ChainBody,
    { again }: { again?(view: ChainView, own: readonly string[]): ChainBody | undefined } = {},
  ): void {
    const { client } = this.session;
    const put = (data: ChainBody) => client.call('PUT /api/chain', { body: { data } });
    this.do(async () => {
      const now = await client.call('GET /api/chain', { query: { strategy: 'priority' } });
      const own = ownOrder(now);
      const { preview } = this.view;
      const answer = await put(make(now, own));
      const more = again?.(answer, own);
      if (more !== undefined) await put(more);
      const back: Back = [{ to: 'chain', data: savedBody(now, own) }];
      if (now.inForce === preview) back.push({ to: 'inForce' });
      this.offerUndo('chain', id, words, focus, back);
    });
  }

  private async setStrategy(inForce: Strategy, setting: Strategy | undefined): Promise<void> {
    await this.session.client.call('PUT /api/settings', { body: { strategy: inForce } });
    this.session.run('setStrategy', setting);
  }

  /** One after the other, each seen at once; then everything is read anew. */
  private do(work: () => Promise<void>): void {
    this.pendingDeeds += 1;
    this.troubles.deed(null);
    this.deeds = this.deeds.then(async () => {
      try {
        await work();
      } catch (error) {
        this.troubles.deed(errorWords(error));
      }
      this.pendingDeeds -= 1;
      if (this.pendingDeeds === 0) await this.read(true);
    });
  }

  /**
   * Undoing puts back all of what was changed, so only the last deed on it can be undone; the steps that a model is moved
   * by are one deed.
   */
  private offerUndo(id: string, deed: string, text: string, focus: string, last: Back): void {
    const earlier = this.session.undoables.find((other) => other.id === id);
    const isOneMore = deed.startsWith('move ') && deed === this.lastDeed;
    this.lastDeed = deed;
    const back = (isOneMore && readBack(earlier?.kept)) || last;
    const until = Date.now() + UNDO_MS;
    this.session.offerUndo({ id, text, until, focus, kept: back, undo: () => this.takeBack(back) });
  }

  private takeBack(back: Back): void {
    this.do(() => this.go(back));
  }

  private async go(steps: Back): Promise<void> {
    const { client } = this.session;
    for (const step of steps) {
      if (step.to === 'strategy') await this.setStrategy(step.strategy, step.setting ?? undefined);
      else if (step.to === 'chain') await client.call('PUT /api/chain', { body: { data: step.data } });
      else if (step.to === 'profile') await client.call('PUT /api/profiles', { body: step.body });
      else if (step.to === 'noProfile') await client.call('DELETE /api/profiles/{name}', { id: step.name });
      else if (step.to === 'view') this.view.profile = step.profile;
      else this.view.preview = null;
    }
  }

  private show(data: ChainView, isAsked: boolean): void {
    this.data = data;
    const order = data.data.filter(({ enabled }) => enabled).map(({ model }) => model);
    const shown = inOrder(data.data, this.order).filter(({ enabled }) => enabled);
    const isAsBefore = isSame(
      shown.map(({ model }) => model),
      order,
    );
    if (isAsBefore || isAsked || !this.isHeld) {
      this.order = order;
      this.waitingOrder = null;
    } else this.waitingOrder = order;
  }

  private catalogOrder(): string[] {
    const members = new Set(this.profile?.chain);
    return [
      ...(this.data?.data ?? []).map(({ model }) => model).filter((model) => members.delete(model)),
      // Those that no key can ask now.
      ...members,
    ];
  }

  /** As it will be, before it is saved. */
  private mark(models: readonly string[], isOn: boolean): void {
    if (this.data === null) return;
    const data = this.data.data.map((each) => (models.includes(each.model) ? { ...each, enabled: isOn } : each));
    this.data = { ...this.data, data };
  }

  private take(events: readonly GatewayEvent[]): void {
    for (const { type } of events) {
      if (type === 'key.changed' || type === 'gateway.changed') this.readSoon(CHANGES_AFTER_MS);
      else if (type === 'request.ended' || type === 'cooldown.changed') this.readSoon(SCORES_AFTER_MS);
    }
  }

  /** At the latest after `ms`, however much happens meanwhile. */
  private readSoon(ms: number): void {
    const due = performance.now() + ms;
    if (this.timer !== null && this.timer.due <= due) return;
    this.timer?.cancel();
    const timer = setTimeout(() => {
      this.timer = null;
      void this.read();
    }, ms);
    this.timer = { due, cancel: () => clearTimeout(timer) };
  }
}

/** The models that are on in the chain's own order, from the view under `priority`. */
function ownOrder({ data }: ChainView): string[] {
  return data.filter(({ enabled }) => enabled).map(({ model }) => model);
}

function offBut({ data }: Pick<ChainView, 'data'>, models: readonly string[]): string[] {
  return data.filter(({ model, enabled }) => !enabled && !models.includes(model)).map(({ model }) => model);
}

/** What keeps only what is off. */
function bodyOrNull(data: ChainView['data']): ChainBody {
  const off = offBut({ data }, []);
  return off.length === 0 ? null : bodyOf([], off);
}
