import type { Clock } from '../ports.js';
import type { Failure, FailureKind } from './failure.js';
import { type CooldownLength, type CooldownScope, FAILURE_POLICY, LOCAL_CAP_MS, TRIED_KINDS } from './failurePolicy.js';
import { HalfOpen, type Trial } from './halfOpen.js';
import { MAX_STATED_MS } from './retryAfter.js';

/** What of a candidate cooldowns lie on. */
export interface CooldownTarget {
  provider: string;
  /** Provider-side model id. */
  model: string;
  /** null for keyless providers. */
  keyId: string | null;
  /** Host and port of the base URL. */
  host: string;
  /** A custom endpoint on loopback or in the LAN: no cooldown over 5 s. */
  isLocal: boolean;
  /** The provider counts quota for the whole account, project or address: what is used up is so for the key. */
  hasSharedQuota?: boolean;
}

/** A running cooldown. Times in ms since the epoch. */
export interface Cooldown {
  readonly id: string;
  readonly scope: CooldownScope;
  readonly provider: string;
  /** null when it lies on more than one model. */
  readonly model: string | null;
  /** null when it lies on more than one key, or on a keyless provider. */
  readonly keyId: string | null;
  readonly kind: FailureKind;
  /** The provider's own words. */
  readonly message: string;
  readonly since: number;
  readonly until: number;
  /** What it lies on, as its scope names it: with the scope it is unique. */
  readonly target: string;
  /** Failures in a row, which the next length doubles from. */
  readonly streak: number;
  /** A quota window says how many may go when it is over; else those of `TRIED_KINDS` are tried first. */
  readonly isCounted?: boolean;
}

export interface CooldownHooks {
  /** Begun or prolonged (`until` a time), or lifted before its end (`until` null). Running out is not told. */
  onChange?(cooldown: Cooldown, until: number | null): void;
  /** A rest is over, and the first request tries it. */
  onTrying?(cooldown: Cooldown): void;
  /** More requests may try what rested there than a moment ago. */
  onRoom?(provider: string): void;
  /** The provider said for good, or twice, that it does not have the model: the catalog should disable it. */
  onGone?(provider: string, model: string, message: string): void;
}

export interface Cooldowns {
  /**
   * An attempt failed. Returns the cooldown that now lies on the candidate because of it, or null where none does.
   * `isCounted`: a quota window says how many may go when it is over.
   */
  begin(failure: Failure, target: CooldownTarget, isCounted?: boolean): Cooldown | null;
  /** The cooldown of this candidate that ends last; null when it rests no more. */
  check(target: CooldownTarget): Cooldown | null;
  /**
   * Of a candidate that rests no more: it is being tried, and so far nobody else may go; until when at the longest, in
   * ms since the epoch. null: somebody may.
   */
  held(target: CooldownTarget): { cooldown: Cooldown; until: number } | null;
  /** It rests no more, and no answer has come since. */
  isTried(target: CooldownTarget): boolean;
  /** A request goes there; null where it tries nothing. Its trial must be ended. */
  enter(target: CooldownTarget): Trial | null;
  /**
   * An attempt succeeded: lifts what it disproves. `startedAt` is when the attempt began: a failure after that is not
   * disproved by it.
   */
  success(target: CooldownTarget, startedAt?: number): void;
  list(): Cooldown[];
  /** Those that are over, of which no answer has come since. */
  tried(): Cooldown[];
  /** "Retry now". False when there is no such cooldown, and none that is being tried. */
  clear(id: string): boolean;
  /** A probe found the key well, or it was replaced: lifts all that lies on it. */
  clearKey(keyId: string): void;
  /** The provider refuses the key, as a probe knows (healthProber.ts): nobody asks it before `until`. */
  hold(key: { id: string; provider: string }, message: string, until: number): void;
  /**
   * Cooldowns of an earlier life of the gateway; those that have run out are left out. Nobody is told, but of those that
   * were made while the clock was ahead and end sooner than they said.
   */
  restore(cooldowns: readonly Cooldown[]): void;
}

interface Streak {
  count: number;
  /** When the last failure came; its cooldown may end later. */
  last: number;
  until: number;
}

const SCOPES: readonly CooldownScope[] = ['key', 'model-on-key', 'model-on-provider', 'provider', 'host'];
/** A streak that nothing touched for so long after its cooldown is over. */
const STREAK_MEMORY_MS = 60 * 60 * 1000;
const GONE_STRIKES = 2;
const UPSTREAM = /upstream/i;
/** What began so much in the future was made while the clock was wrong. */
const CLOCK_SLACK_MS = 60 * 1000;
/** Separates parts of a map key; in no id. */
const SEPARATOR = '\n';

/** The cooldowns of one gateway, in memory. Lengths and scopes come from `FAILURE_POLICY`. */
export function createCooldowns(clock: Clock, hooks: CooldownHooks = {}): Cooldowns {
  return new CooldownStore(clock, hooks);
}

