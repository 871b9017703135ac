import type { GatewayState } from '../protocol/events.js';
import type { ApiSettings } from '../protocol/settings.js';
import type { ProxySettings, StoredKey } from '../protocol/worker.js';
import { builtInModels } from './catalog/catalog.js';
import { logicalModels } from './catalog/logicalModels.js';
import { createModelStore, type ModelStore } from './catalog/modelStore.js';
import type { ConfigFile } from './config/configFile.js';
import { configKeys } from './config/configKeys.js';
import { configWarnings } from './config/configWarnings.js';
import { CountKeeper } from './countKeeper.js';
import { createEventBus, type EventBus } from './eventBus.js';
import { gatewayState } from './gatewayState.js';
import { ActiveRequests } from './http/activeRequests.js';
import type { AppContext } from './http/app.js';
import { ClientNames } from './http/clientNames.js';
import { createListener, type Listener } from './http/listener.js';
import { HttpServer } from './http/server.js';
import { HealthProber } from './keys/healthProber.js';
import { createKeyPool, type KeyPool, type PoolKey } from './keys/keyPool.js';
import { createKeyService, type KeyService } from './keys/keyService.js';
import { ProbeLanes } from './keys/probeLanes.js';
import { replaceStoredKeys } from './keys/replaceKeys.js';
import { Bookkeeping } from './ledger/bookkeeping.js';
import type { RequestRow } from './ledger/changes.js';
import { LedgerError, type LedgerNotice } from './ledger/ledger.js';
import { openBooks } from './ledger/openBooks.js';
import type { LedgerState } from './ledger/restore.js';
import { loadSqlite } from './ledger/sqlite.js';
import { createUpstreamClient } from './net/undiciClient.js';
import type { UpstreamClient } from './net/upstream.js';
import type { GatewayPorts } from './ports.js';
import { createCohereAdapter } from './providers/cohere.js';
import { createDemoUpstream } from './providers/demoUpstream.js';
import { createGeminiAdapter } from './providers/gemini/adapter.js';
import { createOpenAiAdapter } from './providers/openai.js';
import { providerViews } from './providers/providerViews.js';
import { createIdSource, randomHex } from './randomIds.js';
import { fromCooldownRow, healthBefore, restoreModels, toKeyRow, toLearnedModelRow } from './restoreState.js';
import { createRouterListener } from './routerListener.js';
import { Chain } from './routing/chain.js';
import { ChainInForce } from './routing/chainInForce.js';
import type { Cooldown } from './routing/cooldowns/cooldown.js';
import { RATE_KINDS } from './routing/failurePolicy.js';
import { GoneModels } from './routing/goneModels.js';
import type { Candidate } from './routing/inventory.js';
import { Profiles } from './routing/profiles.js';
import { Router } from './routing/router.js';
import { definedFields, Settings } from './settings.js';
import { UnifiedToken } from './unifiedToken.js';

export interface GatewayOptions {
  /** 127.0.0.1 by default. */
  host?: string;
  /** 0 takes a free port. */
  port: number;
  version: string;
  /** Generated where left out. */
  token?: string;
  adminToken?: string;
  /** Checked already (config/configFile.ts). */
  config?: ConfigFile;
  keys?: StoredKey[];
  proxy?: ProxySettings;
  /** The demo provider is in the chain. */
  demo?: boolean;
  /** What its front door was told to set. */
  settings?: ApiSettings;
  /** Where the ledger lives; without it everything is in memory only. */
  dataDir?: string;
  /** Path of sql.js's `sql-wasm.wasm`; needed with `dataDir`. */
  wasmFile?: string;
  /** Names this life of the gateway, and what proves it; random by default. */
  instance?: string;
  secret?: string;
  /** Brings the keys once the port is bound, instead of `keys`. */
  readKeys?(): Promise<StoredKey[]>;
  /** The ledger has something to say that the user should know. */
  onNotice?(notice: LedgerNotice): void;
  /** Keeps another unified token; resolves when it is safe. Without it the token cannot be replaced. */
  saveToken?(token: string): Promise<void>;
  /** Stores the keys that came over the admin API; resolves when they are safe. Without it they live in memory. */
  saveKeys?(keys: StoredKey[]): Promise<void>;
}

export interface Gateway {
  /**
   * Binds the port, then loads the ledger and the keys; requests that come meanwhile wait.
   * @throws the system's error (`EADDRINUSE`, …) when it cannot listen, LedgerError `newer` or `locked`.
   */
  listen(): Promise<{ url: string; port: number; token: string; adminToken: string }>;
  /** Stops accepting, lets answers finish for so many ms, then ends what is left. */
  close(graceMs?: number): Promise<void>;
  setProxy(proxy: ProxySettings): void;
  /** Changes that last as long as the gateway does: whoever makes them here keeps them. */
  changeSettings(change: ApiSettings): void;
  /** The secret store's keys changed outside of us: these are all of them now. */
  replaceKeys(keys: readonly StoredKey[]): void;
  /** Stores the keys as they are now, as after a change over the admin API. */
  saveKeys(): Promise<void>;
}

