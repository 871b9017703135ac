import type { CatalogModel } from '../providers/spec.js';
import rows from './catalog.json' with { type: 'json' };
import { UNRANKED } from './modelDefaults.js';

/** A row of catalog.json, in the words of its source. */
interface CatalogRow {
  platform: string;
  model_id: string;
  display_name: string;
  context_window: number | null;
  rpm?: number;
  rpd?: number;
  tpm?: number;
  tpd?: number;
  monthly_token_budget?: string;
  supports_tools: boolean;
  supports_vision: boolean;
  /** Guessed from the name by whoever made the list. */
  supports_reasoning_guess?: boolean;
  intelligence_rank?: number;
  speed_rank?: number;
  enabled: boolean;
  modality: string;
  paid_input_per_m?: number;
  paid_output_per_m?: number;
}

/** One platform of the source, two of our providers: the same models with keys of their own. */
const PROVIDERS_OF_PLATFORM: Readonly<Record<string, readonly string[]>> = { zhipu: ['zhipu', 'zai'] };

/**
 * The chat models that are known without asking anyone. Source: the bundled model list of freellmapi (MIT), state of
 * 2026-08-22, kept as it came in catalog.json; embeddings and other kinds that are not chat are skipped. A fresh
 * array at each call.
 */
export function builtInModels(): CatalogModel[] {
  return (rows as CatalogRow[])
    .filter((row) => row.modality === 'text')
    .flatMap((row) =>
      (PROVIDERS_OF_PLATFORM[row.platform] ?? [row.platform]).map((provider) => toModel(row, provider)),
    );
}

function toModel(row: CatalogRow, provider: string): CatalogModel {
  const limits: CatalogModel['limits'] = {};
  for (const window of ['rpm', 'rpd', 'tpm', 'tpd'] as const) {
    const limit = row[window];
    if (limit !== undefined) limits[window] = limit;
  }
  return {
    provider,
    id: row.model_id,
    name: row.display_name,
    contextWindow: row.context_window,
    tools: row.supports_tools,
    vision: row.supports_vision,
    reasoning: row.supports_reasoning_guess ?? false,
    intelligenceRank: row.intelligence_rank ?? UNRANKED,
    speedRank: row.speed_rank ?? UNRANKED,
    enabled: row.enabled,
    limits,
    source: 'catalog',
    ...(row.monthly_token_budget !== undefined && { monthlyTokenBudget: row.monthly_token_budget }),
    ...(row.paid_input_per_m !== undefined && { paidInputPerM: row.paid_input_per_m }),
    ...(row.paid_output_per_m !== undefined && { paidOutputPerM: row.paid_output_per_m }),
  };
}
