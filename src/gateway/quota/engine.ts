import type { QuotaUse } from '../../protocol/events.js';
import type { LedgerChange, QuotaKind, QuotaLimitRow, QuotaWindowRow } from '../ledger/changes.js';
import type { Clock } from '../ports.js';
import { type Entry, type QuotaRefusal, refusal, scopeMeant, within } from './entries.js';
import type { QuotaObservation } from './learn.js';
import { type LeaseHost, OpenLease, type QuotaLease } from './lease.js';
import {
  LimitBook,
  type LimitedScope,
  modelScopeId,
  type QuotaSources,
  type QuotaTarget,
  scopeIdsOf,
  scopesOf,
} from './limits.js';
import { type QuotaTime, Timeline } from './timeline.js';
import { countsTokens, QUOTA_KINDS, type QuotaWindow, WindowMaker } from './windows.js';

export interface QuotaHooks {
  /** What a request held is free, or will be sooner than a refusal said: those that wait may look again. */
  onFreed?(provider: string): void;
}

/** Counted for every model, known limit or not: a limit may be learned or set at any time. */
const ALWAYS: readonly QuotaKind[] = ['rpm', 'tpm', 'rpd', 'tpd'];
const PACE: readonly QuotaKind[] = ['rpm', 'tpm', 'rph'];
/** From so many windows on the idle ones are forgotten. */
const MANY_WINDOWS = 5000;
const NO_ENTRIES: readonly Entry[] = [];

/**
 * Who may send what when, in memory and synchronously: no two requests can be given the same slot. Limits, days and
 * shared windows come from `sources`; time from `clock`.
 */
export class QuotaEngine implements LeaseHost {
  private readonly time: Timeline;
  private readonly entries = new Map<string, Entry>();
  /** By the target itself: a candidate is asked about again and again, and joining its names is half of the answer. */
  private bound = new WeakMap<QuotaTarget, readonly Entry[]>();
  /** What `headroom` found of targets that are not bound, and where: until windows come or go. */
  private readonly found = new Map<string, readonly Entry[]>();
  private byScope: Map<string, Entry[]> | null = null;
  private readonly book = new LimitBook();
  private readonly changedWindows = new Set<QuotaWindow>();
  private readonly maker = new WindowMaker((window) => this.changedWindows.add(window));
  private readonly leases = new Set<OpenLease>();
  private jumps = 0;

  constructor(
    clock: Clock,
    private readonly sources: QuotaSources,
    private readonly hooks: QuotaHooks = {},
  ) {
    this.time = new Timeline(clock);
  }

  /**
   * Takes one request and so many estimated tokens from all windows of the target, or from none. Where a limit is below
   * the estimate, but not below `leastTokens`, all of that limit is taken.
   */
  lease(
    target: QuotaTarget,
    estimate: number,
    leastTokens: number = estimate,
  ): { ok: true; lease: QuotaLease } | QuotaRefusal {
    const entries = this.entriesOf(target);
    const estimatedTokens = leastTokens < estimate ? within(entries, estimate, leastTokens) : estimate;
    const now = this.time.read();
    for (const { window, isTokens, max } of entries) {
      if (!window.hasRoom(isTokens ? estimatedTokens : 1, max, now)) return refusal(entries, estimatedTokens, now);
    }
    for (const { window, isTokens } of entries) window.take(isTokens ? estimatedTokens : 1);
    const lease = new OpenLease(this, entries, estimatedTokens);
    this.leases.add(lease);
    return { ok: true, lease };
  }

  /** Whether `lease` would have room now, and else when; spends nothing. */
  peek(target: QuotaTarget, estimate: number, leastTokens: number = estimate): { ok: true } | QuotaRefusal {
    const entries = this.entriesOf(target);
    const estimatedTokens = leastTokens < estimate ? within(entries, estimate, leastTokens) : estimate;
    const now = this.time.read();
    for (const { window, isTokens, max } of entries) {
      if (!window.hasRoom(isTokens ? estimatedTokens : 1, max, now)) return refusal(entries, estimatedTokens, now);
    }
    return { ok: true };
  }

