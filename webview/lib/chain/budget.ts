import type { ChainModel } from '../../../src/protocol/chain.js';

/** What one provider gives in a day, in tokens. */
export interface BudgetPart {
  provider: string;
  limit: number;
  left: number;
  /** Of some of it the catalog only says what a month gives. */
  isEstimated: boolean;
}

export interface Budget {
  /** Largest first. */
  parts: BudgetPart[];
  limit: number;
  left: number;
  isEstimated: boolean;
  /** Models that are on and of which nobody knows what they give. */
  unknown: number;
}

/** A month's tokens are given as words; a day has this share of them. */
const DAYS = 30;

/** The tokens of a day of all models that are on, by provider. What several models share counts once. */
export function budgetOf(models: readonly ChainModel[]): Budget {
  const parts = new Map<string, BudgetPart & { shared: BudgetPart | null }>();
  let unknown = 0;
  for (const model of models) {
    if (!model.enabled || model.today === null) continue;
    const given = givenBy(model, model.today);
    if (given === null) {
      unknown += 1;
      continue;
    }
    const { provider } = model;
    const part = parts.get(provider) ?? { provider, limit: 0, left: 0, isEstimated: false, shared: null };
    parts.set(provider, part);
    if (!model.today.isShared) add(part, given);
    else if (part.shared === null || part.shared.limit < given.limit) part.shared = given;
  }
  const all = [...parts.values()].map(({ shared, ...part }) => {
    if (shared !== null) add(part, shared);
    return part;
  });
  all.sort((a, b) => b.limit - a.limit || (a.provider < b.provider ? -1 : 1));
  return {
    parts: all,
    limit: all.reduce((sum, { limit }) => sum + limit, 0),
    left: all.reduce((sum, { left }) => sum + left, 0),
    isEstimated: all.some(({ isEstimated }) => isEstimated),
    unknown,
  };
}

function givenBy(
  { provider, monthlyTokens }: ChainModel,
  { tokens, left }: NonNullable<ChainModel['today']>,
): BudgetPart | null {
  if (tokens.limit !== null) {
    const rest = Math.max(0, tokens.limit - tokens.used);
    // Another window may be nearer its end than the tokens are.
    return { provider, limit: tokens.limit, left: Math.min(rest, tokens.limit * left), isEstimated: false };
  }
  const month = monthlyTokens === null ? null : tokensIn(monthlyTokens);
  if (month === null) return null;
  return { provider, limit: month / DAYS, left: (month / DAYS) * left, isEstimated: true };
}

function add(part: BudgetPart, given: BudgetPart): void {
  part.limit += given.limit;
  part.left += given.left;
  part.isEstimated ||= given.isEstimated;
}

/** The catalog's words as a number: `~6M`, of `~18-45M` the lower; null for credits, which come once, and all else. */
export function tokensIn(words: string): number | null {
  const [, low, unit] = /^~(\d+(?:\.\d+)?)(?:-\d+(?:\.\d+)?)?([KMB])(?: \(\d+\/hr\))?$/.exec(words) ?? [];
  if (low === undefined) return null;
  return Number(low) * (unit === 'K' ? 1e3 : unit === 'M' ? 1e6 : 1e9);
}
