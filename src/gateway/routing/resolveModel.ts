import { HttpError } from '../http/errors.js';
import { noModelsError, noProvidersError } from './exhaustion.js';
import type { Candidate, Inventory } from './inventory.js';
import { nearestNames } from './nearestNames.js';

const STRATEGIES = new Set(['priority', 'balanced', 'smartest', 'fastest', 'reliable', 'custom']);

/**
 * The candidates that a client's `model` stands for, in the order of design.md (Routing): `auto`, a profile,
 * `provider/model`, a provider-side id, a logical model.
 * @throws HttpError 404 with the nearest names; 503 when the model is known but nothing is set up to answer for it.
 */
export function resolveModel(inventory: Inventory, model: string): readonly Candidate[] {
  if (model === 'auto') return nonEmpty(inventory.chain) ?? throwError(nothingToAsk(inventory));
  if (model.startsWith('auto:')) return resolveAuto(inventory, model);
  const found =
    inventory.profiles.get(model) ??
    inventory.byName.get(model) ??
    inventory.byModelId.get(model) ??
    nonEmpty(inventory.logical.get(model));
  if (found) return nonEmpty(found) ?? throwError(nothingToAsk(inventory));
  return throwError(
    inventory.hasProvider ? withoutKey(inventory, model) : (unkeyed(inventory, model) ?? noProvidersError()),
  );
}

/** `auto:<strategy>` (strategies come with the issue on routing: until then all mean the chain's order), `auto:<profile>`. */
function resolveAuto(inventory: Inventory, model: string): readonly Candidate[] {
  const name = model.slice('auto:'.length);
  const candidates = STRATEGIES.has(name) ? inventory.chain : inventory.profiles.get(name);
  if (!candidates) throw modelNotFound(inventory, model);
  return nonEmpty(candidates) ?? throwError(nothingToAsk(inventory));
}

/** Why an empty list of candidates is empty. */
function nothingToAsk(inventory: Inventory): HttpError {
  return inventory.hasProvider ? noModelsError() : noProvidersError();
}

function withoutKey(inventory: Inventory, model: string): HttpError {
  return unkeyed(inventory, model) ?? modelNotFound(inventory, model);
}

/** The model exists and is on, only no key of its provider does. */
function unkeyed(inventory: Inventory, model: string): HttpError | null {
  const known = inventory.known.get(model) ?? [...inventory.known.values()].find((row) => row.id === model);
  if (!known?.enabled || inventory.disabledNames.has(`${known.provider}/${known.id}`)) return null;
  if (inventory.keyedProviders.has(known.provider)) return null;
  const message = `No key for ${known.provider}, which serves ${model}: run "FreeLLM: Add Key" in VS Code, or add one to the config file`;
  return new HttpError(503, 'api_error', 'no_providers_configured', message, {
    headers: { 'x-should-retry': 'false' },
  });
}

function modelNotFound(inventory: Inventory, model: string): HttpError {
  const names = new Set([
    'auto',
    ...inventory.profiles.keys(),
    ...inventory.logical.keys(),
    ...inventory.byName.keys(),
  ]);
  const nearest = nearestNames(model, names, 3);
  const hint = nearest.length > 0 ? `; did you mean ${nearest.join(', ')}?` : '; GET /v1/models lists those there are';
  const message = `The model ${JSON.stringify(model.slice(0, 200))} does not exist or is switched off${hint}`;
  return new HttpError(404, 'invalid_request_error', 'model_not_found', message, { param: 'model' });
}

function nonEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

function throwError(error: HttpError): never {
  throw error;
}
