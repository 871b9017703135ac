import type { FailureKind } from '../failure.js';
import type { CooldownScope } from '../failurePolicy.js';
import { MAX_STATED_MS } from '../retryAfter.js';

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

export const SCOPES: readonly CooldownScope[] = ['key', 'model-on-key', 'model-on-provider', 'provider', 'host'];
/** What began so much in the future was made while the clock was wrong. */
export const CLOCK_SLACK_MS = 60 * 1000;
/** Separates parts of a name; in no id. */
const SEPARATOR = '\n';

/** What of the candidate a cooldown of that scope lies on. */
export function targetOf(scope: CooldownScope, target: CooldownTarget): string {
  switch (scope) {
    case 'key':
      return target.keyId ?? target.provider;
    case 'model-on-key':
      return joined(target.keyId ?? '', target.provider, target.model);
    case 'model-on-provider':
      return joined(target.provider, target.model);
    case 'provider':
      return target.provider;
    case 'host':
      return target.host;
  }
}

/** Of a cooldown, or of what one could lie on: unique among all. */
export function nameOf({ scope, target }: Pick<Cooldown, 'scope' | 'target'>): string {
  return joined(scope, target);
}

/** Several ids as one that no others make. */
export function joined(...ids: readonly string[]): string {
  return ids.join(SEPARATOR);
}

/** As if it had begun now: it never lasts longer than what it was made for. */
export function asOfNow(cooldown: Cooldown, now: number): Cooldown {
  const length = Math.min(cooldown.until - cooldown.since, MAX_STATED_MS);
  return { ...cooldown, since: now, until: Math.min(cooldown.until, now + length) };
}
