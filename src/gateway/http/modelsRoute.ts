import type { Candidate, Inventory, InventoryProfile } from '../routing/inventory.js';
import { contextWindowOf } from '../routing/profileView.js';

/** Whether a candidate can be asked right now. */
export type IsFree = (candidate: Candidate) => boolean;

/** One entry of `GET /v1/models`: OpenAI's fields, then what clients otherwise have to guess. */
export interface ModelEntry {
  id: string;
  object: 'model';
  /** Seconds since the epoch. */
  created: number;
  owned_by: string;
  name: string;
  /** Of a profile: whom it asks and how. */
  description?: string;
  context_length: number | null;
  max_model_len: number | null;
  max_completion_tokens: number | null;
  capabilities: { tools: boolean; vision: boolean; reasoning: boolean };
  /** Something behind it can answer right now. */
  available: boolean;
}

/** `auto`, profiles, logical models, then every enabled `provider/model`, each once. */
export function listModels(inventory: Inventory, isFree: IsFree, created: number): ModelEntry[] {
  const entries = new Map<string, ModelEntry>();
  const add = (id: string, ownedBy: string, name: string, candidates: readonly Candidate[]) => {
    if (!entries.has(id)) entries.set(id, toEntry({ id, ownedBy, name, created }, candidates, isFree));
  };
  add('auto', 'freellm', 'Auto: the first of the chain that can answer', inventory.chain);
  for (const profile of inventory.profiles.values()) {
    if (!entries.has(profile.name)) entries.set(profile.name, profileEntry(profile, isFree, created));
  }
  for (const [name, candidates] of inventory.logical) {
    if (candidates.length > 0) add(name, 'freellm', name, candidates);
  }
  for (const [name, candidates] of inventory.byName) {
    const first = candidates[0];
    if (first) add(name, first.provider, first.catalog.name, candidates);
  }
  return [...entries.values()];
}

/** Its context is that of its smallest model: whatever fits there can go to any of them. */
function profileEntry(profile: InventoryProfile, isFree: IsFree, created: number): ModelEntry {
  const { name, chain, strategy, candidates } = profile;
  const entry = toEntry({ id: name, ownedBy: 'freellm', name: `Profile ${name}`, created }, candidates, isFree);
  const context = contextWindowOf(profile);
  const shown = chain.slice(0, SHOWN_MODELS).join(', ');
  const more = chain.length > SHOWN_MODELS ? ` and ${chain.length - SHOWN_MODELS} more` : '';
  const description = `${shown}${more} (${strategy})`;
  return { ...entry, description, context_length: context, max_model_len: context };
}

/** A description is one line. */
const SHOWN_MODELS = 5;

function toEntry(
  facts: { id: string; ownedBy: string; name: string; created: number },
  candidates: readonly Candidate[],
  isFree: IsFree,
): ModelEntry {
  const windows = candidates.flatMap(({ catalog }) => catalog.contextWindow ?? []);
  const outputs = candidates.flatMap(({ catalog }) => catalog.maxOutput ?? []);
  const context = windows.length > 0 ? Math.max(...windows) : null;
  const can = (what: 'tools' | 'vision' | 'reasoning') => candidates.some(({ catalog }) => catalog[what]);
  return {
    id: facts.id,
    object: 'model',
    created: facts.created,
    owned_by: facts.ownedBy,
    name: facts.name,
    context_length: context,
    max_model_len: context,
    max_completion_tokens: outputs.length > 0 ? Math.max(...outputs) : null,
    capabilities: { tools: can('tools'), vision: can('vision'), reasoning: can('reasoning') },
    available: candidates.some(isFree),
  };
}
