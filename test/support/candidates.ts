import { discoverableModel } from '../../src/gateway/catalog/modelDefaults.js';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { configKeys } from '../../src/gateway/config/configKeys.js';
import { createKeyPool } from '../../src/gateway/keys/keyPool.js';
import { createOpenAiAdapter } from '../../src/gateway/providers/openai.js';
import { buildInventory, type Inventory, type InventorySources } from '../../src/gateway/routing/inventory.js';

/** A model of a provider of its own: `custom:<name>/m`. */
export interface TestModel {
  name: string;
  /** 1 by default. */
  keys?: number;
  intelligenceRank?: number;
  speedRank?: number;
}

/** An inventory of just these models, in this order. */
export function inventoryOf(models: readonly TestModel[], more: Partial<InventorySources> = {}): Inventory {
  const providers: ConfigFile['providers'] = {};
  for (const { name, keys = 1 } of models) {
    const secrets = Array.from({ length: keys }, (_, at) => ({ key: `key-${at}-of-${name}` }));
    providers[`custom:${name}`] = { baseUrl: 'http://127.0.0.1:1/v1', keys: secrets };
  }
  const config: ConfigFile = { providers, chain: models.map(({ name }) => `custom:${name}/m`), ...more.config };
  const pool = createKeyPool(
    () => 0,
    () => undefined,
  );
  for (const key of configKeys(config)) pool.add(key, 'config');
  const adapter = createOpenAiAdapter();
  return buildInventory({
    keys: pool,
    models: models.map(({ name, intelligenceRank = 1000, speedRank = 1000 }) => {
      return { ...discoverableModel(`custom:${name}`, 'm'), intelligenceRank, speedRank };
    }),
    logicalModels: {},
    adapters: { openai: adapter, demo: adapter, gemini: adapter, cohere: adapter },
    demo: false,
    disabled: new Set(),
    chain: null,
    profiles: [],
    learnedWindows: new Map(),
    ...more,
    config,
  });
}
