import { isProfileStrategy, type ProfileStrategy } from '../../protocol/strategyNames.js';
import type { StoredKey } from '../../protocol/worker.js';
import { discoverableModel } from '../catalog/modelDefaults.js';
import type { ConfigFile, ConfigProvider } from '../config/configFile.js';
import type { KeyPool, PoolKey } from '../keys/keyPool.js';
import type { ChainEntry, ProfileRow } from '../ledger/changes.js';
import type { Adapter, AdapterTarget } from '../providers/adapter.js';
import { fillAccountId, hostOf, isLocalHost, normaliseBaseUrl, splitSecret } from '../providers/resolveBaseUrl.js';
import type { CatalogModel, ProviderSpec } from '../providers/spec.js';
import { customProviderSpec, PROVIDERS } from '../providers/table.js';
import { countsModelsTogether } from '../quota/limits.js';
import { chainOrder, groupByModelId, userOrder, withDemo } from './candidateOrder.js';

/** A provider as this gateway runs it: the table's row with the config's changes. */
export interface ProviderRuntime {
  spec: ProviderSpec;
  baseUrl: string;
  enabled: boolean;
  adapter: Adapter;
  connectMs: number;
  /** Until the first delta of a small prompt. */
  firstByteMs: number;
  idleMs: number;
  /** A custom endpoint on this machine or its network: it recovers fast, so it is benched for seconds only. */
  isLocal: boolean;
}

/** One way to answer: a model of a provider with a key. Built once per change, never per request. */
export interface Candidate {
  /** `provider/model`. */
  name: string;
  provider: string;
  model: string;
  keyId: string;
  /** `host:port` of the base URL: network failures bench the host. */
  host: string;
  isLocal: boolean;
  /** The provider counts quota for the whole account, project or address. */
  hasSharedQuota: boolean;
  runtime: ProviderRuntime;
  catalog: CatalogModel;
  target: AdapterTarget;
}

/** A profile with whom it can ask. */
export interface InventoryProfile extends ProfileRow {
  strategy: ProfileStrategy;
  candidates: readonly Candidate[];
  /** The config file has it: it is changed there. */
  isFixed: boolean;
}

/** All candidates in order, and the ways to name them. Immutable; replaced when something changes. */
export interface Inventory {
  /** What `auto` tries, in order. */
  chain: readonly Candidate[];
  /** Of the models that are on. */
  byName: ReadonlyMap<string, readonly Candidate[]>;
  /** With those that only a profile has. */
  everyName: ReadonlyMap<string, readonly Candidate[]>;
  byModelId: ReadonlyMap<string, readonly Candidate[]>;
  profiles: ReadonlyMap<string, InventoryProfile>;
  logical: ReadonlyMap<string, readonly Candidate[]>;
  /** Models that exist, keyed or not, by `provider/model`: a pinned one without a key is a set-up matter, not a typo. */
  known: ReadonlyMap<string, CatalogModel>;
  /** At least one key or keyless provider is there. */
  hasProvider: boolean;
  /** Providers with a key that may be used, or that need none and are on. */
  keyedProviders: ReadonlySet<string>;
  /** `provider/model` that the config's chain leaves out, or that turned out to be gone. */
  disabledNames: ReadonlySet<string>;
}

export interface InventorySources {
  config: ConfigFile;
  keys: KeyPool;
  /** Built-in and discovered rows. */
  models: readonly CatalogModel[];
  logicalModels: Readonly<Record<string, readonly string[]>>;
  adapters: Record<ProviderSpec['wire'], Adapter>;
  demo: boolean;
  /** `provider/model` that turned out to be gone. */
  disabled: ReadonlySet<string>;
  /** The user's order; null for the catalog's. A chain in the config file comes before it. */
  chain: readonly ChainEntry[] | null;
  /** The user's profiles. Those of the config file come before them. */
  profiles: readonly ProfileRow[];
  /** By `provider/model`: the most tokens that a model takes, as its provider said when it refused more. */
  learnedWindows: ReadonlyMap<string, number>;
}

/** The built-in demo takes whatever is asked. */
const DEMO_MODEL: CatalogModel = {
  ...discoverableModel('demo', 'demo'),
  name: 'FreeLLM demo',
  tools: true,
  vision: true,
  source: 'built-in',
};
const DEFAULT_TIMEOUTS = { connectMs: 10_000, firstByteMs: 30_000, idleMs: 90_000 };

