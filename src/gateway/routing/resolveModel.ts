import { isProfileStrategy, PROFILE_STRATEGIES, type ProfileStrategy } from '../../protocol/strategyNames.js';
import { HttpError } from '../http/errors.js';
import { emptyProfileError, noModelsError, noProvidersError } from './exhaustion.js';
import type { Candidate, Inventory, InventoryProfile } from './inventory.js';
import { modelNotFound } from './refusedModel.js';

/** Whom a client's `model` stands for. */
export interface Destination {
  /** In their list's own order. */
  candidates: readonly Candidate[];
  /** What orders them: `null` nothing does (pinned), `default` the strategy in force. */
  strategy: ProfileStrategy | 'default' | null;
  /** The profile's name, where it is one. */
  profile: string | null;
  /** Come before these, where the name was a soft pin. */
  preferred?: Destination;
}

/** Before the name of what is to be tried first, and the chain after it. */
const PREFER = 'prefer:';
const AUTO = 'auto:';

/**
 * What a client's `model` stands for, in the order of design.md (Routing): `auto`, a profile, `provider/model`, a
 * provider-side id, a logical model; any of them after `prefer:`.
 * @throws HttpError 404 with the nearest names; 503 when the model is known but nothing is set up to answer for it.
 */
export function resolveModel(inventory: Inventory, model: string): Destination {
  if (model.startsWith(PREFER)) return resolvePreferred(inventory, model.slice(PREFER.length));
  const found = find(inventory, model);
  if (found) return found.candidates.length > 0 ? found : throwError(nothingToAsk(inventory, found.profile));
  if (model.startsWith(AUTO)) throw modelNotFound(inventory, model);
  return throwError(
    inventory.hasProvider ? withoutKey(inventory, model) : (unkeyed(inventory, model) ?? noProvidersError()),
  );
}

/** Longer than any model's name. */
const MAX_NAME = 300;

/**
 * The name that is meant by one that differs from it in case only, else the name itself. Costs a look at all names where
 * it stands for nothing as it is.
 */
export function nameMeant(inventory: Inventory, model: string): string {
  if (model.length > MAX_NAME) return model;
  const lower = model.toLowerCase();
  if (lower.startsWith(PREFER)) {
    const name = model.slice(PREFER.length);
    return PREFER + nameMeant(inventory, name);
  }
  if (find(inventory, model)) return model;
  if (lower === 'auto') return lower;
  const { profiles, byName, byModelId, logical, known } = inventory;
  const inCase = (names: Iterable<string>, wanted: string): string | undefined => {
    for (const name of names) if (name.length === wanted.length && name.toLowerCase() === wanted) return name;
    return undefined;
  };
  if (lower.startsWith(AUTO)) {
    const wanted = lower.slice(AUTO.length);
    return AUTO + (inCase(PROFILE_STRATEGIES, wanted) ?? inCase(profiles.keys(), wanted) ?? model.slice(AUTO.length));
  }
  for (const names of [profiles, byName, byModelId, logical, known]) {
    const name = inCase(names.keys(), lower);
    if (name !== undefined) return name;
  }
  return model;
}

function find(inventory: Inventory, model: string): Destination | undefined {
  if (model === 'auto') return { candidates: inventory.chain, strategy: 'default', profile: null };
  const { profiles, byName, byModelId, logical } = inventory;
  if (model.startsWith(AUTO)) {
    const name = model.slice(AUTO.length);
    if (isProfileStrategy(name)) return { candidates: inventory.chain, strategy: name, profile: null };
    return toProfile(profiles.get(name));
  }
  const pinned = byName.get(model);
  const group = byModelId.get(model) ?? nonEmpty(logical.get(model));
  return (
    toProfile(profiles.get(model)) ??
    (pinned && { candidates: pinned, strategy: null, profile: null }) ??
    (group && { candidates: group, strategy: 'default', profile: null })
  );
}

function toProfile(profile: InventoryProfile | undefined): Destination | undefined {
  return profile && { candidates: profile.candidates, strategy: profile.strategy, profile: profile.name };
}

/** A soft pin of what exists but cannot be asked (off, without a key) is the chain alone; of what nobody knows, a 404. */
function resolvePreferred(inventory: Inventory, name: string): Destination {
  const chain = find(inventory, 'auto');
  const preferred = find(inventory, name);
  if (!preferred && !isKnown(inventory, name)) throw modelNotFound(inventory, name);
  if (!preferred?.candidates.length) return resolveModel(inventory, 'auto');
  return chain ? { ...chain, preferred } : preferred;
}

function isKnown({ known, logical }: Inventory, name: string): boolean {
  return known.has(name) || logical.has(name) || [...known.values()].some(({ id }) => id === name);
}

/** Why an empty list of candidates is empty. */
function nothingToAsk(inventory: Inventory, profile: string | null): HttpError {
  if (!inventory.hasProvider) return noProvidersError();
  return profile === null ? noModelsError() : emptyProfileError(profile, inventory.profiles.get(profile)?.chain ?? []);
}

function withoutKey(inventory: Inventory, model: string): HttpError {
  return unkeyed(inventory, model) ?? modelNotFound(inventory, model);
}

/** The model exists and is on, only no key of its provider does. */
function unkeyed(inventory: Inventory, model: string): HttpError | null {
  const known = inventory.known.get(model) ?? [...inventory.known.values()].find((row) => row.id === model);
  if (!known?.enabled || inventory.off.has(`${known.provider}/${known.id}`)) return null;
  if (inventory.keyedProviders.has(known.provider)) return null;
  const message = `No key for ${known.provider}, which serves ${model}: run "FreeLLM: Add Key" in VS Code, or add one to the config file`;
  return new HttpError(503, 'api_error', 'no_providers_configured', message, {
    headers: { 'x-should-retry': 'false' },
  });
}

function nonEmpty<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

function throwError(error: HttpError): never {
  throw error;
}
