import type { Clock } from '../ports.js';
import type { CatalogModel } from '../providers/spec.js';

/** What a provider listed for a user's key. */
export interface ListedModels {
  provider: string;
  models: readonly CatalogModel[];
  /** ms since the epoch. */
  learnedAt: number;
}

/** The models that are known beside the config's own: the built-in catalog, and what providers listed for a user's key. */
export interface ModelStore {
  all(): readonly CatalogModel[];
  /** Whether any model of the provider is known. */
  has(provider: string): boolean;
  /** The provider need not be asked again: the catalog has its models, or it listed them within the day. */
  isFresh(provider: string): boolean;
  /** A provider's own list: fills a provider that the catalog has no rows for; elsewhere it is not used yet. */
  setListed(provider: string, models: readonly CatalogModel[]): void;
  /** A list of an earlier life of the gateway. */
  restore(listed: ListedModels): void;
}

const FRESH_MS = 24 * 60 * 60 * 1000;

/** `onListed` is told of every list that is taken. */
export function createModelStore(
  builtIn: readonly CatalogModel[],
  clock: Pick<Clock, 'now'>,
  onListed: (listed: ListedModels) => void,
): ModelStore {
  const catalogued = new Set(builtIn.map((model) => model.provider));
  const lists = new Map<string, ListedModels>();
  const put = (list: ListedModels): boolean => {
    if (catalogued.has(list.provider) || list.models.length === 0) return false;
    lists.set(list.provider, list);
    return true;
  };
  return {
    all: () => [...builtIn, ...[...lists.values()].flatMap(({ models }) => models)],
    has: (provider) => catalogued.has(provider) || lists.has(provider),
    isFresh: (provider) =>
      catalogued.has(provider) || clock.now() - (lists.get(provider)?.learnedAt ?? -Infinity) < FRESH_MS,
    setListed(provider, models) {
      const list = { provider, models: models.map((model) => ({ ...model, provider })), learnedAt: clock.now() };
      if (put(list)) onListed(list);
    },
    restore: (list) => void put(list),
  };
}