  /**
   * What an answer, its headers or an error told of the quota (learn.ts). Call it when the lease has `arrived`; of a
   * refusal that does not count, when the lease is settled: a provider's own count does not hold what it refused.
   */
  observe(target: QuotaTarget, observations: readonly QuotaObservation[]): void {
    for (const observation of observations) this.take(target, observation);
  }

  /** Limits or keys changed in the sources. What was counted stays. */
  limitsChanged(): void {
    this.bound = new WeakMap();
    for (const entry of this.entries.values()) this.setScope(entry, this.scopeOf(entry.window));
  }

  /** Drops a learned limit, and what closed or filled the window because of it. False when no limit was learned. */
  forgetLimit(id: string, kind: QuotaKind): boolean {
    this.reopen(id, kind);
    if (!this.book.forget(id, kind)) return false;
    this.limitsChanged();
    return true;
  }

  /** "Retry now": a window that the provider's word closed or filled is open again; what we counted ourselves stays. */
  reopen(id: string, kind: QuotaKind): void {
    const window = this.entries.get(nameOf(id, kind))?.window;
    if (!window) return;
    window.reopen(this.time.read());
    this.hooks.onFreed?.(window.provider);
  }

  /** The same of all windows that these requests are counted in; null stands for all models, or all keys. */
  reopenFor({ provider, model, keyId }: { provider: string; model: string | null; keyId: string | null }): void {
    const isMeant = (wanted: string | null, own: string | null) => wanted === null || own === null || own === wanted;
    for (const { window } of this.entries.values()) {
      if (window.provider !== provider || !isMeant(model, window.model) || !isMeant(keyId, window.keyId)) continue;
      this.reopen(window.id, window.kind);
    }
  }

  /** The key is gone. */
  forgetKey(keyId: string): void {
    this.bound = new WeakMap();
    this.forgetFound();
    for (const [name, { window }] of this.entries) if (window.keyId === keyId) this.entries.delete(name);
  }

  /** Counts and learned limits of an earlier life; what has ended is left out. */
  restore(windows: readonly QuotaWindowRow[], limits: readonly QuotaLimitRow[] = []): void {
    this.book.restore(limits);
    const now = this.time.read();
    for (const row of windows) {
      const known = this.entries.get(nameOf(row.id, row.kind));
      const entry = known ?? this.addEntry(this.scopeOf(row), row.kind, now);
      entry.window.restore(row, now);
    }
    this.limitsChanged();
  }

  /** What the ledger should hold and does not yet. Call it at least every 250 ms while requests run. */
  changed(): { rows: QuotaWindowRow[]; limits: LedgerChange[]; uses: () => QuotaUse[] } {
    const now = this.time.read();
    // What is out may have come into a new day.
    for (const { windows } of this.leases) for (const { window } of windows) window.refresh(now);
    const hasJumped = now.jumps !== this.jumps;
    this.jumps = now.jumps;
    // Rows hold times of day: after a jump of the clock all of them are wrong.
    if (hasJumped) for (const { window } of this.entries.values()) this.changedWindows.add(window);
    const windows = [...this.changedWindows];
    this.changedWindows.clear();
    const rowsOf = (window: QuotaWindow) => {
      const changed = window.changedRows(now);
      return hasJumped ? [...changed, ...window.allRows(now)] : changed;
    };
    return {
      rows: windows.flatMap(rowsOf),
      limits: this.book.takeChanges(),
      uses: () => windows.flatMap((window) => this.entries.get(nameOf(window.id, window.kind)) ?? []).map(this.useOf),
    };
  }

  /** Windows that have a limit or hold something. */
  list(): QuotaUse[] {
    return [...this.entries.values()].map(this.useOf).filter(({ used, limit }) => used > 0 || limit !== null);
  }

