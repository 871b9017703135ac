import type { QuotaUse } from './events.js';
import type { KeyHealthStatus, KeyView } from './keys.js';
import type { ProviderView } from './provider.js';
import { type DayUse, dayOf, tightest } from './quotaUse.js';

/** What is benched (`GET /api/cooldowns`). */
export interface CooldownView {
  id: string;
  scope: string;
  provider: string;
  model: string | null;
  keyId: string | null;
  kind: string;
  message: string;
  since: number;
  /** Over where it is being tried. */
  until: number;
  /** `trying`: the rest is over; one request tries it, and the others follow when its answer begins. */
  state: 'resting' | 'trying';
}

/** What the Keys page is made of, as the gateway told it. */
export interface KeysData {
  providers: readonly ProviderView[];
  keys: readonly KeyView[];
  quota: readonly QuotaUse[];
  cooldowns: readonly CooldownView[];
}

/** How a key is, all told: switched off, waiting for a cooldown to end, or as healthy as it was last seen. */
export type KeyState = 'off' | 'waiting' | KeyHealthStatus;

export interface KeyRow {
  key: KeyView;
  state: KeyState;
  /** What benches the whole key: on it or its provider the last to end, or with all its models benched the first. */
  bench: CooldownView | null;
  /** All that bench the key or some of its models. */
  cooldowns: CooldownView[];
  /** Of the key or some of its models: what rested and is being tried. */
  tried: CooldownView[];
  windows: QuotaUse[];
  tightest: QuotaUse | null;
}

export interface KeyGroup {
  provider: ProviderView;
  rows: KeyRow[];
  /** Of its best key. */
  state: KeyState;
  day: DayUse | null;
}

export type KeyFilter = 'all' | 'healthy' | 'attention';

/** From what serves to what does not. */
const RANK: readonly KeyState[] = ['healthy', 'unknown', 'rate_limited', 'waiting', 'error', 'invalid', 'off'];

/**
 * The providers that have keys, in the order of the provider table, then those that no table knows. Keyless ones are
 * switches, not groups: see `keylessSwitches`.
 */
export function groupsOf(data: KeysData, now: number, removed: ReadonlySet<string>): KeyGroup[] {
  const known = new Map(data.providers.map((provider) => [provider.id, provider]));
  const order = new Map(data.providers.map(({ id }, index) => [id, index]));
  const byProvider = new Map<string, KeyView[]>();
  for (const key of data.keys) {
    if (removed.has(key.id) || isSwitch(known.get(key.provider))) continue;
    byProvider.set(key.provider, [...(byProvider.get(key.provider) ?? []), key]);
  }
  const place = (id: string): number => order.get(id) ?? Number.MAX_SAFE_INTEGER;
  return [...byProvider]
    .sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
    .map(([id, keys]) => groupOf(known.get(id) ?? stranger(id), keys, data, now));
}

function groupOf(provider: ProviderView, keys: readonly KeyView[], data: KeysData, now: number): KeyGroup {
  const cooldowns = data.cooldowns.filter(
    ({ provider: of, state, until }) => of === provider.id && (state === 'trying' || until > now),
  );
  const windows = data.quota.filter((each) => each.provider === provider.id);
  const rows = keys.map((key) => rowOf(key, provider, cooldowns, windows));
  const states = rows.map(({ state }) => state);
  const inUse = new Set(keys.filter(({ enabled }) => enabled).map(({ id }) => id));
  return {
    provider,
    rows,
    state: RANK.find((state) => states.includes(state)) ?? 'unknown',
    day: dayOf(windows.filter(({ keyId }) => keyId === null || inUse.has(keyId))),
  };
}

function rowOf(
  key: KeyView,
  provider: ProviderView,
  ofProvider: readonly CooldownView[],
  quota: readonly QuotaUse[],
): KeyRow {
  const own = ofProvider.filter(({ keyId }) => keyId === null || keyId === key.id);
  const cooldowns = own.filter(({ state }) => state === 'resting');
  const tried = own.filter(({ state }) => state === 'trying');
  const bench = benchOf(cooldowns, key.models?.length ?? provider.models);
  const windows = quota.filter(({ keyId }) => keyId === null || keyId === key.id);
  return { key, state: stateOf(key, bench), bench, cooldowns, tried, windows, tightest: tightest(windows) };
}

/** @param models how many the key may be asked for; 0 where nobody knows */
function benchOf(cooldowns: readonly CooldownView[], models: number): CooldownView | null {
  const bySoonest = [...cooldowns].sort((a, b) => a.until - b.until);
  const whole = bySoonest.filter(({ model }) => model === null).at(-1);
  if (whole !== undefined) return whole;
  const benched = new Set(cooldowns.map(({ model }) => model)).size;
  return models > 0 && benched >= models ? (bySoonest[0] ?? null) : null;
}

function stateOf(key: KeyView, bench: CooldownView | null): KeyState {
  if (!key.enabled) return 'off';
  // Whoever is refused is benched too: that it is invalid says more.
  if (key.health.status === 'invalid' || bench === null) return key.health.status;
  return 'waiting';
}

/** A provider of an earlier or later version. */
function stranger(id: string): ProviderView {
  return {
    id,
    name: id.replace(/^custom:/, ''),
    offers: '',
    baseUrl: '',
    keyUrl: null,
    isKeyless: false,
    hasAccountId: false,
    keyPattern: null,
    terms: null,
    keys: 0,
    models: 0,
  };
}

/** The user's own endpoints are rows even where they need no key. */
function isSwitch(provider: ProviderView | undefined): boolean {
  return provider?.isKeyless === true && !provider.id.startsWith('custom:');
}

/** What is shown of the groups: by health, and by words in what a row says. A group that is meant itself has all its keys. */
export function filtered(groups: readonly KeyGroup[], filter: KeyFilter, search: string): KeyGroup[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return groups.flatMap((group) => {
    const { name, id } = group.provider;
    const rows = group.rows.filter(({ key, state }) => {
      const isMeant = filter === 'all' || (filter === 'healthy') === isFine(state);
      const text = [name, id, key.label, key.mask, ...(key.models ?? [])].join(' ').toLocaleLowerCase();
      return isMeant && words.every((word) => text.includes(word));
    });
    return rows.length === 0 ? [] : [{ ...group, rows }];
  });
}

/** Nothing for the user to do. Off is what the user wants, and waiting ends by itself. */
export function isFine(state: KeyState): boolean {
  return state !== 'invalid' && state !== 'error' && state !== 'waiting' && state !== 'rate_limited';
}

export interface KeylessSwitch {
  provider: ProviderView;
  /** null where it was never switched on. */
  key: KeyView | null;
  isOn: boolean;
}

/** The providers that need no key. */
export function keylessSwitches(data: KeysData): KeylessSwitch[] {
  return data.providers.filter(isSwitch).map((provider) => {
    const key = data.keys.find((each) => each.provider === provider.id) ?? null;
    return { provider, key, isOn: key === null ? provider.keys > 0 : key.enabled };
  });
}

/** Providers with a free tier that the user has no key for. */
export function moreProviders(data: KeysData): ProviderView[] {
  const used = new Set(data.keys.map(({ provider }) => provider));
  return data.providers.filter(
    (provider) => !provider.isKeyless && !used.has(provider.id) && !provider.id.startsWith('custom:'),
  );
}