/** After the first requests, before anybody has opened a page. */
const WARM_UP_MS = 500;

/** Everything the gateway is, without a socket. Pure Node: the editor's thread, `serve` and tests use the same. */
export function createGateway(ports: GatewayPorts, options: GatewayOptions): Gateway {
  const house = new GatewayHouse(ports, options);
  return {
    listen: () => house.listen(),
    close: (graceMs) => house.close(graceMs),
    setProxy: (proxy) => house.setProxy(proxy),
    changeSettings: (change) => house.applySettings(change),
    replaceKeys: (keys) => house.replaceKeys(keys),
    saveKeys: () => house.saveKeys(),
  };
}

/** The gateway's parts and how they hang together. */
class GatewayHouse {
  private readonly config: ConfigFile;
  private readonly token: UnifiedToken;
  private readonly adminToken: string;
  private readonly instance: string;
  private readonly secret: string;
  private readonly hex: (bytes: number) => string;
  private readonly newId: (prefix: string) => string;
  private readonly books: Bookkeeping;
  private readonly settings: Settings;
  private readonly events: EventBus;
  private readonly active: ActiveRequests;
  private readonly models: ModelStore;
  private readonly keys: KeyPool;
  private readonly keyService: KeyService;
  private readonly prober: HealthProber;
  private readonly upstream: UpstreamClient & { setProxy?(proxy: ProxySettings): void };
  private readonly router: Router;
  private readonly gone: GoneModels;
  private readonly chain: Chain;
  private readonly inForce: ChainInForce;
  private readonly profiles: Profiles;
  private readonly counts: CountKeeper;
  private readonly closing = new AbortController();
  private readonly startedAt: number;
  private server: HttpServer | null = null;
  private isLoaded = false;
  private url = '';

  constructor(
    private readonly ports: GatewayPorts,
    private readonly options: GatewayOptions,
  ) {
    const { clock } = ports;
    this.hex = ports.randomHex ?? randomHex;
    this.config = options.config ?? {};
    const newToken = () => `freellmapi-${this.hex(24)}`;
    this.token = new UnifiedToken(this.config.token ?? options.token ?? newToken(), {
      create: newToken,
      save: this.config.token === undefined ? options.saveToken : undefined,
    });
    this.adminToken = this.config.adminToken ?? options.adminToken ?? this.hex(24);
    this.instance = options.instance ?? this.hex(16);
    this.secret = options.secret ?? this.hex(32);
    this.startedAt = clock.now();
    this.newId = createIdSource(this.hex);
    this.books = new Bookkeeping(options.dataDir !== undefined);
    const given = definedFields({ demo: options.demo, ...options.settings });
    this.settings = new Settings(this.books, settingsOf(this.config), given, () => this.changed());
    this.events = createEventBus(clock, this.instance);
    this.active = new ActiveRequests(clock, this.events);
    this.upstream =
      ports.upstream ?? createUpstreamClient({ clock, ...(options.proxy ? { proxy: options.proxy } : {}) });
    this.models = createModelStore(builtInModels(), clock, ({ provider, models, learnedAt }) => {
      this.books.append({ type: 'models', provider, models: models.map(toLearnedModelRow), learnedAt });
      this.router.refresh();
      if (this.isLoaded) this.announce();
    });
    this.gone = new GoneModels({
      books: this.books,
      log: ports.log,
      clock,
      signal: this.closing.signal,
      config: this.config,
      cooldowns: () => this.router.cooldowns,
      onChange: () => this.changed(),
    });
    this.chain = new Chain(this.books, this.gone, () => this.changed());
    this.inForce = new ChainInForce({
      config: this.config,
      chain: this.chain,
      chosen: () => this.settings.all.strategy,
      router: () => this.router,
    });
    this.profiles = new Profiles(this.books, this.config, () => this.changed());
    this.keys = createKeyPool(clock.now, (key, change) => this.keyChanged(key, change));
    this.router = this.createRouter();
    const { books, events, active } = this;
    const { quota, measurements } = this.router;
    this.counts = new CountKeeper({ quota, measurements, books, events, active, clock });
    this.keyService = this.createKeyService();
    this.prober = new HealthProber({
      pool: this.keys,
      cooldowns: this.router.cooldowns,
      clock,
      areProbesOn: () => this.settings.all.healthProbes,
      targetOf: (key) => this.keyService.targetOf(key),
      probe: (id) => this.keyService.recheck(id),
      random: () => Number.parseInt(this.hex(4), 16) / 2 ** 32,
      signal: this.closing.signal,
    });
  }