  /**
   * The share of its quota that the target has left, 0 to 1, in the window that has least; 1 where no limit is known, 0
   * where one has no room at all. Makes no windows: it is asked of hundreds of models that nobody uses.
   */
  headroom(target: QuotaTarget): number {
    const now = this.time.read();
    let left = 1;
    for (const { window, max } of this.knownEntries(target)) {
      if (!window.hasRoom(1, max, now)) return 0;
      if (max < Number.POSITIVE_INFINITY) left = Math.min(left, 1 - window.used(now) / max);
    }
    return left;
  }

  /** A limit of a minute or an hour is known. */
  knowsPace(target: QuotaTarget): boolean {
    return this.entriesOf(target).some(({ window, limit }) => limit !== null && PACE.includes(window.kind));
  }

  /** Requests of the target in its provider's day, on this key. */
  usedToday(target: QuotaTarget): number {
    const entry = this.knownEntries(target).find(({ window }) => window.kind === 'rpd' && window.model !== null);
    return entry ? entry.window.used(this.time.read()) : 0;
  }

  /** The target's windows as the admin API shows them, shared ones too. */
  usesOf(target: QuotaTarget): QuotaUse[] {
    return this.entriesOf(target).map(this.useOf);
  }

  /** Makes the target's windows, so that `list` shows them before the first request. */
  watch(target: QuotaTarget): void {
    this.entriesOf(target);
  }

  now(): QuotaTime {
    return this.time.read();
  }

  ended(lease: OpenLease): void {
    this.leases.delete(lease);
  }

  freed(lease: OpenLease): void {
    const provider = lease.windows[0]?.window.provider;
    if (provider !== undefined) this.hooks.onFreed?.(provider);
  }

  private readonly useOf = (entry: Entry): QuotaUse => {
    const now = this.time.read();
    const { window, limit } = entry;
    const { id, kind, provider, model, keyId } = window;
    return {
      id,
      kind,
      provider,
      model,
      keyId,
      used: window.used(now),
      limit: limit?.limit ?? null,
      source: limit?.source ?? null,
      resetsAt: window.resetsAt(now),
      learnedAt: limit?.since ?? null,
      lastsUntil: limit ? window.lastsUntil(limit.limit, now) : null,
    };
  };

  private take(target: QuotaTarget, observation: QuotaObservation): void {
    const now = this.time.read();
    const { kind, limit, remaining, source, isGuess, resetMs = null } = observation;
    const scope = scopeMeant(scopesOf(target, this.sources), observation);
    if (!scope) return;
    const stated = this.book.ofProvider(scope, kind);
    const isLearned = limit !== undefined && this.book.learn(scope, kind, { limit, source, at: now.wall, isGuess });
    const known = this.entries.get(nameOf(scope.id, kind));
    if (known && isLearned) this.setScope(known, scope);
    if (!known) this.bound = new WeakMap();
    const { window } = known ?? this.joinEntry(scope, kind, now);
    const whole = limit ?? stated;
    const used = observation.used ?? (remaining === undefined || whole === null ? null : whole - remaining);
    const foreign = used === null ? 0 : used - window.used(now);
    if (foreign > 0) window.addForeign(foreign, resetMs, now);
    // Used up, and nothing said until when: what is counted says it better, now that it holds what others spent.
    const isCounted = resetMs === null && whole !== null;
    if (remaining !== undefined && remaining <= 0 && !isCounted) window.closeFor(resetMs, now);
  }

  private entriesOf(target: QuotaTarget): readonly Entry[] {
    return this.bound.get(target) ?? this.bind(target);
  }