class CooldownStore implements Cooldowns {
  private readonly running = new Map<CooldownScope, Map<string, Cooldown>>(SCOPES.map((scope) => [scope, new Map()]));
  private readonly streaks = new Map<string, Streak>();
  private readonly goneStrikes = new Map<string, number>();
  /** What rested and is being tried, by scope and target. */
  private readonly halfOpen = new Map<string, { cooldown: Cooldown; state: HalfOpen; isTold: boolean }>();
  private lastId = 0;
  /** Running ones of all scopes, so that the usual case costs one comparison. */
  private count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly hooks: CooldownHooks,
  ) {}

  begin(failure: Failure, target: CooldownTarget, isCounted = false): Cooldown | null {
    if (failure.kind === 'gone') this.strike(failure, target);
    const policy = FAILURE_POLICY[failure.kind];
    const now = this.clock.now();
    const scope = this.isOfWholeKey(failure, target, now) ? 'key' : policy.scope;
    if (scope === null) return null;
    const key = scopeKey(scope, target);
    const existing = this.find(scope, key, now);
    const isSideBySide = existing?.kind === failure.kind;
    const isStated = takesStated(policy.cooldown) && statedMs(failure) !== null;
    const streak = this.touchStreak(
      `${scope}${SEPARATOR}${key}${SEPARATOR}${failure.kind}`,
      now,
      isSideBySide || isStated,
    );
    if (isSideBySide && existing && !isStated) return existing;
    const length = Math.min(
      lengthMs(policy.cooldown, failure, streak.count),
      target.isLocal ? LOCAL_CAP_MS : MAX_STATED_MS,
    );
    const until = now + length;
    streak.until = Math.max(streak.until, until);
    if (length <= 0) return existing;
    if (existing && existing.until >= until) return existing;
    const hasModel = scope === 'model-on-key' || scope === 'model-on-provider';
    const hasKey = scope === 'key' || scope === 'model-on-key';
    const cooldown: Cooldown = {
      id: existing?.id ?? `c${++this.lastId}`,
      scope,
      provider: target.provider,
      model: hasModel ? target.model : null,
      keyId: hasKey ? target.keyId : null,
      kind: failure.kind,
      message: failure.message,
      since: now,
      until,
      target: key,
      streak: streak.count,
      ...(isCounted && existing?.isCounted !== false ? { isCounted } : {}),
    };
    this.put(cooldown, existing);
    return cooldown;
  }

  /**
   * Where models are counted together: a day that is used up, and a limit that a second model met while the first rests.
   * What the provider's own supplier limits (OpenRouter: "temporarily rate-limited upstream") is one model's.
   */
  private isOfWholeKey({ kind, message }: Failure, target: CooldownTarget, now: number): boolean {
    if (target.hasSharedQuota !== true) return false;
    if (kind === 'daily_quota') return true;
    if (kind !== 'rate_limit' || UPSTREAM.test(message)) return false;
    for (const other of this.running.get('model-on-key')?.values() ?? []) {
      if (other.kind !== kind || other.keyId !== target.keyId || other.provider !== target.provider) continue;
      if (other.model !== target.model && other.until > now && !UPSTREAM.test(other.message)) return true;
    }
    return false;
  }

  private put(cooldown: Cooldown, existing: Cooldown | null): void {
    if (!existing) this.count++;
    this.halfOpen.delete(nameOf(cooldown));
    this.running.get(cooldown.scope)?.set(cooldown.target, cooldown);
    this.hooks.onChange?.(cooldown, cooldown.until);
  }

  check(target: CooldownTarget): Cooldown | null {
    if (this.count === 0) return null;
    const now = this.clock.now();
    let last: Cooldown | null = null;
    for (const scope of SCOPES) {
      if (this.running.get(scope)?.size === 0) continue;
      const found = this.find(scope, scopeKey(scope, target), now);
      if (found && (last === null || found.until > last.until)) last = found;
    }
    return last;
  }

  held(target: CooldownTarget): { cooldown: Cooldown; until: number } | null {
    let last: { cooldown: Cooldown; until: number } | null = null;
    const now = this.clock.now();
    for (const { cooldown, state } of this.triedOf(target, now)) {
      const until = state.fullUntil(now);
      if (until !== null && (last === null || until > last.until)) last = { cooldown, until };
    }
    return last;
  }

  isTried(target: CooldownTarget): boolean {
    return this.triedOf(target, this.clock.now()).some(({ state }) => !state.isProven);
  }

  enter(target: CooldownTarget): Trial | null {
    const now = this.clock.now();
    const trials = this.triedOf(target, now).map((tried) => {
      if (!tried.isTold) this.hooks.onTrying?.(tried.cooldown);
      tried.isTold = true;
      return tried.state.enter(now);
    });
    if (trials.length === 0) return null;
    return {
      answered: () => {
        for (const trial of trials) trial.answered();
      },
      end: () => {
        for (const trial of trials) trial.end();
      },
    };
  }

  /** Of the candidate, in all scopes. */
  private triedOf(target: CooldownTarget, now: number) {
    if (this.halfOpen.size === 0) return [];
    return SCOPES.flatMap((scope) => {
      const name = nameOf({ scope, target: scopeKey(scope, target) });
      const found = this.halfOpen.get(name);
      if (!found) return [];
      if (!found.state.isOver(now)) return [found];
      this.halfOpen.delete(name);
      return [];
    });
  }

  /** A rest is over. */
  private ended(cooldown: Cooldown, now: number): void {
    if (!TRIED_KINDS.has(cooldown.kind) || cooldown.isCounted) return;
    const state = new HalfOpen(now, {
      onRoom: () => this.hooks.onRoom?.(cooldown.provider),
      onProven: () => this.hooks.onChange?.(cooldown, null),
    });
    this.halfOpen.set(nameOf(cooldown), { cooldown, state, isTold: false });
  }

  success(target: CooldownTarget, startedAt: number = this.clock.now()): void {
    if (this.count === 0 && this.streaks.size === 0 && this.goneStrikes.size === 0) return;
    this.goneStrikes.delete(scopeKey('model-on-provider', target));
    for (const scope of SCOPES) {
      const key = scopeKey(scope, target);
      const found = this.running.get(scope)?.get(key);
      if (found && found.since <= startedAt) this.lift(found, key, true);
      if (this.streaks.size === 0) continue;
      for (const kind of KINDS) {
        const name = `${scope}${SEPARATOR}${key}${SEPARATOR}${kind}`;
        const streak = this.streaks.get(name);
        if (streak && streak.last <= startedAt) this.streaks.delete(name);
      }
    }
  }

  list(): Cooldown[] {
    const now = this.clock.now();
    const all: Cooldown[] = [];
    for (const [scope, cooldowns] of this.running) {
      for (const key of [...cooldowns.keys()]) {
        const found = this.find(scope, key, now);
        if (found) all.push(found);
      }
    }
    return all.sort((a, b) => a.until - b.until);
  }

  tried(): Cooldown[] {
    // Those that have ended by now are only known once somebody looks.
    this.list();
    const now = this.clock.now();
    return [...this.halfOpen.values()].flatMap(({ cooldown, state }) =>
      state.isProven || state.isOver(now) ? [] : [cooldown],
    );
  }

  clear(id: string): boolean {
    if (this.liftWhere((cooldown) => cooldown.id === id) > 0) return true;
    const tried = this.tried().find((cooldown) => cooldown.id === id);
    if (!tried) return false;
    this.halfOpen.delete(nameOf(tried));
    this.hooks.onChange?.(tried, null);
    return true;
  }

  clearKey(keyId: string): void {
    this.liftWhere((cooldown) => cooldown.keyId === keyId);
  }

  hold({ id: keyId, provider }: { id: string; provider: string }, message: string, until: number): void {
    const now = this.clock.now();
    const existing = this.find('key', keyId, now);
    if (existing && existing.until >= until) return;
    const since = existing?.kind === 'auth' ? existing.since : now;
    const cooldown: Cooldown = {
      id: existing?.id ?? `c${++this.lastId}`,
      scope: 'key',
      provider,
      model: null,
      keyId,
      kind: 'auth',
      message,
      since,
      until,
      target: keyId,
      streak: existing?.streak ?? 1,
    };
    this.put(cooldown, existing);
  }

  restore(cooldowns: readonly Cooldown[]): void {
    const now = this.clock.now();
    for (const stored of cooldowns) {
      this.lastId = Math.max(this.lastId, Number(stored.id.slice(1)) || 0);
      const running = this.running.get(stored.scope);
      if (!running || stored.until <= now || running.has(stored.target)) continue;
      const cooldown = stored.since > now + CLOCK_SLACK_MS ? asOfNow(stored, now) : stored;
      running.set(cooldown.target, cooldown);
      this.count++;
      if (cooldown !== stored) this.hooks.onChange?.(cooldown, cooldown.until);
      const { scope, target, kind, streak, since, until } = cooldown;
      this.streaks.set(`${scope}${SEPARATOR}${target}${SEPARATOR}${kind}`, { count: streak, last: since, until });
    }
  }

  private liftWhere(isMeant: (cooldown: Cooldown) => boolean): number {
    let lifted = 0;
    for (const cooldowns of this.running.values()) {
      for (const [key, cooldown] of [...cooldowns]) {
        if (!isMeant(cooldown)) continue;
        this.lift(cooldown, key, false);
        this.streaks.delete(`${cooldown.scope}${SEPARATOR}${key}${SEPARATOR}${cooldown.kind}`);
        lifted++;
      }
    }
    return lifted;
  }

  /** `isProven`: an answer came. Else whoever asks first tries it. */
  private lift(cooldown: Cooldown, key: string, isProven: boolean): void {
    const now = this.clock.now();
    this.running.get(cooldown.scope)?.delete(key);
    this.count--;
    if (!isProven) this.ended(cooldown, now);
    if (cooldown.until > now) this.hooks.onChange?.(cooldown, null);
  }

  /** The running cooldown under that key; one that has run out is forgotten. */
  private find(scope: CooldownScope, key: string, now: number): Cooldown | null {
    const found = this.running.get(scope)?.get(key);
    if (!found) return null;
    if (found.until > now) return found.since <= now + CLOCK_SLACK_MS ? found : this.takeBack(found, now);
    this.running.get(scope)?.delete(key);
    this.count--;
    this.ended(found, now);
    return null;
  }

  /** The clock was ahead when it began, perhaps by years. */
  private takeBack(cooldown: Cooldown, now: number): Cooldown {
    const right = asOfNow(cooldown, now);
    this.put(right, cooldown);
    return right;
  }

  private touchStreak(name: string, now: number, isUncounted: boolean): Streak {
    const known = this.streaks.get(name);
    const isOfNow = known !== undefined && known.last <= now + CLOCK_SLACK_MS;
    if (isOfNow && now - Math.max(known.last, known.until) <= STREAK_MEMORY_MS) {
      if (!isUncounted) known.count++;
      known.last = now;
      return known;
    }
    const streak: Streak = { count: isUncounted ? 0 : 1, last: now, until: now };
    this.streaks.set(name, streak);
    return streak;
  }

  /** A request asks a model of a provider once at most, so two strikes are two requests, with a rest between them. */
  private strike(failure: Failure, target: CooldownTarget): void {
    // `false`, not undefined: a web page, which a wrong base URL answers for every model.
    if (failure.isFinal === false) return;
    const key = scopeKey('model-on-provider', target);
    // Side by side with the first one: the same moment of the provider's is no second word.
    if (!failure.isFinal && this.find('model-on-provider', key, this.clock.now())?.kind === 'gone') return;
    const strikes = (this.goneStrikes.get(key) ?? 0) + 1;
    if (!failure.isFinal && strikes < GONE_STRIKES) {
      this.goneStrikes.set(key, strikes);
      return;
    }
    this.goneStrikes.delete(key);
    this.hooks.onGone?.(target.provider, target.model, failure.message);
  }
}

