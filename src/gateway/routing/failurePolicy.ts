import type { FailureKind } from './failure.js';

/** What the request at hand leaves out after a failure. */
export type Skip =
  | 'key'
  | 'model-on-key'
  /** The model with that key; after several of the key, its other models come after everybody else's. */
  | 'model-then-key-last'
  | 'model-on-provider'
  /** The model on that provider; the whole provider after two such failures in one request. */
  | 'model-then-provider'
  | 'provider'
  | 'host'
  | 'smaller-models';

/** What a cooldown lies on. `host`: every provider behind that host. */
export type CooldownScope = 'key' | 'model-on-key' | 'model-on-provider' | 'provider' | 'host';

/** How long a cooldown lasts, in ms. */
export type CooldownLength =
  | { type: 'none' }
  | { type: 'fixed'; ms: number }
  /** As the provider said, else fixed. */
  | { type: 'stated-or-fixed'; ms: number }
  /** As the provider said, else until its quota day ends (classify.ts fills `retryAfterMs`), else fixed. */
  | { type: 'stated-or-day'; ms: number }
  /** Twice as long each time until a success, up to the cap; `isStated`: unless the provider said. */
  | { type: 'doubling'; ms: number; capMs: number; isStated: boolean }
  /** Only from the nth failure in a row. */
  | { type: 'after'; count: number; ms: number };

export interface FailurePolicy {
  skips: Skip;
  scope: CooldownScope | null;
  cooldown: CooldownLength;
  /** The word in `X-Fallback-Trail`, in the ledger and in the UI's explanations. */
  trail: string;
  description: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Cooldowns of whatever listens on loopback or in the LAN: the user restarts it and expects it back at once. */
export const LOCAL_CAP_MS = 5 * SECOND;

/** The failure policy, one row a kind. docs/routing.md shows the same table; a test compares them. */
export const FAILURE_POLICY: Readonly<Record<FailureKind, FailurePolicy>> = {
  auth: {
    skips: 'key',
    scope: 'key',
    cooldown: { type: 'fixed', ms: 5 * MINUTE },
    trail: 'auth',
    description: 'The provider refuses the key; it is checked again at once.',
  },
  credit: {
    skips: 'key',
    scope: 'key',
    cooldown: { type: 'stated-or-fixed', ms: DAY },
    trail: 'credit',
    description: 'The account is out of credits.',
  },
  forbidden: {
    skips: 'model-on-key',
    scope: 'model-on-key',
    cooldown: { type: 'fixed', ms: DAY },
    trail: 'forbidden',
    description: 'This key may not use this model; its other models stay in use.',
  },
  challenge: {
    skips: 'provider',
    scope: 'provider',
    cooldown: { type: 'fixed', ms: 90 * SECOND },
    trail: 'challenge',
    description: 'A proxy or CDN before the provider answered; the key is not blamed.',
  },
  gone: {
    skips: 'model-on-provider',
    scope: 'model-on-provider',
    cooldown: { type: 'fixed', ms: HOUR },
    trail: 'gone',
    description: 'The provider does not have the model; said for good, or twice, it is disabled in the catalog.',
  },
  daily_quota: {
    skips: 'model-on-key',
    scope: 'model-on-key',
    cooldown: { type: 'stated-or-day', ms: DAY },
    trail: 'daily_quota',
    description: "The day's quota is used up; where the provider counts models together, for all of them.",
  },
  rate_limit: {
    skips: 'model-then-key-last',
    scope: 'model-on-key',
    cooldown: { type: 'doubling', ms: MINUTE, capMs: 10 * MINUTE, isStated: true },
    trail: 'rate_limit',
    description:
      'Too many requests or tokens in a short time; where the provider counts models together, two of them rest the key.',
  },
  overloaded: {
    skips: 'model-then-provider',
    scope: 'model-on-provider',
    cooldown: { type: 'doubling', ms: 30 * SECOND, capMs: 5 * MINUTE, isStated: false },
    trail: 'overloaded',
    description: 'The provider failed on its own side.',
  },
  network: {
    skips: 'host',
    scope: 'host',
    cooldown: { type: 'doubling', ms: 15 * SECOND, capMs: 2 * MINUTE, isStated: false },
    trail: 'network',
    description: 'The host could not be reached, or the connection broke.',
  },
  slow: {
    skips: 'model-on-provider',
    scope: 'model-on-provider',
    cooldown: { type: 'doubling', ms: 30 * SECOND, capMs: 5 * MINUTE, isStated: false },
    trail: 'slow',
    description: 'No first delta, or no further one, within the limit.',
  },
  too_large: {
    skips: 'smaller-models',
    scope: null,
    cooldown: { type: 'none' },
    trail: 'too_large',
    description: "The prompt is over the model's limit, which is learned where it was said.",
  },
  bad_request: {
    skips: 'provider',
    scope: null,
    cooldown: { type: 'none' },
    trail: 'bad_request',
    description: 'The provider does not take the request; if all agree, the client reads their words.',
  },
  empty: {
    skips: 'model-on-provider',
    scope: 'model-on-provider',
    cooldown: { type: 'after', count: 3, ms: 30 * SECOND },
    trail: 'empty',
    description: 'An answer without text or calls, or not readable.',
  },
};

/** The key is good, and its provider has had enough of it for now. */
export const RATE_KINDS: ReadonlySet<FailureKind> = new Set(['rate_limit', 'daily_quota']);

/** When such a rest is over, nobody knows how many may go unless a quota window says it: one request tries it first. */
export const TRIED_KINDS: ReadonlySet<FailureKind> = new Set([...RATE_KINDS, 'overloaded']);

/** The cooldown in words, as the docs have it. */
export function describeCooldown(cooldown: CooldownLength): string {
  switch (cooldown.type) {
    case 'none':
      return 'none';
    case 'fixed':
      return span(cooldown.ms);
    case 'stated-or-fixed':
      return `stated, else ${span(cooldown.ms)}`;
    case 'stated-or-day':
      return "stated, else the provider's day boundary";
    case 'doubling':
      return `${cooldown.isStated ? 'stated, else ' : ''}${span(cooldown.ms)} doubling to ${span(cooldown.capMs)}`;
    case 'after':
      return `${span(cooldown.ms)} from number ${cooldown.count} in a row`;
  }
}

function span(ms: number): string {
  if (ms % HOUR === 0) return `${ms / HOUR} h`;
  // 90 s reads better than 1.5 min, 60 s as 60 s
  return ms % MINUTE === 0 && ms > MINUTE ? `${ms / MINUTE} min` : `${ms / SECOND} s`;
}
