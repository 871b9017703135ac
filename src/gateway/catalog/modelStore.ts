import type { CatalogModel } from '../providers/spec.js';

/** The models that are known beside the config's own: the built-in catalog, and what providers listed for a user's key. */
export interface ModelStore {
  all(): readonly CatalogModel[];
  /** Whether any model of the provider is known. */
  has(provider: string): boolean;
  /** A provider's own list: fills a provider that the catalog has no rows for; elsewhere it is not used yet. */
  setListed(provider: string, models: readonly CatalogModel[]): void;
}

export function createModelStore(builtIn: readonly CatalogModel[], onChange: () => void): ModelStore {
  const catalogued = new Set(builtIn.map((model) => model.provider));
  const listed = new Map<string, readonly CatalogModel[]>();
  return {
    all: () => [...builtIn, ...[...listed.values()].flat()],
    has: (provider) => catalogued.has(provider) || (listed.get(provider)?.length ?? 0) > 0,
    setListed(provider, models) {
      if (catalogued.has(provider) || models.length === 0) return;
      listed.set(
        provider,
        models.map((model) => ({ ...model, provider })),
      );
      onChange();
    },
  };
}