  /** The target's windows that are there, without making the others. */
  private knownEntries(target: QuotaTarget): readonly Entry[] {
    const id = modelScopeId(target);
    const known = this.bound.get(target) ?? this.found.get(id);
    if (known) return known;
    this.byScope ??= groupByScope(this.entries.values());
    const { byScope } = this;
    const entries = scopeIdsOf(target).flatMap((scope) => byScope.get(scope) ?? NO_ENTRIES);
    this.found.set(id, entries.length > 0 ? entries : NO_ENTRIES);
    return entries;
  }

  /** Windows came or went. */
  private forgetFound(): void {
    this.byScope = null;
    this.found.clear();
  }

  private bind(target: QuotaTarget): readonly Entry[] {
    const id = modelScopeId(target);
    const now = this.time.read();
    if (this.entries.size > MANY_WINDOWS) this.forgetIdle(now);
    const entries: Entry[] = [];
    for (const scope of scopesOf(target, this.sources)) {
      for (const kind of QUOTA_KINDS) {
        const name = nameOf(scope.id, kind);
        const isWanted = scope.id === id && ALWAYS.includes(kind);
        const known = this.entries.get(name);
        if (!known && !isWanted && this.book.resolve(scope, kind) === null) continue;
        entries.push(known ?? this.joinEntry(scope, kind, now));
      }
    }
    this.bound.set(target, entries);
    return entries;
  }

  /** A window for what comes from now on; targets that are bound already have to learn of it. */
  private joinEntry(scope: LimitedScope, kind: QuotaKind, now: QuotaTime): Entry {
    const entry = this.addEntry(scope, kind, now);
    if (scope.model === null) {
      this.takeUp(entry.window, now);
      this.bound = new WeakMap();
    }
    return entry;
  }

  private addEntry(scope: LimitedScope, kind: QuotaKind, now: QuotaTime): Entry {
    const boundary = this.sources.spec(scope.provider)?.dayBoundary ?? 'utc';
    const window = this.maker.make(scope, kind, boundary, now);
    const entry: Entry = { window, isTokens: countsTokens(kind), scope, limit: null, max: Number.POSITIVE_INFINITY };
    this.setScope(entry, scope);
    this.entries.set(nameOf(scope.id, kind), entry);
    this.forgetFound();
    return entry;
  }

  /** A window over all models that is new, because its limit is: its models have counted already. */
  private takeUp(window: QuotaWindow, now: QuotaTime): void {
    for (const { window: part } of this.entries.values()) {
      const isPart = part.kind === window.kind && part.provider === window.provider && part.model !== null;
      if (!isPart || (window.keyId !== null && part.keyId !== window.keyId)) continue;
      for (const row of part.allRows(now)) window.restore(row, now);
    }
  }

  private setScope(entry: Entry, scope: LimitedScope): void {
    entry.scope = scope;
    entry.limit = this.book.resolve(scope, entry.window.kind);
    entry.max = entry.limit?.limit ?? Number.POSITIVE_INFINITY;
  }

  private scopeOf({
    id,
    provider,
    model,
    keyId,
  }: Pick<QuotaWindow, 'id' | 'provider' | 'model' | 'keyId'>): LimitedScope {
    const found = scopesOf({ provider, model: model ?? '', keyId }, this.sources).find((scope) => scope.id === id);
    return found ?? { id, provider, model, keyId, catalog: {}, user: {} };
  }

  private forgetIdle(now: QuotaTime): void {
    const held = new Set<QuotaWindow>(this.changedWindows);
    for (const { windows } of this.leases) for (const { window } of windows) held.add(window);
    this.bound = new WeakMap();
    this.forgetFound();
    for (const [name, { window }] of this.entries) {
      if (!held.has(window) && window.isIdle(now)) this.entries.delete(name);
    }
  }
}

function groupByScope(entries: Iterable<Entry>): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(entry.window.id);
    if (group) group.push(entry);
    else groups.set(entry.window.id, [entry]);
  }
  return groups;
}

function nameOf(id: string, kind: QuotaKind): string {
  return `${kind} ${id}`;
}
