import { builtInModels } from '../../src/gateway/catalog/catalog.js';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { createKeyPool } from '../../src/gateway/keys/keyPool.js';
import { createOpenAiAdapter } from '../../src/gateway/providers/openai.js';
import type { CatalogModel } from '../../src/gateway/providers/spec.js';
import { providerSpec } from '../../src/gateway/providers/table.js';
import { Router, type RouterListener } from '../../src/gateway/routing/router.js';
import { DEFAULTS } from '../../src/gateway/settings.js';
import type { SimulatedClock } from './simulatedClock.js';
import { ACCOUNTS } from './strictAccount.js';
import type { StrictUpstreams } from './strictUpstream.js';

/**
 * The enabled models of these providers (the twelve) that the catalog or the provider table knows a limit of. One without
 * (`glm-4.6v-flash`) would take any traffic, and nobody would ever see a 429.
 */
export function pooledModels(providers: readonly string[] = Object.keys(ACCOUNTS)): CatalogModel[] {
  return builtInModels().filter(({ provider, enabled, limits }) => {
    if (!enabled || !providers.includes(provider)) return false;
    return Object.keys(limits).length > 0 || (providerSpec(provider)?.accountLimits ?? []).length > 0;
  });
}

/** The gateway's real router, with one key at each provider. */
export function simulatedRouter(
  clock: SimulatedClock,
  upstreams: StrictUpstreams,
  models: readonly CatalogModel[],
  listener: RouterListener,
): Router {
  const keys = createKeyPool(clock.now, () => {});
  const config: ConfigFile = { providers: {} };
  for (const provider of new Set(models.map((model) => model.provider))) {
    // A keyless provider is used once it is named.
    if (providerSpec(provider)?.auth === 'none') config.providers = { ...config.providers, [provider]: {} };
    else
      keys.add({ id: provider, provider, label: provider, enabled: true, secret: `secret-of-${provider}` }, 'stored');
  }
  const settings = { ...DEFAULTS, healthProbes: false };
  const openai = createOpenAiAdapter();
  let ids = 0;
  const clients = new Map<string, ReturnType<StrictUpstreams['clientOf']>>();
  return new Router(
    {
      clock,
      newId: (prefix) => `${prefix}${++ids}`,
      upstreamFor: ({ name, provider, model }) => {
        const client = clients.get(name) ?? upstreams.clientOf(provider, model);
        clients.set(name, client);
        return client;
      },
      // The wire is not what is simulated: all speak the same.
      adapters: { openai, gemini: openai, cohere: openai, demo: openai },
    },
    {
      config,
      keys,
      models: () => models,
      logicalModels: {},
      settings: () => settings,
      strategy: () => 'priority',
      profiles: () => [],
      chain: { entries: null, gone: new Map() },
    },
    listener,
  );
}
