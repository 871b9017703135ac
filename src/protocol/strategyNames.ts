/** How `auto` orders the chain. `priority` is the chain's own order; the others rank by a score. */
export const STRATEGIES = ['priority', 'balanced', 'smartest', 'fastest', 'reliable', 'custom'] as const;

/** What a profile may have besides: `failover` is `priority`; `least-latency` goes by speed alone. */
export const PROFILE_STRATEGIES = [...STRATEGIES, 'failover', 'round-robin', 'least-latency'] as const;

export type Strategy = (typeof STRATEGIES)[number];
export type ProfileStrategy = (typeof PROFILE_STRATEGIES)[number];

/** What a score is made of, in the order in which it is told. */
export const SCORE_PARTS = ['reliability', 'speed', 'intelligence', 'headroom'] as const;
export type ScorePart = (typeof SCORE_PARTS)[number];

export function isProfileStrategy(name: unknown): name is ProfileStrategy {
  return (PROFILE_STRATEGIES as readonly unknown[]).includes(name);
}