function nameOf({ scope, target }: Pick<Cooldown, 'scope' | 'target'>): string {
  return `${scope}${SEPARATOR}${target}`;
}

/** As if it had begun now: it never lasts longer than what it was made for. */
function asOfNow(cooldown: Cooldown, now: number): Cooldown {
  const length = Math.min(cooldown.until - cooldown.since, MAX_STATED_MS);
  return { ...cooldown, since: now, until: Math.min(cooldown.until, now + length) };
}

const KINDS = (Object.keys(FAILURE_POLICY) as FailureKind[]).filter((kind) => FAILURE_POLICY[kind].scope !== null);

function scopeKey(scope: CooldownScope, target: CooldownTarget): string {
  switch (scope) {
    case 'key':
      return target.keyId ?? target.provider;
    case 'model-on-key':
      return `${target.keyId ?? ''}${SEPARATOR}${target.provider}${SEPARATOR}${target.model}`;
    case 'model-on-provider':
      return `${target.provider}${SEPARATOR}${target.model}`;
    case 'provider':
      return target.provider;
    case 'host':
      return target.host;
  }
}

/** A length that the provider stated says nothing about how long the next one should be: it does not double. */
function takesStated(cooldown: CooldownLength): boolean {
  return cooldown.type === 'doubling' ? cooldown.isStated : cooldown.type.startsWith('stated');
}

/** A wait that is over already is none. */
function statedMs({ retryAfterMs }: Failure): number | null {
  return retryAfterMs !== null && retryAfterMs > 0 ? retryAfterMs : null;
}

function lengthMs(cooldown: CooldownLength, failure: Failure, streak: number): number {
  switch (cooldown.type) {
    case 'none':
      return 0;
    case 'fixed':
      return cooldown.ms;
    case 'stated-or-fixed':
    case 'stated-or-day':
      return statedMs(failure) ?? cooldown.ms;
    case 'doubling': {
      const own = Math.min(cooldown.ms * 2 ** Math.max(streak - 1, 0), cooldown.capMs);
      return cooldown.isStated ? (statedMs(failure) ?? own) : own;
    }
    case 'after':
      return streak >= cooldown.count ? cooldown.ms : 0;
  }
}
