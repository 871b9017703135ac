import type { FailureKind } from '../failure.js';
import { FAILURE_POLICY } from '../failurePolicy.js';
import { CLOCK_SLACK_MS, type Cooldown, joined, nameOf } from './cooldown.js';

/** A streak that nothing touched for so long after its cooldown is over. */
const MEMORY_MS = 60 * 60 * 1000;
const KINDS = (Object.keys(FAILURE_POLICY) as FailureKind[]).filter((kind) => FAILURE_POLICY[kind].scope !== null);

type Place = Pick<Cooldown, 'scope' | 'target'>;

/** Failures of one kind in a row at one place. */
export interface Streak {
  count: number;
  /** When the last failure came; its cooldown may end later. */
  last: number;
  until: number;
}

/** How often what lies where has failed in a row, which the lengths of cooldowns double from. */
export class Streaks {
  private readonly all = new Map<string, Streak>();

  get isEmpty(): boolean {
    return this.all.size === 0;
  }

  /** A failure came; `isUncounted`: it says nothing about how long the next rest should be. */
  touch(place: Place, kind: FailureKind, now: number, isUncounted: boolean): Streak {
    const name = streakName(place, kind);
    const known = this.all.get(name);
    const isOfNow = known !== undefined && known.last <= now + CLOCK_SLACK_MS;
    if (isOfNow && now - Math.max(known.last, known.until) <= MEMORY_MS) {
      if (!isUncounted) known.count++;
      known.last = now;
      return known;
    }
    const streak: Streak = { count: isUncounted ? 0 : 1, last: now, until: now };
    this.all.set(name, streak);
    return streak;
  }

  /** An answer came to a request that began at `startedAt`: it ends the streaks of failures before. */
  answered(place: Place, startedAt: number): void {
    if (this.isEmpty) return;
    for (const kind of KINDS) {
      const name = streakName(place, kind);
      const streak = this.all.get(name);
      if (streak && streak.last <= startedAt) this.all.delete(name);
    }
  }

  /** That of a cooldown which was lifted. */
  forget(cooldown: Cooldown): void {
    this.all.delete(streakName(cooldown, cooldown.kind));
  }

  restore(cooldown: Cooldown): void {
    const { kind, streak: count, since: last, until } = cooldown;
    this.all.set(streakName(cooldown, kind), { count, last, until });
  }
}

function streakName(place: Place, kind: FailureKind): string {
  return joined(nameOf(place), kind);
}