export function buildInventory(sources: InventorySources): Inventory {
  const known = knownModels(sources);
  const profiles = profilesOf(sources);
  const { byName, everyName, keyedProviders, disabledNames } = candidatesByName(sources, known, profiles);
  const chain = sources.config.chain
    ? pick(byName, withDemo(sources.config.chain))
    : userOrder([...byName.values()].flat(), sources.chain);
  const inChainOrder = chainOrder(chain);
  return {
    chain,
    byName,
    everyName,
    byModelId: groupByModelId(byName, inChainOrder),
    profiles: new Map(profiles.map((row) => [row.name, { ...row, candidates: pick(everyName, row.chain) }])),
    logical: new Map(
      Object.entries(sources.logicalModels).map(([name, members]) => [name, pick(byName, members).sort(inChainOrder)]),
    ),
    known: new Map(
      [...known.values()].flatMap((models) => [...models.values()].map((m) => [`${m.provider}/${m.id}`, m])),
    ),
    hasProvider: keyedProviders.size > 0,
    keyedProviders,
    disabledNames,
  };
}

function candidatesByName(
  sources: InventorySources,
  known: Map<string, Map<string, CatalogModel>>,
  profiles: readonly ProfileRow[],
) {
  const byName = new Map<string, Candidate[]>();
  const everyName = new Map<string, Candidate[]>();
  const keyedProviders = new Set<string>();
  const disabledNames = new Set<string>();
  const inProfile = new Set(profiles.flatMap(({ chain }) => chain));
  const isModelOn = modelSwitch(sources);
  for (const runtime of providerRuntimes(sources)) {
    const keys = usableKeys(runtime, sources);
    if (keys.length > 0) keyedProviders.add(runtime.spec.id);
    for (const model of known.get(runtime.spec.id)?.values() ?? []) {
      const name = `${model.provider}/${model.id}`;
      const isOn = isModelOn(model);
      if (!isOn) disabledNames.add(name);
      if (!isOn && (!inProfile.has(name) || sources.disabled.has(name))) continue;
      const candidates = keys
        .filter((key) => !key.models || key.models.includes(model.id))
        .map((key) => makeCandidate(name, runtime, model, key));
      if (candidates.length === 0) continue;
      everyName.set(name, candidates);
      if (isOn) byName.set(name, candidates);
    }
  }
  return { byName, everyName, keyedProviders, disabledNames };
}

/** A profile without a strategy keeps its chain's order. */
function profilesOf({ config, profiles }: InventorySources): Omit<InventoryProfile, 'candidates'>[] {
  const all = new Map<string, Omit<InventoryProfile, 'candidates'>>();
  for (const row of profiles) {
    const strategy = isProfileStrategy(row.strategy) ? row.strategy : 'priority';
    all.set(row.name, { ...row, strategy, isFixed: false });
  }
  for (const [name, { chain, strategy = 'priority', contextWindow = null }] of Object.entries(config.profiles ?? {})) {
    all.set(name, { name, chain, strategy, contextWindow, isFixed: true });
  }
  return [...all.values()];
}

function pick(byName: ReadonlyMap<string, readonly Candidate[]>, names: readonly string[]): Candidate[] {
  return names.flatMap((name) => byName.get(name) ?? []);
}

/** Tells of a model whether the config's chain names it, or, where there is none, nothing switched it off. */
function modelSwitch({ config, chain, demo, disabled }: InventorySources): (model: CatalogModel) => boolean {
  const fixed = config.chain && new Set(config.chain);
  const chosen = new Map(chain?.map(({ model, isEnabled }) => [model, isEnabled]));
  return (model) => {
    const name = `${model.provider}/${model.id}`;
    if (model.provider === 'demo') return demo;
    if (disabled.has(name)) return false;
    return fixed ? fixed.has(name) : (chosen.get(name) ?? model.enabled);
  };
}

/** Provider → model id → row; the config's rows join or override the others. */
function knownModels(sources: InventorySources): Map<string, Map<string, CatalogModel>> {
  const known = new Map<string, Map<string, CatalogModel>>();
  const put = (model: CatalogModel) => {
    const models = known.get(model.provider) ?? new Map<string, CatalogModel>();
    models.set(model.id, model);
    known.set(model.provider, models);
  };
  if (sources.demo) put(DEMO_MODEL);
  for (const model of sources.models) put(model);
  for (const key of sources.keys.all()) {
    if (!key.provider.startsWith('custom:')) continue;
    for (const id of key.models ?? []) if (!known.get(key.provider)?.has(id)) put(discoverableModel(key.provider, id));
  }
  for (const [provider, { models }] of Object.entries(sources.config.providers ?? {})) {
    for (const model of models ?? []) {
      const { id, ...facts } = model;
      const base = known.get(provider)?.get(id) ?? discoverableModel(provider, id);
      put({ ...base, ...definedFields(facts), enabled: true, source: 'config' });
    }
  }
  for (const [name, contextWindow] of sources.learnedWindows) {
    const at = name.indexOf('/');
    const model = known.get(name.slice(0, at))?.get(name.slice(at + 1));
    if (model && (model.contextWindow ?? Number.POSITIVE_INFINITY) > contextWindow) put({ ...model, contextWindow });
  }
  return known;
}

