import { TRIED_KINDS } from '../failurePolicy.js';
import { type Cooldown, type CooldownTarget, nameOf, SCOPES, targetOf } from './cooldown.js';
import { HalfOpen, type Trial } from './halfOpen.js';

interface Tried {
  cooldown: Cooldown;
  state: HalfOpen;
  isTold: boolean;
}

export interface TrialHooks {
  /** A rest is over, and the first request tries it. */
  onTrying?(cooldown: Cooldown): void;
  /** More requests may try what rested there than a moment ago. */
  onRoom?(provider: string): void;
  /** The first answer of what rested has begun. */
  onProven(cooldown: Cooldown): void;
}

/** What rested, rests no more, and is tried by few before all may go (`HalfOpen`). */
export class Trials {
  /** By scope and target. */
  private readonly all = new Map<string, Tried>();

  constructor(private readonly hooks: TrialHooks) {}

  /** A rest is over. Where a quota window says how many may go, nothing is tried. */
  begin(cooldown: Cooldown, now: number): void {
    if (!TRIED_KINDS.has(cooldown.kind) || cooldown.isCounted) return;
    const state = new HalfOpen(now, {
      onRoom: () => this.hooks.onRoom?.(cooldown.provider),
      onProven: () => this.hooks.onProven(cooldown),
    });
    this.all.set(nameOf(cooldown), { cooldown, state, isTold: false });
  }

  /** It rests again, or all may go. */
  forget(cooldown: Cooldown): void {
    this.all.delete(nameOf(cooldown));
  }

  /** It is being tried, and so far nobody else may go; until when at the longest. null: somebody may. */
  held(target: CooldownTarget, now: number): { cooldown: Cooldown; until: number } | null {
    let last: { cooldown: Cooldown; until: number } | null = null;
    for (const { cooldown, state } of this.of(target, now)) {
      const until = state.fullUntil(now);
      if (until !== null && (last === null || until > last.until)) last = { cooldown, until };
    }
    return last;
  }

  /** It rests no more, and no answer has come since. */
  isTried(target: CooldownTarget, now: number): boolean {
    return this.of(target, now).some(({ state }) => !state.isProven);
  }

  /** A request goes there; null where it tries nothing. */
  enter(target: CooldownTarget, now: number): Trial | null {
    const trials = this.of(target, now).map((tried) => {
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

  /** The rests that are over, of which no answer has come since. */
  list(now: number): Cooldown[] {
    return [...this.all.values()].flatMap(({ cooldown, state }) =>
      state.isProven || state.isOver(now) ? [] : [cooldown],
    );
  }

  /** Of the candidate, in all scopes. */
  private of(target: CooldownTarget, now: number): Tried[] {
    if (this.all.size === 0) return [];
    return SCOPES.flatMap((scope) => {
      const name = nameOf({ scope, target: targetOf(scope, target) });
      const found = this.all.get(name);
      if (!found) return [];
      if (!found.state.isOver(now)) return [found];
      this.all.delete(name);
      return [];
    });
  }
}
