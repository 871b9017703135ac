import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ApiSettings } from '../protocol/api.js';
import type { GatewayState } from '../protocol/events.js';
import type { ProviderView } from '../protocol/provider.js';
import type { ProxySettings, StoredKey } from '../protocol/worker.js';
import { builtInModels } from './catalog/catalog.js';
import { logicalModels } from './catalog/logicalModels.js';
import { createModelStore, type ModelStore } from './catalog/modelStore.js';
import type { ConfigFile } from './config/configFile.js';
import { createEventBus, type EventBus } from './eventBus.js';
import { createListener, isEarly } from './http/app.js';
import { answerClientError } from './http/clientError.js';
import { createRequestTally, type RequestTally } from './http/requestTally.js';
import { createKeyPool, type KeyPool } from './keys/keyPool.js';
import { createKeyService, type KeyService } from './keys/keyService.js';
import { replaceStoredKeys } from './keys/replaceKeys.js';
import type { LedgerNotice } from './ledger/ledger.js';
import { createUpstreamClient } from './net/undiciClient.js';
import type { UpstreamClient } from './net/upstream.js';
import type { GatewayPorts } from './ports.js';
import { createCohereAdapter } from './providers/cohere.js';
import { createDemoUpstream } from './providers/demoUpstream.js';
import { createGeminiAdapter } from './providers/gemini/adapter.js';
import { createOpenAiAdapter } from './providers/openai.js';
import { providerViews } from './providers/providerViews.js';
import { createIdSource, randomHex } from './randomIds.js';
import type { LoopContext } from './routing/attemptLoop.js';
import { createCooldowns } from './routing/cooldowns.js';
import { buildInventory, type Inventory } from './routing/inventory.js';
import { nearestNames } from './routing/nearestNames.js';

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
  /** Asked once the port is bound, instead of `keys`. */
  readKeys?(): Promise<StoredKey[]>;
  /** Where the ledger lies; without it nothing is kept. */
  dataDir?: string;
  /** The path of sql.js's wasm. */
  wasmFile?: string;
  /** This gateway's id, new at every start, and the secret that proves it; generated where left out. */
  instance?: string;
  secret?: string;
  /** Something about the ledger that the user should know of. */
  onNotice?(notice: LedgerNotice): void;
  proxy?: ProxySettings;
  /** The demo provider is in the chain. */
  demo?: boolean;
  /** Stores the keys that came over the admin API; resolves when they are safe. Without it they live in memory. */
  saveKeys?(keys: StoredKey[]): Promise<void>;
}

export interface Gateway {
  /** @throws the system's error (`EADDRINUSE`, …) when it cannot listen. */
  listen(): Promise<{ url: string; port: number; token: string; adminToken: string }>;
  /** Stops accepting, lets answers finish for so many ms, then ends what is left. */
  close(graceMs?: number): Promise<void>;
  setProxy(proxy: ProxySettings): void;
  changeSettings(change: ApiSettings): void;
  /** The stored keys changed elsewhere: these are all of them. */
  replaceKeys(keys: StoredKey[]): void;
  /** Stores the keys as they are now, as `saveKeys` does after a change. */
  saveKeys(): Promise<void>;
}

const DEFAULT_SETTINGS: ApiSettings = {
  'queue.timeoutSeconds': 60,
  stickyMinutes: 30,
  contextHandoff: true,
  healthProbes: true,
  retentionDays: 90,
  demo: false,
};
/** Clients keep connections for a while; Node's own 5 s would meet their next request half closed. */
const KEEP_ALIVE_MS = 75_000;

/** Everything the gateway is, without a socket. Pure Node: the editor's thread, `serve` and tests use the same. */
export function createGateway(ports: GatewayPorts, options: GatewayOptions): Gateway {
  const house = new GatewayHouse(ports, options);
  return {
    listen: () => house.listen(),
    close: (graceMs) => house.close(graceMs),
    setProxy: (proxy) => house.setProxy(proxy),
    changeSettings: (change) => void house.changeSettings(change),
    replaceKeys: (keys) => house.replaceKeys(keys),
    saveKeys: () => house.saveKeys(),
  };
}

/** The gateway's parts and how they hang together. */
class GatewayHouse {
  private readonly config: ConfigFile;
  private readonly settings: ApiSettings;
  private readonly token: string;
  private readonly adminToken: string;
  private readonly instance: string;
  private readonly secret: string;
  private readonly newId: (prefix: string) => string;
  private readonly events: EventBus;
  private readonly tally: RequestTally = createRequestTally();
  private readonly models: ModelStore;
  private readonly keys: KeyPool;
  private readonly keyService: KeyService;
  private readonly upstream: UpstreamClient & { setProxy?(proxy: ProxySettings): void };
  private readonly cooldowns;
  private readonly closing = new AbortController();
  private readonly gone = new Set<string>();
  private readonly startedAt: number;
  private readonly adapters;
  private inventory: Inventory | null = null;
  private server: Server | null = null;
  private url = '';

