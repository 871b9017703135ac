import type { Failure } from '../failure.js';
import { type CooldownLength, LOCAL_CAP_MS } from '../failurePolicy.js';
import { MAX_STATED_MS } from '../retryAfter.js';

/** Whether the provider said how long, and the policy believes it: such a length says nothing about the next one. */
export function isStatedLength(cooldown: CooldownLength, failure: Failure): boolean {
  const takesStated = cooldown.type === 'doubling' ? cooldown.isStated : cooldown.type.startsWith('stated');
  return takesStated && statedMs(failure) !== null;
}

/** How long a failure makes a candidate rest, in ms; `streak`: the failures in a row, this one included. */
export function lengthMs(cooldown: CooldownLength, failure: Failure, streak: number, isLocal: boolean): number {
  return Math.min(uncapped(cooldown, failure, streak), isLocal ? LOCAL_CAP_MS : MAX_STATED_MS);
}

function uncapped(cooldown: CooldownLength, failure: Failure, streak: number): number {
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

/** A wait that is over already is none. */
function statedMs({ retryAfterMs }: Failure): number | null {
  return retryAfterMs !== null && retryAfterMs > 0 ? retryAfterMs : null;
}
