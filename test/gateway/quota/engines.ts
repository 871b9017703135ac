import type { ProviderSpec } from '../../../src/gateway/providers/spec.js';
import { providerSpec } from '../../../src/gateway/providers/table.js';
import { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import type { Limits, QuotaTarget } from '../../../src/gateway/quota/limits.js';
import { done, mustLease, sourcesOf, TARGET, WorldClock } from './world.js';

export const NOON = Date.UTC(2026, 10, 21, 12);
export const K2 = { ...TARGET, keyId: 'k2' };
export const M2 = { ...TARGET, model: 'm2' };

export function engineOf(
  limits: Limits,
  spec?: Parameters<typeof sourcesOf>[1],
  user?: Parameters<typeof sourcesOf>[2],
) {
  const clock = new WorldClock(NOON);
  let freed = 0;
  const engine = new QuotaEngine(clock, sourcesOf(limits, spec, user), { onFreed: () => void freed++ });
  return { clock, engine, freed: () => freed };
}

/** A request answered at once. */
export function spend(engine: QuotaEngine, target: QuotaTarget = TARGET, tokens = 10): void {
  mustLease(engine, target, tokens).settle(done(tokens));
}

/** The engine with a provider of the table, and what the catalog says nothing of. */
export function tabled(id: string, limits: Limits = {}) {
  const spec = providerSpec(id) as ProviderSpec;
  return { ...engineOf(limits, spec), target: { provider: id, model: 'm', keyId: 'k' } };
}
