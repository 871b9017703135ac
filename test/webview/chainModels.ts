import type { ChainModel } from '../../src/protocol/chain.js';

/** A model of a chain as the gateway tells it: `provider/id`, on, with nothing known of it. */
export function chainModel(model: string, more: Partial<ChainModel> = {}): ChainModel {
  const slash = model.indexOf('/');
  const provider = model.slice(0, slash);
  const id = model.slice(slash + 1);
  return {
    model,
    provider,
    id,
    name: id.toUpperCase(),
    enabled: true,
    available: true,
    goneUntil: null,
    trying: false,
    group: null,
    providers: [provider],
    keys: 1,
    contextWindow: null,
    maxOutput: null,
    tools: false,
    vision: false,
    reasoning: false,
    monthlyTokens: null,
    today: null,
    score: null,
    ...more,
  };
}

/** What a day gives; a limit of null is one that nobody knows. */
export function today(
  left: number,
  tokens: { used: number; limit: number | null } = { used: 0, limit: null },
  isShared = false,
): NonNullable<ChainModel['today']> {
  return { left, tokens, requests: { used: 0, limit: null }, resetsAt: 0, isShared };
}
