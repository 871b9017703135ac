import type { Clock } from '../../ports.js';
import type { Failure } from '../failure.js';
import { type CooldownScope, FAILURE_POLICY } from '../failurePolicy.js';
import { asOfNow, CLOCK_SLACK_MS, type Cooldown, type CooldownTarget, SCOPES, targetOf } from './cooldown.js';
import { isStatedLength, lengthMs } from './cooldownLength.js';
import type { Trial } from './halfOpen.js';
import { Streaks } from './streaks.js';
import { type TrialHooks, Trials } from './trials.js';

export interface CooldownHooks extends Omit<TrialHooks, 'onProven'> {
  /** Begun or prolonged (`until` a time), or lifted before its end (`until` null). Running out is not told. */
  onChange?(cooldown: Cooldown, until: number | null): void;
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

const GONE_STRIKES = 2;
const UPSTREAM = /upstream/i;
/** The cooldowns of one gateway, in memory. Lengths and scopes come from `FAILURE_POLICY`. */
export function createCooldowns(clock: Clock, hooks: CooldownHooks = {}): Cooldowns {
  return new CooldownStore(clock, hooks);
}

class CooldownStore implements Cooldowns {
  private readonly running = new Map<CooldownScope, Map<string, Cooldown>>(SCOPES.map((scope) => [scope, new Map()]));
  private readonly streaks = new Streaks();
  private readonly goneStrikes = new Map<string, number>();
  private readonly trials: Trials;
  private lastId = 0;
  /** Running ones of all scopes, so that the usual case costs one comparison. */
  private count = 0;

  constructor(
    private readonly clock: Clock,
    private readonly hooks: CooldownHooks,
  ) {
    this.trials = new Trials({
      onTrying: (cooldown) => hooks.onTrying?.(cooldown),
      onRoom: (provider) => hooks.onRoom?.(provider),
      onProven: (cooldown) => hooks.onChange?.(cooldown, null),
    });
  }

  begin(failure: Failure, target: CooldownTarget, isCounted = false): Cooldown | null {
    if (failure.kind === 'gone') this.strike(failure, target);
    const policy = FAILURE_POLICY[failure.kind];
    const now = this.clock.now();
    const scope = this.isOfWholeKey(failure, target, now) ? 'key' : policy.scope;
    if (scope === null) return null;
    const key = targetOf(scope, target);
    const existing = this.find(scope, key, now);
    const isSideBySide = existing?.kind === failure.kind;
    const isStated = isStatedLength(policy.cooldown, failure);
    const streak = this.streaks.touch({ scope, target: key }, failure.kind, now, isSideBySide || isStated);
    if (isSideBySide && existing && !isStated) return existing;
    const length = lengthMs(policy.cooldown, failure, streak.count, target.isLocal);
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
    this.trials.forget(cooldown);
    this.running.get(cooldown.scope)?.set(cooldown.target, cooldown);
    this.hooks.onChange?.(cooldown, cooldown.until);
  }

  check(target: CooldownTarget): Cooldown | null {
    if (this.count === 0) return null;
    const now = this.clock.now();
    let last: Cooldown | null = null;
    for (const scope of SCOPES) {
      if (this.running.get(scope)?.size === 0) continue;
      const found = this.find(scope, targetOf(scope, target), now);
      if (found && (last === null || found.until > last.until)) last = found;
    }
    return last;
  }

  held(target: CooldownTarget): { cooldown: Cooldown; until: number } | null {
    return this.trials.held(target, this.clock.now());
  }

  isTried(target: CooldownTarget): boolean {
    return this.trials.isTried(target, this.clock.now());
  }

  enter(target: CooldownTarget): Trial | null {
    return this.trials.enter(target, this.clock.now());
  }

  success(target: CooldownTarget, startedAt: number = this.clock.now()): void {
    if (this.count === 0 && this.streaks.isEmpty && this.goneStrikes.size === 0) return;
    this.goneStrikes.delete(targetOf('model-on-provider', target));
    for (const scope of SCOPES) {
      const place = { scope, target: targetOf(scope, target) };
      const found = this.running.get(scope)?.get(place.target);
      if (found && found.since <= startedAt) this.lift(found, true);
      this.streaks.answered(place, startedAt);
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
    return this.trials.list(this.clock.now());
  }

  clear(id: string): boolean {
    if (this.liftWhere((cooldown) => cooldown.id === id) > 0) return true;
    const tried = this.tried().find((cooldown) => cooldown.id === id);
    if (!tried) return false;
    this.trials.forget(tried);
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
      this.streaks.restore(cooldown);
    }
  }

  private liftWhere(isMeant: (cooldown: Cooldown) => boolean): number {
    let lifted = 0;
    for (const cooldowns of this.running.values()) {
      for (const cooldown of [...cooldowns.values()]) {
        if (!isMeant(cooldown)) continue;
        this.lift(cooldown, false);
        this.streaks.forget(cooldown);
        lifted++;
      }
    }
    return lifted;
  }

  /** `isProven`: an answer came. Else whoever asks first tries it. */
  private lift(cooldown: Cooldown, isProven: boolean): void {
    const now = this.clock.now();
    this.running.get(cooldown.scope)?.delete(cooldown.target);
    this.count--;
    if (!isProven) this.trials.begin(cooldown, now);
    if (cooldown.until > now) this.hooks.onChange?.(cooldown, null);
  }

  /** The running cooldown under that key; one that has run out is forgotten. */
  private find(scope: CooldownScope, key: string, now: number): Cooldown | null {
    const found = this.running.get(scope)?.get(key);
    if (!found) return null;
    if (found.until > now) return found.since <= now + CLOCK_SLACK_MS ? found : this.takeBack(found, now);
    this.running.get(scope)?.delete(key);
    this.count--;
    this.trials.begin(found, now);
    return null;
  }

  /** The clock was ahead when it began, perhaps by years. */
  private takeBack(cooldown: Cooldown, now: number): Cooldown {
    const right = asOfNow(cooldown, now);
    this.put(right, cooldown);
    return right;
  }

  /** A request asks a model of a provider once at most, so two strikes are two requests, with a rest between them. */
  private strike(failure: Failure, target: CooldownTarget): void {
    // `false`, not undefined: a web page, which a wrong base URL answers for every model.
    if (failure.isFinal === false) return;
    const key = targetOf('model-on-provider', target);
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
