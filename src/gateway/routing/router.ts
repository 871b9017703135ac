import type { Strategy } from '../../protocol/strategyNames.js';
import type { ConfigFile } from '../config/configFile.js';
import type { KeyPool } from '../keys/keyPool.js';
import type { ChainEntry, ProfileRow } from '../ledger/changes.js';
import type { UpstreamClient } from '../net/upstream.js';
import type { Clock } from '../ports.js';
import type { Adapter } from '../providers/adapter.js';
import type { CatalogModel, ProviderSpec } from '../providers/spec.js';
import { providerSpec } from '../providers/table.js';
import { QuotaEngine } from '../quota/engine.js';
import { createTokenEstimator } from '../quota/estimate.js';
import type { QuotaSources } from '../quota/limits.js';
import { createQuotaDesk, type QuotaDesk } from '../quota/quotaDesk.js';
import type { SettingValues } from '../settings.js';
import { type ChatRun, type LoopContext, type RunOutcome, runChat } from './attemptLoop.js';
import { type Cooldown, type Cooldowns, createCooldowns } from './cooldowns.js';
import type { Failure } from './failure.js';
import { buildInventory, type Candidate, type Inventory } from './inventory.js';
import { Measurements } from './scoring/measurements.js';
import type { Ranking } from './scoring/order.js';
import { Orders } from './scoring/orders.js';
import { StickySessions } from './sticky/stickySessions.js';
import { WaitingRoom } from './waitingRoom.js';

/** What routing decides from. Whoever changes one of them calls `refresh`. */
export interface RouterSources {
  config: ConfigFile;
  keys: KeyPool;
  /** Built-in and discovered models. */
  models(): readonly CatalogModel[];
  logicalModels: Readonly<Record<string, readonly string[]>>;
  settings(): SettingValues;
  /** What orders the chain; the user's choice, or what is right without one. */
  strategy(): Strategy;
  /** The user's own, without the config file's. */
  profiles(): readonly ProfileRow[];
  /** The user's order and what turned out to be gone (`Chain`). */
  chain: { readonly entries: readonly ChainEntry[] | null; readonly gone: ReadonlyMap<string, number> };
}

export interface RouterPorts {
  clock: Clock;
  newId(prefix: string): string;
  upstreamFor(candidate: Candidate): Pick<UpstreamClient, 'send'>;
  adapters: Record<ProviderSpec['wire'], Adapter>;
}

/** Who keeps and shows what routing does. */
export interface RouterListener {
  /** `until` in ms since the epoch; null: it is over. */
  onCooldown(cooldown: Cooldown, until: number | null): void;
  /** Its rest is over, and a request tries whether it answers again. */
  onTrying?(cooldown: Cooldown): void;
  /** A provider said for good that it has no such model. */
  onGone(provider: string, model: string): void;
  onWaiting(runId: string, until: number): void;
  onAttempt(runId: string, candidate: Candidate, attempt: number): void;
  /** `askedAt`: when the attempt began, in ms since the epoch. */
  onFailure(failure: Failure, candidate: Candidate, askedAt: number, runId: string): void;
  onSuccess(candidate: Candidate): void;
}

/** No chat model has less; a smaller number in a provider's words is of something else. */
const MIN_WINDOW = 512;

/**
 * Everything between a decoded request and its upstreams: who could answer, who is asked, in which order and when. Knows
 * neither HTTP nor the ledger; its state is in memory, and who wants it kept listens.
 */
export class Router {
  readonly cooldowns: Cooldowns;
  readonly quota: QuotaEngine;
  readonly measurements: Measurements;
  private readonly quotaDesk: QuotaDesk;
  private readonly waitingRoom: WaitingRoom;
  private readonly sessions: StickySessions;
  private readonly loop: LoopContext;
  private current: Inventory | null = null;
  private orders: Orders | null = null;
  private readonly learnedWindows = new Map<string, number>();

