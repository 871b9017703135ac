import type { ProviderView } from '../../protocol/provider.js';
import type { KeyPool } from '../keys/keyPool.js';
import type { Inventory } from '../routing/inventory.js';
import type { CatalogModel } from './spec.js';
import { PROVIDERS } from './table.js';

/** The provider table as pickers and pages show it. The demo is a switch of its own, not a provider to add. */
export function providerViews(keys: KeyPool, models: readonly CatalogModel[], inventory: Inventory): ProviderView[] {
  return PROVIDERS.filter(({ id }) => id !== 'demo').map((spec) => {
    const isOn = inventory.keyedProviders.has(spec.id);
    return {
      id: spec.id,
      name: spec.name,
      offers: spec.offers,
      keyUrl: spec.keyUrl,
      isKeyless: spec.auth === 'none',
      hasAccountId: spec.hasAccountId === true,
      keyPattern: spec.keyShape?.source ?? null,
      terms: spec.terms ?? null,
      keys: Math.max(keys.ofProvider(spec.id).length, Number(isOn && spec.auth === 'none')),
      models: models.filter((model) => model.provider === spec.id && model.enabled).length,
    };
  });
}