  constructor(
    private readonly ports: GatewayPorts,
    private readonly options: GatewayOptions,
  ) {
    const { clock } = ports;
    const hex = ports.randomHex ?? randomHex;
    this.config = options.config ?? {};
    this.settings = { ...DEFAULT_SETTINGS, ...this.config.settings };
    if (options.demo !== undefined) this.settings.demo = options.demo;
    this.token = this.config.token ?? options.token ?? `freellmapi-${hex(24)}`;
    this.adminToken = this.config.adminToken ?? options.adminToken ?? hex(24);
    this.instance = options.instance ?? hex(16);
    this.secret = options.secret ?? hex(32);
    this.startedAt = clock.now();
    this.newId = createIdSource(hex);
    this.events = createEventBus(clock);
    this.upstream =
      ports.upstream ?? createUpstreamClient({ clock, ...(options.proxy ? { proxy: options.proxy } : {}) });
    const openai = createOpenAiAdapter();
    this.adapters = { openai, demo: openai, gemini: createGeminiAdapter(), cohere: createCohereAdapter() };
    this.models = createModelStore(builtInModels(), () => this.refresh());
    this.keys = createKeyPool(clock.now, (key, change) => {
      if (change !== 'health') this.refresh();
      this.events.emit({ type: 'key.changed', keyId: key.id, provider: key.provider, change });
      if (this.server) this.announce();
    });
    this.cooldowns = createCooldowns(clock, {
      onChange: ({ id, provider, model, kind }, until) =>
        this.events.emit({ type: 'cooldown.changed', id, provider, model, kind, until }),
      onGone: (provider, model, message) => this.disable(provider, model, message),
    });
    this.keyService = createKeyService({
      pool: this.keys,
      models: this.models,
      cooldowns: this.cooldowns,
      upstream: this.upstream,
      clock,
      log: ports.log,
      newId: (prefix) => prefix + hex(8),
      baseUrlOf: (provider) => this.config.providers?.[provider]?.baseUrl,
      areProbesOn: () => this.settings.healthProbes !== false,
      save: () => this.saveKeys(),
      signal: this.closing.signal,
    });
    this.loadKeys();
  }

