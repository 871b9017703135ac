import type { ProviderSpec } from './spec.js';
import { CATALOGUED_PROVIDERS } from './tableCatalogued.js';
import { DISCOVERED_PROVIDERS } from './tableDiscovered.js';

const DEMO: ProviderSpec = {
  id: 'demo',
  name: 'FreeLLM demo',
  // Never reached: the demo answers inside the gateway.
  baseUrl: 'http://demo.invalid',
  wire: 'demo',
  auth: 'none',
  probe: { kind: 'none' },
  modelsPath: null,
  dayBoundary: 'utc',
  offers: 'Canned answers from this machine, to try clients without any key',
  keyUrl: null,
  source: 'built in (demo.ts)',
};

/** Every provider known by name, best known first; the demo last. `custom:*` ones are made by `customProviderSpec`. */
export const PROVIDERS: readonly ProviderSpec[] = [...CATALOGUED_PROVIDERS, ...DISCOVERED_PROVIDERS, DEMO];

const byId: ReadonlyMap<string, ProviderSpec> = new Map(PROVIDERS.map((spec) => [spec.id, spec]));

/** The row of a provider; undefined for unknown ids and for `custom:*`. */
export function providerSpec(id: string): ProviderSpec | undefined {
  return byId.get(id);
}

/**
 * A provider of the user's own: OpenAI-compatible, at any base URL (LM Studio, vLLM, a company gateway).
 * The key goes as a bearer token; with `isKeyless` there is none and the provider needs no key to be used.
 */
export function customProviderSpec(
  id: string,
  options: { name?: string; baseUrl: string; isKeyless?: boolean },
): ProviderSpec {
  return {
    id,
    name: options.name ?? id.replace(/^custom:/, ''),
    baseUrl: options.baseUrl.replace(/\/+$/, ''),
    wire: 'openai',
    auth: options.isKeyless ? 'none' : 'bearer',
    ...(options.baseUrl.includes('{account_id}') ? { hasAccountId: true } : {}),
    // Keyless too: the list is where its models come from.
    probe: { kind: 'models' },
    modelsPath: '/models',
    timeouts: { firstByteMs: 120_000 },
    dayBoundary: 'rolling',
    offers: 'Your own OpenAI-compatible endpoint',
    keyUrl: null,
    source: 'user',
  };
}