  async listen() {
    const { dataDir, wasmFile, host = '127.0.0.1' } = this.options;
    // Its compilation goes on beside what follows; what fails here fails again where it is waited for.
    if (dataDir !== undefined && wasmFile !== undefined) loadSqlite(wasmFile).catch(() => undefined);
    const listener = createListener(this.appContext(host));
    const server = new HttpServer(listener.handle);
    const port = await server.bind(host, this.options.port);
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    try {
      await this.load();
    } catch (error) {
      await server.close(0);
      throw error;
    }
    this.server = server;
    this.isLoaded = true;
    server.open();
    this.ports.log.log('info', 'gateway', `Listening on ${this.url}`);
    this.announce();
    for (const text of configWarnings(this.config, this.router.inventory)) this.ports.log.log('warn', 'config', text);
    this.gone.warn();
    if (this.settings.all.healthProbes) this.keyService.discover();
    this.prober.start();
    this.ports.clock.after(WARM_UP_MS, () => void this.warmUp(listener));
    return { url: this.url, port, token: this.token.current, adminToken: this.adminToken };
  }

  /**
   * Loads and runs what a page asks first, a little at a time: cold, a month of 100,000 requests takes three times as long
   * (docs/performance.md), most of it V8 compiling what is called for the first time.
   */
  private async warmUp(listener: Listener): Promise<void> {
    try {
      await listener.preload();
      if (this.books.state.isSaving) await this.books.analytics({ window: '30d' }, this.ports.clock.now());
    } catch {
      // Closed meanwhile, or the ledger cannot be read: whoever asks for it is told.
    }
  }

  async close(graceMs = 0): Promise<void> {
    this.closing.abort();
    await this.server?.close(graceMs, () => this.active.interruptAll());
    await this.upstream.close();
    this.counts.keepAll();
    await this.books.close();
  }

  setProxy(proxy: ProxySettings): void {
    this.upstream.setProxy?.(proxy);
  }

  applySettings(change: ApiSettings): void {
    this.settings.apply(change);
  }

  replaceKeys(keys: readonly StoredKey[]): void {
    if (replaceStoredKeys(this.keys, keys) && this.settings.all.healthProbes) this.keyService.discover();
  }

  /** @throws LedgerError `not-saved`: what was told is kept must be. */
  saveKeys(): Promise<void> {
    return this.keyService.save();
  }

  private async storeKeys(keys: StoredKey[]): Promise<void> {
    try {
      await this.options.saveKeys?.(keys);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new LedgerError('not-saved', `The key could not be stored, and nothing was changed: ${why}`, {
        cause: error,
      });
    }
  }

  /** The ledger's state and the keys, in parallel: both come from disks. */
  private async load(): Promise<void> {
    const reading = Promise.resolve(this.options.readKeys?.() ?? this.options.keys ?? []);
    // Told below: a ledger that opens meanwhile must be ours to close.
    reading.catch(() => undefined);
    const state = await this.openBooks();
    const keys = await reading;
    if (state) this.restore(state);
    for (const key of configKeys(this.config)) this.keys.add(key, 'config', healthBefore(state, key.id));
    for (const key of keys) this.keys.add(key, 'stored', healthBefore(state, key.id));
  }

  private openBooks(): Promise<LedgerState | null> {
    const { dataDir, wasmFile } = this.options;
    if (dataDir === undefined || wasmFile === undefined) return Promise.resolve(null);
    return openBooks({ ...this.ports, randomHex: this.hex }, this.books, {
      dataDir,
      wasmFile,
      retentionDays: () => this.settings.all.retentionDays,
      onNotice: (notice) => this.notice(notice),
    });
  }

  private restore(state: LedgerState): void {
    this.settings.restore(state.settings);
    this.chain.restore(state.chain);
    this.gone.restore(state.goneModels);
    this.profiles.restore(state.profiles);
    restoreModels(this.models, state.models);
    this.router.cooldowns.restore(this.gone.restored(state.cooldowns.flatMap(fromCooldownRow)));
    this.router.quota.restore(state.quotaWindows, state.quotaLimits);
    this.router.measurements.restore(state.measurements);
    this.active.last ??= state.lastAnswer;
  }

  private notice(notice: LedgerNotice): void {
    this.books.accept(notice);
    this.ports.log.log('warn', 'ledger', notice.message, { kind: notice.kind });
    this.options.onNotice?.(notice);
    if (this.isLoaded) this.announce();
  }

  private keyChanged(key: PoolKey, change: 'added' | 'updated' | 'removed' | 'health'): void {
    if (change !== 'health') this.router.refresh();
    if (!this.isLoaded) return;
    this.prober.keyChanged(key, change);
    const { id, provider } = key;
    this.books.append(change === 'removed' ? { type: 'key.removed', id } : { type: 'key', key: toKeyRow(key) });
    this.events.emit({ type: 'key.changed', keyId: id, provider, change });
    this.announce();
  }

