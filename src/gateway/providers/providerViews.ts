import type { ProviderView } from '../../protocol/provider.js';
import type { ConfigFile } from '../config/configFile.js';
import type { KeyPool } from '../keys/keyPool.js';
import type { Inventory } from '../routing/inventory.js';
import type { CatalogModel, ProviderSpec } from './spec.js';
import { customProviderSpec, PROVIDERS } from './table.js';

/**
 * The provider table as pickers and pages show it, then the user's own endpoints. The demo is a switch of its own, not a
 * provider to add.
 */
export function providerViews(
  keys: KeyPool,
  models: readonly CatalogModel[],
  inventory: Inventory,
  config: ConfigFile,
): ProviderView[] {
  const listed = PROVIDERS.filter(({ id }) => id !== 'demo');
  return [...listed, ...ownEndpoints(keys, config)].map((spec) => {
    const isOn = inventory.keyedProviders.has(spec.id);
    return {
      id: spec.id,
      name: spec.name,
      offers: spec.offers,
      baseUrl: config.providers?.[spec.id]?.baseUrl ?? spec.baseUrl,
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

/** The custom providers that there are keys for, each once. */
function ownEndpoints(keys: KeyPool, config: ConfigFile): ProviderSpec[] {
  const specs = new Map<string, ProviderSpec>();
  for (const { provider, baseUrl, secret } of keys.all()) {
    if (!provider.startsWith('custom:') || specs.has(provider)) continue;
    const given = config.providers?.[provider];
    // A name and password in it are nobody's business.
    const url = (baseUrl ?? given?.baseUrl ?? '').replace(/\/\/[^/@]*@/, '//');
    const spec = customProviderSpec(provider, { baseUrl: url, isKeyless: secret === null });
    specs.set(provider, { ...spec, ...(given?.name ? { name: given.name } : {}) });
  }
  return [...specs.values()];
}
