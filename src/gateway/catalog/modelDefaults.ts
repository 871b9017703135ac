import type { CatalogModel } from '../providers/spec.js';

/** Ranks after every catalogued model. */
export const UNRANKED = 1000;

/** A model of which only the name is known: tools are assumed (agents need them), vision is not. */
export function discoverableModel(provider: string, id: string): CatalogModel {
  return {
    provider,
    id,
    name: id,
    contextWindow: null,
    tools: true,
    vision: false,
    reasoning: false,
    intelligenceRank: UNRANKED,
    speedRank: UNRANKED,
    enabled: true,
    limits: {},
    source: 'discovered',
  };
}
