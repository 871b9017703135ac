import type { ChainView } from '../protocol/chain.js';
import type { QuotaUse } from '../protocol/events.js';
import { type Forecast, forecasts } from '../protocol/forecast.js';
import { groupsOf, type KeyState, type KeysData, keylessSwitches } from '../protocol/keyGroups.js';
import { afterReset, type DayUse, LASTING, shareUsed, tightest } from '../protocol/quotaUse.js';

/** What the overview and the status bar's hover show beyond the gateway's state. */
export interface Overview {
  strategy: string;
  /** The first that are asked, in order. */
  chain: ChainStanding[];
  /** Models that are on. */
  chainLength: number;
  providers: ProviderStanding[];
  /** Those that are nearest to their end, of days and months; the fullest first. */
  tight: Tight[];
  /** Soonest first. */
  forecasts: (Forecast & { name: string })[];
  /** Of the last 24 hours; null while it is not known. */
  day: DaySums | null;
}

export interface DaySums {
  requests: number;
  promptTokens: number;
  completionTokens: number;
}

export interface ChainStanding {
  name: string;
  /** `provider/model`. */
  model: string;
  providers: string[];
  available: boolean;
  /** 0 to 1; null where no limit is known. */
  left: number | null;
}

export interface ProviderStanding {
  id: string;
  name: string;
  state: KeyState;
  isKeyless: boolean;
  keys: number;
  /** Today's requests of all its keys. */
  day: DayUse | null;
  /** Where its day is not counted in requests: the fullest window. */
  window: QuotaUse | null;
  /** When the first key that waits may go on; null when one serves, or none will by itself. */
  waitsUntil: number | null;
}

export interface Tight extends QuotaUse {
  limit: number;
  /** Of its provider. */
  name: string;
}

/** As the gateway told it. */
export interface OverviewData extends KeysData {
  chain: ChainView;
  day: DaySums | null;
}

const CHAIN_SHOWN = 5;
const TIGHT_SHOWN = 3;
const FORECASTS_SHOWN = 3;

/** Pure. `now` in ms since the epoch. */
export function overviewOf(data: OverviewData, now: number): Overview {
  const quota = data.quota.map((window) => afterReset(window, now));
  const names = new Map(data.providers.map(({ id, name }) => [id, name]));
  const nameOf = (id: string): string => names.get(id) ?? id.replace(/^custom:/, '');
  const on = data.chain.data.filter(({ enabled }) => enabled);
  const inUse = (provider: string) => data.keys.filter((key) => key.provider === provider && key.enabled).length;
  return {
    strategy: data.chain.strategy,
    chain: on.slice(0, CHAIN_SHOWN).map((model) => ({
      name: model.name,
      model: model.model,
      providers: model.providers.map(nameOf),
      available: model.available,
      left: isLimited(model.today) ? (model.today?.left ?? null) : null,
    })),
    chainLength: on.length,
    providers: standings({ ...data, quota }, now),
    tight: tightestOf(quota).map((window) => ({ ...window, name: nameOf(window.provider) })),
    forecasts: forecasts(quota, inUse, now)
      .slice(0, FORECASTS_SHOWN)
      .map((forecast) => ({ ...forecast, name: nameOf(forecast.provider) })),
    day: data.day,
  };
}

function isLimited(today: ChainView['data'][number]['today']): boolean {
  return today !== null && (today.left < 1 || today.requests.limit !== null || today.tokens.limit !== null);
}

/** Those with keys in the table's order; then those without that are switched on. */
function standings(data: KeysData, now: number): ProviderStanding[] {
  const keyed = groupsOf(data, now, new Set()).map(({ provider, rows, state, day }) => ({
    ...{ id: provider.id, name: provider.name, state, isKeyless: false, keys: rows.length, day },
    window: day === null ? tightest(rows.flatMap(({ windows }) => windows)) : null,
    waitsUntil: state === 'waiting' ? soonest(rows.map(({ bench }) => bench?.until)) : null,
  }));
  const keyless = keylessSwitches(data)
    .filter(({ isOn }) => isOn)
    .map(({ provider: { id, name }, key }) => {
      const cooldown = data.cooldowns.find((each) => each.provider === id && each.model === null && each.until > now);
      const state: KeyState = cooldown === undefined ? (key?.health.status ?? 'unknown') : 'waiting';
      return {
        ...{ id, name, state, isKeyless: true, keys: 0, day: null },
        window: tightest(data.quota.filter(({ provider }) => provider === id)),
        waitsUntil: cooldown?.until ?? null,
      };
    });
  return [...keyed, ...keyless];
}

function soonest(times: readonly (number | undefined)[]): number | null {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

/** Of each provider and model the fullest window that something was used of; three at most. */
function tightestOf(quota: readonly QuotaUse[]): (QuotaUse & { limit: number })[] {
  const used = quota.filter(({ kind, limit, used }) => limit !== null && used > 0 && LASTING.includes(kind));
  const sorted = used.sort((a, b) => shareUsed(b) - shareUsed(a));
  const seen = new Set<string>();
  const found: (QuotaUse & { limit: number })[] = [];
  for (const window of sorted) {
    const name = `${window.provider} ${window.model ?? ''}`;
    if (window.limit === null || seen.has(name)) continue;
    seen.add(name);
    found.push({ ...window, limit: window.limit });
    if (found.length === TIGHT_SHOWN) break;
  }
  return found;
}
