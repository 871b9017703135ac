import type { Analytics } from '../../protocol/analytics.js';
import type { LedgerAnalytics } from '../ledger/analytics.js';
import { builtInModels } from './catalog.js';

/** US dollars for a million tokens. */
export interface PaidPrice {
  input: number;
  output: number;
}
/** What a model (`provider/model`) costs where it is paid; null where nobody knows. */
export type PriceOf = (model: string) => PaidPrice | null;

/** The catalog's prices (catalog.ts names their source), read when the first is asked for. */
export function paidPrices(): PriceOf {
  let prices: Map<string, PaidPrice> | null = null;
  return (model) => {
    prices ??= new Map(
      builtInModels().flatMap(({ provider, id, paidInputPerM, paidOutputPerM }) =>
        paidInputPerM === undefined || paidOutputPerM === undefined
          ? []
          : [[`${provider}/${id}`, { input: paidInputPerM, output: paidOutputPerM }]],
      ),
    );
    return prices.get(model) ?? null;
  };
}

/** The figures with what their tokens would have cost. Models without a known price are left out, and counted. */
export function withSavings(analytics: LedgerAnalytics, priceOf: PriceOf): Analytics {
  const saved = { usd: 0, pricedModels: 0, unpricedModels: 0, unpricedTokens: 0 };
  const byModel = analytics.byModel.map((figures) => {
    const { model, requests, promptTokens, completionTokens } = figures;
    const price = priceOf(model);
    // Who only failed cost nothing, and needs no price.
    if (price === null) {
      if (requests > 0) saved.unpricedModels += 1;
      saved.unpricedTokens += promptTokens + completionTokens;
      return { ...figures, savedUsd: null };
    }
    const savedUsd = (promptTokens * price.input + completionTokens * price.output) / 1e6;
    if (requests > 0) saved.pricedModels += 1;
    saved.usd += savedUsd;
    return { ...figures, savedUsd };
  });
  return { ...analytics, byModel, saved };
}