/** Without the `undefined` values that an optional field of a schema may carry. */
function definedFields<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function providerRuntimes(sources: InventorySources): ProviderRuntime[] {
  const specs = new Map<string, ProviderSpec>(PROVIDERS.map((spec) => [spec.id, spec]));
  for (const [id, config] of Object.entries(sources.config.providers ?? {})) {
    if (!id.startsWith('custom:') || !config.baseUrl) continue;
    specs.set(id, customProviderSpec(id, customOptions(config.baseUrl, config.name, !config.keys?.length)));
  }
  for (const key of sources.keys.all()) {
    if (!key.baseUrl || specs.has(key.provider)) continue;
    specs.set(
      key.provider,
      customProviderSpec(key.provider, customOptions(key.baseUrl, undefined, key.secret === null)),
    );
  }
  return [...specs.values()].map((spec) => runtimeOf(spec, sources.config.providers?.[spec.id], sources));
}

function customOptions(baseUrl: string, name: string | undefined, isKeyless: boolean) {
  return { baseUrl, isKeyless, ...(name === undefined ? {} : { name }) };
}

function runtimeOf(row: ProviderSpec, config: ConfigProvider | undefined, sources: InventorySources): ProviderRuntime {
  const spec = config?.countsRefusals === undefined ? row : { ...row, countsRefusals: config.countsRefusals };
  const baseUrl = normaliseBaseUrl((config?.baseUrl ?? spec.baseUrl).trim());
  const limit = (name: keyof typeof DEFAULT_TIMEOUTS) =>
    config?.timeouts?.[name] ?? spec.timeouts?.[name] ?? DEFAULT_TIMEOUTS[name];
  return {
    spec,
    baseUrl,
    enabled: config?.enabled ?? true,
    adapter: sources.adapters[spec.wire],
    connectMs: limit('connectMs'),
    firstByteMs: limit('firstByteMs') * (config?.timeouts?.firstByteMs ? 1 : (spec.slowFactor ?? 1)),
    idleMs: limit('idleMs'),
    isLocal: spec.id.startsWith('custom:') && isLocalHost(baseUrl),
  };
}

/** Keys that may be used, a stand-in for a provider that needs none. */
function usableKeys(runtime: ProviderRuntime, sources: InventorySources): StoredKey[] {
  if (!runtime.enabled) return [];
  const { spec } = runtime;
  if (spec.id === 'demo') return sources.demo ? [keylessKey(spec.id)] : [];
  const keys: PoolKey[] = sources.keys.ofProvider(spec.id).filter((key) => key.enabled);
  if (keys.length > 0 || spec.auth !== 'none') return keys;
  return sources.config.providers?.[spec.id] ? [keylessKey(spec.id)] : [];
}

function keylessKey(provider: string): StoredKey {
  return { id: `keyless:${provider}`, provider, label: '', enabled: true, secret: null };
}

function makeCandidate(name: string, runtime: ProviderRuntime, model: CatalogModel, key: StoredKey): Candidate {
  const split = runtime.spec.hasAccountId && key.secret !== null ? splitSecret(key.secret) : null;
  const baseUrl = runtime.spec.hasAccountId
    ? fillAccountId(runtime.baseUrl, split?.accountId ?? null)
    : runtime.baseUrl;
  return {
    name,
    provider: model.provider,
    model: model.id,
    keyId: key.id,
    host: hostOf(runtime.baseUrl),
    isLocal: runtime.isLocal,
    hasSharedQuota: countsModelsTogether(runtime.spec),
    runtime,
    catalog: model,
    target: {
      provider: runtime.spec,
      baseUrl,
      modelId: model.id,
      secret: split ? split.token : key.secret,
      ...(model.maxOutput === undefined ? {} : { maxOutput: model.maxOutput }),
      // Only the catalog's word that a model does not reason is taken; of other models nobody knows.
      ...(model.reasoning || model.source === 'catalog' ? { reasoning: model.reasoning } : {}),
    },
  };
}