  async listen() {
    const host = this.options.host ?? '127.0.0.1';
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const server = createServer(once(opened, createListener(this.appContext(host))));
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.on('clientError', (error, socket) => answerClientError(error, socket as Socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.options.port, host, resolve);
    });
    this.server = server;
    const { port } = server.address() as AddressInfo;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.ports.log.log('info', 'gateway', `Listening on ${this.url}`);
    for (const key of (await this.options.readKeys?.()) ?? []) this.keys.add(key, 'stored');
    open();
    this.announce();
    this.warnOfUnknownModels();
    if (this.settings.healthProbes !== false) this.keyService.discover();
    return { url: this.url, port, token: this.token, adminToken: this.adminToken };
  }

  async close(graceMs = 0): Promise<void> {
    this.closing.abort();
    const { server } = this;
    if (server) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
    }
    await this.upstream.close();
  }

  setProxy(proxy: ProxySettings): void {
    this.upstream.setProxy?.(proxy);
  }

  changeSettings(change: ApiSettings): ApiSettings {
    Object.assign(this.settings, change);
    this.refresh();
    this.announce();
    return this.settings;
  }

  async saveKeys(): Promise<void> {
    await this.options.saveKeys?.(this.keys.stored());
  }

  replaceKeys(keys: StoredKey[]): void {
    if (replaceStoredKeys(this.keys, keys) && this.settings.healthProbes !== false) this.keyService.discover();
  }

  private loadKeys(): void {
    for (const [provider, { keys }] of Object.entries(this.config.providers ?? {})) {
      keys?.forEach(({ key, label, models, limits }, position) => {
        const stored = {
          id: `config:${provider}:${position + 1}`,
          provider,
          label: label ?? '',
          enabled: true,
          secret: key,
        };
        this.keys.add(
          {
            ...stored,
            ...(models ? { models } : {}),
            ...(limits ? { limits: limits as Record<string, number> } : {}),
          },
          'config',
        );
      });
    }
    for (const key of this.options.keys ?? []) this.keys.add(key, 'stored');
  }

  /** The inventory, made anew when something changed since it was last asked for. */
  private readonly currentInventory = (): Inventory => {
    this.inventory ??= buildInventory({
      config: this.config,
      keys: this.keys,
      models: this.models.all(),
      logicalModels,
      adapters: this.adapters,
      demo: this.settings.demo === true,
      disabled: this.gone,
    });
    return this.inventory;
  };

  private refresh(): void {
    this.inventory = null;
  }

  /** Chain entries that no catalog knows: a typo, or a model that its provider lists only later. */
  private warnOfUnknownModels(): void {
    const { known } = this.currentInventory();
    const unknown = (this.config.chain ?? []).filter((name) => !known.has(name));
    for (const name of unknown) {
      const [nearest] = nearestNames(name, known.keys(), 1);
      const hint = nearest ? `; did you mean ${nearest}?` : '';
      this.ports.log.log('warn', 'config', `chain: ${name} is no known model (yet)${hint}`);
    }
  }

  private announce(): void {
    this.events.emit({ type: 'gateway.changed', state: this.state() });
  }

  private disable(provider: string, model: string, message: string): void {
    this.gone.add(`${provider}/${model}`);
    this.refresh();
    this.ports.log.log('warn', 'catalog', 'A provider no longer has a model; it is switched off', {
      provider,
      model,
      words: message,
    });
  }

  private appContext(host: string) {
    const { clock, log } = this.ports;
    const loop = this.loopContext();
    const inventory = this.currentInventory;
    return {
      host,
      token: this.token,
      adminToken: this.adminToken,
      secret: this.secret,
      instance: this.instance,
      storedKeys: () => this.keys.stored(),
      newId: this.newId,
      cooldowns: this.cooldowns,
      notReady: () => this.state().reason,
      chat: { clock, log, events: this.events, tally: this.tally, inventory, loop },
      api: {
        version: this.options.version,
        endpoint: () => ({ baseUrl: `${this.url}/v1`, token: this.token }),
        closing: this.closing.signal,
        clock,
        events: this.events,
        keys: this.keys,
        keyService: this.keyService,
        cooldowns: this.cooldowns,
        state: () => this.state(),
        providers: (): ProviderView[] => providerViews(this.keys, this.models.all(), this.currentInventory()),
        settings: () => this.settings,
        changeSettings: (change: ApiSettings) => this.changeSettings(change),
      },
    };
  }

  private loopContext(): LoopContext {
    const { clock, log } = this.ports;
    const demo = createDemoUpstream();
    return {
      clock,
      newId: this.newId,
      cooldowns: this.cooldowns,
      upstreamFor: (candidate) => (candidate.provider === 'demo' ? demo : this.upstream),
      onAttempt: (id, { provider, model }, attempt) =>
        this.events.emit({ type: 'request.routed', id, provider, model, attempt }),
      onFailure: (failure, candidate) => {
        log.log('info', 'routing', 'An attempt failed', {
          candidate: candidate.name,
          kind: failure.kind,
          status: failure.status,
        });
        // The provider's words stay out of the log: some repeat the prompt.
        if (failure.kind === 'auth') {
          this.keys.setHealth(candidate.keyId, 'invalid', failure.message);
          this.keyService.recheck(candidate.keyId);
        } else if (failure.kind === 'rate_limit' || failure.kind === 'daily_quota') {
          this.keys.setHealth(candidate.keyId, 'rate_limited', failure.message);
        }
      },
      onSuccess: (candidate) => {
        const key = this.keys.get(candidate.keyId);
        if (key && key.health.status !== 'healthy') this.keys.setHealth(key.id, 'healthy', null);
      },
    };
  }

  private state(): GatewayState {
    const inventory = this.currentInventory();
    const available = inventory.chain.filter((candidate) => !this.cooldowns.check(candidate));
    const reason = notReadyReason(inventory, available.length);
    return {
      version: this.options.version,
      uptimeMs: this.ports.clock.now() - this.startedAt,
      leader: true,
      url: this.url,
      counts: {
        keys: this.keys.all().length,
        usableKeys: new Set(available.map(({ keyId }) => keyId)).size,
        providers: inventory.keyedProviders.size,
        models: inventory.byName.size,
        availableModels: new Set(available.map(({ name }) => name)).size,
        inFlight: this.tally.inFlight,
        requests: this.tally.total,
      },
      canAnswer: reason === null,
      reason,
      demo: this.settings.demo === true,
      lastRequest: this.tally.last,
    };
  }
}

/** Requests wait until the gateway is ready, save those that ask who is there. */
function once(opened: Promise<void>, listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    if (isEarly(incoming)) listener(incoming, outgoing);
    else void opened.then(() => listener(incoming, outgoing));
  };
}

/** A sentence for the status bar and /readyz; null when something can answer. */
function notReadyReason(inventory: Inventory, available: number): string | null {
  if (available > 0) return null;
  if (!inventory.hasProvider) return 'No provider is set up yet: add a key first';
  if (inventory.chain.length === 0) return 'The providers that are set up have no models yet';
  return 'Every provider is cooling down';
}
