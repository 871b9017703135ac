import type { ChainModel } from '../../protocol/chain.js';
import type { ChainEntry } from '../ledger/changes.js';
import type { Candidate, Inventory } from './inventory.js';

/** The chain as the admin API shows it: what is on, in order, then what is off; each model once. */
export function chainView(
  inventory: Inventory,
  entries: readonly ChainEntry[] | null,
  isFree: (candidate: Candidate) => boolean,
): ChainModel[] {
  const views = new Map<string, ChainModel>();
  for (const candidate of inventory.chain) {
    const isAvailable = isFree(candidate);
    const view = views.get(candidate.name);
    if (view) view.available ||= isAvailable;
    else {
      const { name, provider, model, catalog } = candidate;
      views.set(name, { model: name, provider, id: model, name: catalog.name, enabled: true, available: isAvailable });
    }
  }
  const off = (entries ?? []).filter(({ isEnabled }) => !isEnabled).map(({ model }) => model);
  for (const model of [...off, ...inventory.disabledNames]) {
    const known = inventory.known.get(model);
    if (!known || views.has(model) || !inventory.keyedProviders.has(known.provider)) continue;
    const { provider, id, name } = known;
    views.set(model, { model, provider, id, name, enabled: false, available: false });
  }
  return [...views.values()];
}
