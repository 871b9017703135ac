import type { ChainEntry } from '../ledger/changes.js';
import type { Candidate } from './inventory.js';

type Compare = (a: Candidate, b: Candidate) => number;

/** As the chain has them; what is not in it follows by its rank. */
export function chainOrder(chain: readonly Candidate[]): Compare {
  const positions = new Map<Candidate, number>();
  for (const candidate of chain) if (!positions.has(candidate)) positions.set(candidate, positions.size);
  const positionOf = (candidate: Candidate) => positions.get(candidate) ?? positions.size;
  return (a, b) => positionOf(a) - positionOf(b) || byRank(a, b);
}

/** Candidates by their provider-side id, each list in order. */
export function groupByModelId(
  byName: ReadonlyMap<string, readonly Candidate[]>,
  compare: Compare,
): Map<string, Candidate[]> {
  const byModelId = new Map<string, Candidate[]>();
  for (const candidates of byName.values()) {
    for (const candidate of candidates) {
      const list = byModelId.get(candidate.model);
      if (list) list.push(candidate);
      else byModelId.set(candidate.model, [candidate]);
    }
  }
  for (const list of byModelId.values()) list.sort(compare);
  return byModelId;
}

/** A configured chain ends in the demo while that is switched on. */
export function withDemo(chain: readonly string[]): readonly string[] {
  return [...chain.filter((name) => name !== 'demo/demo'), 'demo/demo'];
}

/** Best rank first; the demo is always last; equal ranks keep the provider's and the key's order. */
function byRank(a: Candidate, b: Candidate): number {
  const isDemo = Number(a.provider === 'demo') - Number(b.provider === 'demo');
  return isDemo || a.catalog.intelligenceRank - b.catalog.intelligenceRank || a.catalog.speedRank - b.catalog.speedRank;
}

/** The user's order where there is one; models that it does not know yet follow by their rank. */
export function userOrder(candidates: Candidate[], chain: readonly ChainEntry[] | null): Candidate[] {
  candidates.sort(byRank);
  if (!chain) return candidates;
  const positions = new Map(chain.map(({ model }, position) => [model, position]));
  const positionOf = ({ name }: Candidate) => positions.get(name) ?? chain.length;
  return candidates.sort((a, b) => positionOf(a) - positionOf(b));
}