  constructor(
    private readonly ports: RouterPorts,
    private readonly sources: RouterSources,
    listener: RouterListener,
  ) {
    const { clock } = ports;
    this.waitingRoom = new WaitingRoom(clock);
    this.measurements = new Measurements(clock);
    this.sessions = new StickySessions(clock, sources.settings, sources.logicalModels);
    this.quota = new QuotaEngine(clock, this.quotaSources(), {
      onFreed: (provider) => this.waitingRoom.freed(provider),
    });
    this.quotaDesk = createQuotaDesk(this.quota, createTokenEstimator(), clock);
    this.cooldowns = createCooldowns(clock, {
      onChange: (cooldown, until) => {
        listener.onCooldown(cooldown, until);
        if (until === null) this.waitingRoom.freed();
      },
      onTrying: (cooldown) => listener.onTrying?.(cooldown),
      onRoom: (provider) => this.waitingRoom.freed(provider),
      onGone: (provider, model) => listener.onGone(provider, model),
    });
    this.loop = {
      clock,
      newId: ports.newId,
      cooldowns: this.cooldowns,
      upstreamFor: ports.upstreamFor,
      quota: this.quotaDesk,
      waitingRoom: this.waitingRoom,
      measurements: this.measurements,
      queueMs: () => sources.settings()['queue.timeoutSeconds'] * 1000,
      onWaiting: (id, until) => listener.onWaiting(id, until),
      onAttempt: (id, candidate, attempt) => {
        this.orders?.used(candidate);
        listener.onAttempt(id, candidate, attempt);
      },
      onSettled: (candidate) => this.orders?.used(candidate),
      onFailure: (failure, candidate, askedAt, id) => {
        this.learnWindow(failure, candidate);
        listener.onFailure(failure, candidate, askedAt, id);
      },
      onSuccess: (candidate) => listener.onSuccess(candidate),
    };
  }

  /** Until the gateway ends: a provider may give a model a larger window again. */
  private learnWindow({ kind, statedLimit }: Failure, { name, catalog }: Candidate): void {
    if (kind !== 'too_large' || statedLimit?.axis !== 'context' || statedLimit.value < MIN_WINDOW) return;
    if (statedLimit.value >= (catalog.contextWindow ?? Number.POSITIVE_INFINITY)) return;
    this.learnedWindows.set(name, statedLimit.value);
    this.refresh();
  }

  /** Requests that wait for a window or a cooldown to end. */
  get waiting(): number {
    return this.waitingRoom.size;
  }

  /** Made anew when something changed since it was last asked for. */
  get inventory(): Inventory {
    if (this.current) return this.current;
    const { config, keys, logicalModels, chain } = this.sources;
    this.current = buildInventory({
      config,
      keys,
      models: this.sources.models(),
      logicalModels,
      adapters: this.ports.adapters,
      demo: this.sources.settings().demo,
      disabled: chain.gone,
      chain: chain.entries,
      profiles: this.sources.profiles(),
      learnedWindows: this.learnedWindows,
    });
    this.quota.limitsChanged();
    return this.current;
  }

  /** The chain's strategy that is in force. */
  get strategy(): Strategy {
    return this.sources.strategy();
  }

  /** A source changed. */
  refresh(): void {
    this.current = null;
    this.orders = null;
  }

  /** Neither cooling nor full. */
  readonly isFree = (candidate: Candidate): boolean => {
    return this.cooldowns.check(candidate) === null && this.quotaDesk.peek(candidate, 1, 1) === null;
  };

  /** It has rested, and no answer has come since. */
  readonly isTried = (candidate: Candidate): boolean => this.cooldowns.isTried(candidate);

  /**
   * Whom a client's `model` stands for, in the order they are to be tried.
   * @throws HttpError 404 for a name that nobody has, 503 where nothing is set up to answer.
   */
  candidatesFor(model: string): readonly Candidate[] {
    return this.rankingFor(model).candidates;
  }

  /** The same with what ordered them. @throws HttpError as `candidatesFor`. */
  rankingFor(model: string): Ranking {
    return this.ordersNow().rankingFor(model);
  }

  /** The chain's order under a strategy; never throws. */
  chainRanking(strategy: Strategy): Ranking {
    return this.ordersNow().ranking(this.inventory.chain, strategy);
  }

  private ordersNow(): Orders {
    this.orders ??= new Orders(this.inventory, {
      clock: this.ports.clock,
      measurements: this.measurements,
      headroom: (candidate) => this.quota.headroom(candidate),
      usedToday: (candidate) => this.quota.usedToday(candidate),
      strategy: this.sources.strategy(),
      customWeights: this.sources.settings().strategyWeights,
    });
    return this.orders;
  }

  /**
   * Tries the run's candidates until one answers, the session's last one first, and writes the answer, or the contract's
   * error, to its sink. `sessionId` is what the client calls its session, if it does.
   */
  run(run: ChatRun, sessionId: string | null): Promise<RunOutcome> {
    const sticky = this.sessions.open(sessionId, run.request);
    if (!sticky) return runChat(this.loop, run);
    return runChat(this.loop, { ...run, sticky, candidates: sticky.order(run.candidates) });
  }

  private quotaSources(): QuotaSources {
    return {
      spec: providerSpec,
      catalog: (provider, model) => this.inventory.known.get(`${provider}/${model}`)?.limits,
      ofModel: (provider, model) => this.sources.config.limits?.[`${provider}/${model}`],
      ofKey: (keyId) => this.sources.keys.get(keyId)?.limits,
    };
  }
}
