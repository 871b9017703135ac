import { PROFILE_STRATEGIES } from '../../protocol/strategyNames.js';
import { HttpError } from '../http/errors.js';
import { GONE_FOR_MS } from './goneModels.js';
import type { Inventory, Off } from './inventory.js';
import { nearestNames } from './nearestNames.js';

/** Names come from clients, and some are whole prompts. */
const LONGEST_NAME = 200;
/** More copies of a model say nothing more. */
const MAX_NAMED = 3;

/** 404 for a `model` that nobody can be asked for: why, where it is known, and what to do; else the nearest names. */
export function modelNotFound(inventory: Inventory, model: string): HttpError {
  const shown = JSON.stringify(model.length > LONGEST_NAME ? `${model.slice(0, LONGEST_NAME)}…` : model);
  const message = whyOff(inventory, model, shown) ?? `The model ${shown} does not exist${hint(inventory, model)}`;
  return new HttpError(404, 'invalid_request_error', 'model_not_found', message, { param: 'model' });
}

/** What is known and off, in words; null of what nobody knows. */
function whyOff(inventory: Inventory, model: string, shown: string): string | null {
  const names = namesOf(inventory, model);
  const keyed = names.filter((name) => inventory.keyedProviders.has(providerOf(name)));
  const reasons = (keyed.length > 0 ? keyed : names).flatMap((name) => {
    const off = inventory.off.get(name);
    return off ? [{ name, off }] : [];
  });
  const reason = reasons.find(({ off }) => off.why === 'gone') ?? reasons[0];
  if (!reason) return names.length > 0 ? withoutKeys(keyed.length > 0 ? keyed : names, shown, keyed.length > 0) : null;
  const same = reasons.filter(({ off }) => off.why === reason.off.why).map(({ name }) => name);
  const also = names.includes(model) ? '' : ` (${same.slice(0, MAX_NAMED).join(', ')})`;
  const keyless = keyed.length > 0 ? '' : `; ${providerOf(reason.name)} has no key either`;
  return `The model ${shown}${also} ${words(reason.name, reason.off)}${keyless}`;
}

/** It is on, but nobody's key is for it. */
function withoutKeys(names: readonly string[], shown: string, isKeyed: boolean): string {
  const providers = [...new Set(names.map(providerOf))].slice(0, MAX_NAMED).join(', ');
  if (isKeyed) return `The model ${shown} may not be asked: the keys for ${providers} are limited to other models`;
  return `The model ${shown} cannot be asked: there is no key for ${providers}`;
}

function words(name: string, off: Off): string {
  const provider = providerOf(name);
  switch (off.why) {
    case 'gone':
      return `is switched off since ${new Date(off.since).toISOString()} because ${provider} said that it does not exist. It is tried again at ${new Date(off.since + GONE_FOR_MS).toISOString()}; it comes back sooner when ${provider} lists it (POST /api/keys/{id}/test with its key asks at once), when PUT /api/chain switches it on, or, where the config file names it, with the next start`;
    case 'config-chain':
      return `is configured but not in your chain: the config file's "chain" switches off what it does not name. Add ${name} to it, or to a profile`;
    case 'chain':
      return `is switched off in your chain: switch it on there, or with PUT /api/chain`;
    case 'catalog':
      return 'is known but off until you switch it on in the chain (PUT /api/chain)';
  }
}

/** The known models that the name would stand for, were they on. */
function namesOf({ known, groups }: Inventory, model: string): string[] {
  if (known.has(model)) return [model];
  const own = [...known].flatMap(([name, { id }]) => (id === model ? [name] : []));
  const copies = Object.hasOwn(groups, model) ? (groups[model] ?? []) : [];
  return [...own, ...copies.filter((name) => known.has(name))];
}

/** Only what would be answered is suggested. */
function hint(inventory: Inventory, model: string): string {
  const nearest = nearestModels(inventory, model);
  return nearest.length > 0 ? `; did you mean ${nearest.join(', ')}?` : '; GET /v1/models lists those there are';
}

function nearestModels({ chain, profiles, logical, byName }: Inventory, model: string): string[] {
  const auto = 'auto:';
  const ready = [...profiles.values()].flatMap(({ name, candidates }) => (candidates.length > 0 ? [name] : []));
  const strategies = chain.length > 0 ? PROFILE_STRATEGIES : [];
  if (model.toLowerCase().startsWith(auto)) {
    const orders = new Set([...ready, ...strategies]);
    return nearestNames(model.slice(auto.length), orders, 3).map((name) => auto + name);
  }
  const copied = [...logical].flatMap(([name, candidates]) => (candidates.length > 0 ? [name] : []));
  const words = chain.length > 0 ? ['auto'] : [];
  return nearestNames(model, new Set([...words, ...ready, ...copied, ...byName.keys()]), 3);
}

/** Providers' ids have no slash, models' own names may. */
function providerOf(name: string): string {
  return name.slice(0, name.indexOf('/'));
}