  private changed(): void {
    this.router.refresh();
    this.prober.settingsChanged();
    if (this.isLoaded) this.announce();
  }

  private announce(): void {
    this.events.emit({ type: 'gateway.changed', state: this.state() });
  }

  /** "Retry now": what stood behind the cooldown is forgotten with it. */
  private retried({ kind, provider, model, keyId }: Cooldown): void {
    if (kind === 'gone' && model !== null) this.gone.bringBack(`${provider}/${model}`);
    if (!RATE_KINDS.has(kind) && kind !== 'credit') return;
    this.router.quota.reopenFor({ provider, model, keyId });
    this.counts.keepSoon();
  }

  private appContext(host: string): AppContext {
    const { clock, log } = this.ports;
    const { active, router } = this;
    const record = (row: RequestRow) => {
      this.books.append({ type: 'request', row });
      this.counts.keepSoon();
    };
    return {
      host,
      token: this.token,
      adminToken: this.adminToken,
      secret: this.secret,
      instance: this.instance,
      storedKeys: () => this.keys.stored(),
      newId: this.newId,
      notReady: () => this.state().reason,
      chat: { clock, log, active, clients: new ClientNames(), record, router },
      api: {
        version: this.options.version,
        endpoint: () => ({ baseUrl: `${this.url}/v1`, token: this.token.current }),
        rotateToken: () => this.token.rotate(),
        closing: this.closing.signal,
        clock,
        events: this.events,
        keys: this.keys,
        keyService: this.keyService,
        cooldowns: router.cooldowns,
        books: this.books,
        settings: this.settings,
        chain: this.chain,
        isChainFixed: this.inForce.isFixed,
        state: () => this.state(),
        providers: () => providerViews(this.keys, this.models.all(), router.inventory, this.config),
        chainView: (strategy) => this.inForce.view(strategy),
        profiles: this.profiles,
        inventory: () => router.inventory,
        isFree: router.isFree,
        strategy: () => this.inForce.strategy(),
        quota: router.quota,
        retried: (cooldown) => this.retried(cooldown),
        quotaChanged: () => this.counts.keepSoon(),
      },
    };
  }

  private createKeyService(): KeyService {
    return createKeyService({
      pool: this.keys,
      models: this.models,
      cooldowns: this.router.cooldowns,
      upstream: this.upstream,
      clock: this.ports.clock,
      log: this.ports.log,
      newId: (prefix) => prefix + this.hex(8),
      baseUrlOf: (provider) => this.config.providers?.[provider]?.baseUrl,
      lanes: new ProbeLanes(),
      onProbed: (key, status) => this.prober.probed(key, status),
      onListed: ({ provider }, models, isWanted) => {
        this.gone.listed(
          provider,
          models.map(({ id }) => id),
          isWanted,
        );
      },
      onQuota: ({ id, provider }, observations) => {
        // Of the account: of no single model.
        this.router.quota.observe({ provider, model: '', keyId: id }, observations);
        this.counts.keepSoon();
      },
      areProbesOn: () => this.settings.all.healthProbes,
      save: (keys) => this.storeKeys(keys),
      signal: this.closing.signal,
    });
  }

  private createRouter(): Router {
    const openai = createOpenAiAdapter();
    const demo = createDemoUpstream();
    const ports = {
      clock: this.ports.clock,
      newId: this.newId,
      upstreamFor: (candidate: Candidate) => (candidate.provider === 'demo' ? demo : this.upstream),
      adapters: { openai, demo: openai, gemini: createGeminiAdapter(), cohere: createCohereAdapter() },
    };
    const sources = {
      config: this.config,
      keys: this.keys,
      models: () => this.models.all(),
      logicalModels,
      settings: () => this.settings.all,
      strategy: () => this.inForce.strategy(),
      profiles: () => this.profiles.all(),
      chain: this.chain,
    };
    const { books, events, active, gone } = this;
    const listener = createRouterListener({
      ...{ books, events, active, gone, log: this.ports.log },
      counts: () => this.counts,
      keyService: () => this.keyService,
    });
    return new Router(ports, sources, listener);
  }

  private state(): GatewayState {
    return gatewayState({
      version: this.options.version,
      instance: this.instance,
      url: this.url,
      startedAt: this.startedAt,
      now: this.ports.clock.now(),
      inventory: this.router.inventory,
      keys: this.keys,
      isFree: this.router.isFree,
      waiting: this.router.waiting,
      active: this.active,
      isDemo: this.settings.all.demo,
      ledger: this.books.state,
    });
  }
}

/** The config file's settings. Its strategy is one of them. */
function settingsOf({ settings, strategy }: ConfigFile): ApiSettings {
  return definedFields({ ...settings, ...(strategy === undefined ? {} : { strategy }) });
}
