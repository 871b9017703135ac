import type { ChainModel, ProfileView } from '../../../src/protocol/chain.js';

/** Body of `PUT /api/profiles` that is all of this profile. */
export function profileBody({ name, chain, strategy, contextWindow }: ProfileView): ProfileBody {
  return { name, chain: [...chain], strategy, contextWindow };
}
export interface ProfileBody {
  name: string;
  chain: string[];
  strategy: ProfileView['strategy'];
  contextWindow: number | null;
}

/** What a profile takes as its name (`newProfile`); what else it must not be the gateway says. */
export function isProfileName(name: string): boolean {
  return name.length <= 64 && /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(name);
}

/** The most that a profile holds. */
export const MAX_MEMBERS = 1000;

/**
 * The chain's models as one profile has them: its members on, in its order, all others off. A member that no key can ask
 * is shown by its name.
 */
export function modelsOf(chain: readonly string[], data: readonly ChainModel[]): ChainModel[] {
  const known = new Map(data.map((model) => [model.model, model]));
  const members = new Set(chain);
  const off = data.filter(({ model }) => !members.has(model)).map((model) => ({ ...model, enabled: false }));
  return [...chain.map((name) => ({ ...(known.get(name) ?? stranger(name)), enabled: true })), ...off];
}

function stranger(model: string): ChainModel {
  const slash = model.indexOf('/');
  const id = model.slice(slash + 1);
  const provider = model.slice(0, slash);
  return {
    model,
    provider,
    id,
    name: id,
    enabled: true,
    available: false,
    goneUntil: null,
    trying: false,
    group: null,
    providers: [provider],
    keys: 0,
    contextWindow: null,
    maxOutput: null,
    tools: false,
    vision: false,
    reasoning: false,
    monthlyTokens: null,
    today: null,
    score: null,
  };
}

/** The members with models put in at the end, or taken out; null where none would be left. */
export function withMembers(chain: readonly string[], models: readonly string[], isIn: boolean): string[] | null {
  const named = new Set(models);
  const rest = chain.filter((model) => !named.has(model));
  if (isIn) return [...chain, ...models.filter((model) => !chain.includes(model))].slice(0, MAX_MEMBERS);
  return rest.length === 0 ? null : rest;
}
