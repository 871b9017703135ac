import type { QuotaKind } from '../ledger/changes.js';

/** One row of the provider table: everything about a provider that is data. */
export interface ProviderSpec {
  /** `groq`, `google`, `custom:lab`, … */
  id: string;
  /** Display name. */
  name: string;
  /** May contain `{account_id}`. No trailing slash. */
  baseUrl: string;
  wire: 'openai' | 'gemini' | 'cohere' | 'demo';
  /** `bearer`: Authorization; `google`: x-goog-api-key; `none`: keyless, no header at all. */
  auth: 'bearer' | 'google' | 'none';
  /** The secret is `account_id:token`, split at the first colon (Cloudflare). */
  hasAccountId?: boolean;
  /** Extra request headers. */
  headers?: Readonly<Record<string, string>>;
  rules?: ParameterRules;
  /** How a key is checked without spending quota. */
  probe: KeyProbe;
  /** Where the list of models is, relative to the base URL or absolute; null where there is none. */
  modelsPath: string | null;
  timeouts?: { connectMs?: number; firstByteMs?: number; idleMs?: number };
  /** Multiplies the first-byte limit (NVIDIA's prefill is slow). */
  slowFactor?: number;
  /** When the provider's quota day ends. */
  dayBoundary: 'utc' | 'pacific' | 'rolling';
  /** Limits that no single model's row can hold. `source` of the row covers them unless they name their own. */
  accountLimits?: readonly (AccountLimit | UnpublishedLimit)[];
  /** A refusal (429) counts as a request too. Anything else that got an answer always does. */
  countsRefusals?: boolean;
  /** What the provider's `x-ratelimit-*` headers mean where their names do not say. */
  rateHeaders?: RateHeaderMeaning;
  /** One line for the picker: what the free tier offers. */
  offers: string;
  /** Where a free key comes from; null for keyless providers. */
  keyUrl: string | null;
  /** Hints that recognise a pasted key; never a reason to refuse one. */
  keyShape?: RegExp;
  /** Our reading of the terms, with its date. */
  terms?: { note: string; asOf: string };
  /** Where these facts come from. */
  source: string;
}

/** A limit of a whole account, address, or of every model alike. */
export interface AccountLimit {
  kind: QuotaKind;
  limit: number;
  /**
   * What shares it: `account` all models of a key, `ip` all models and keys, `ip-model` all keys of one model,
   * `model` nothing (each model of each key has its own).
   */
  per: 'account' | 'ip' | 'ip-model' | 'model';
  source?: string;
}

/** Models share a quota, and nobody says how large it is, or it is counted in what no window holds (neurons, credit). */
export interface UnpublishedLimit {
  per: 'account' | 'ip';
  kind?: never;
  limit?: never;
}

export interface RateHeaderMeaning {
  /** The window of `x-ratelimit-*-requests`, or of `x-ratelimit-limit` alone. */
  requests?: QuotaKind;
  tokens?: QuotaKind;
  /** Headers without a model or a window in their names count the whole account. */
  isAccountWide?: boolean;
  /** The advertised limit is another's (a deployment's): only a `remaining` of 0 is believed. */
  isOthersLimit?: boolean;
  /** A bucket that fills up steadily: the reset is when it is full, the next request may go long before. */
  isBucket?: boolean;
}

/** Parameter differences of an OpenAI-compatible provider. Names are fields of the request as sent. */
export interface ParameterRules {
  drop?: readonly string[];
  rename?: Readonly<Record<string, string>>;
  /** Unknown request fields are dropped, messages are rebuilt from standard fields only. */
  strict?: boolean;
  /** Reasoning of earlier turns goes back upstream (`keep`), or is stripped (default). */
  reasoningHistory?: 'keep' | 'strip';
  /** With `keep`: models that refuse an assistant turn without `reasoning_content` get an empty one. */
  fillReasoning?: RegExp;
  maxTokensCap?: number;
  defaultMaxTokens?: number;
  /** A `max_tokens` below this is raised to it. */
  minMaxTokens?: number;
  /** `name` on messages is refused. */
  noNames?: boolean;
  /** Tool call ids must be nine letters or digits (Mistral); others are mapped to such, the same way every time. */
  shortToolIds?: boolean;
  /** A conversation that ends in an assistant turn needs `prefix: true` on it (Mistral). */
  assistantPrefix?: boolean;
  /** Effort levels of single models, before `efforts`: the first whose pattern matches the model id. */
  effortsByModel?: readonly { match: RegExp; efforts: readonly string[] }[];
  /** Values of single models: a field with this value is left out (`omit`) or given where absent (`add`). */
  modelQuirks?: readonly {
    match: RegExp;
    omit?: Readonly<Record<string, unknown>>;
    add?: Readonly<Record<string, unknown>>;
  }[];
  /** Effort levels the provider takes; others are mapped to the nearest, or dropped where empty. */
  efforts?: readonly string[];
  /** Array content is flattened to a string (images lost: such providers have no vision). */
  flattenContent?: boolean;
  /** `parallel_tool_calls: false` whenever tools are present. */
  singleToolCall?: boolean;
  /** `stream_options` is refused. */
  noStreamOptions?: boolean;
  /** `json_object` becomes a permissive json_schema (Reka). */
  jsonObjectAsSchema?: boolean;
  /** `response_format` is ignored or refused: JSON requests go elsewhere. */
  noResponseFormat?: boolean;
  /** Recursively removed from tool schemas. */
  stripSchemaKeys?: readonly string[];
}

/**
 * How a key's health is asked.
 * - `models`: GET base + modelsPath with the key: 200 is valid, 401 (or the provider's own words) is not.
 * - `url`: GET of this URL with the key, with the statuses that mean valid; 401 is invalid, others tell nothing.
 * - `cloudflare`: /user/tokens/verify, then the account's.
 * - `chat`: a one-token chat (only where nothing else tells; ModelScope).
 * - `none`: keyless or built in.
 */
export type KeyProbe =
  | { kind: 'models' }
  | { kind: 'url'; url: string; valid: readonly number[] }
  | { kind: 'cloudflare' }
  | { kind: 'chat' }
  | { kind: 'none' };

/** One model of one provider in the catalog. */
export interface CatalogModel {
  provider: string;
  /** Provider-side id; may contain slashes. */
  id: string;
  name: string;
  /** Tokens, prompt and answer together; null if unknown. */
  contextWindow: number | null;
  maxOutput?: number;
  tools: boolean;
  vision: boolean;
  reasoning: boolean;
  /** 1 is best; unknown models come last. */
  intelligenceRank: number;
  speedRank: number;
  enabled: boolean;
  limits: { rpm?: number; rpd?: number; rph?: number; tpm?: number; tpd?: number };
  /** Where the row comes from. */
  source: 'catalog' | 'config' | 'discovered' | 'built-in';
  /** Rough size class and list prices, for ranks and savings to come. */
  monthlyTokenBudget?: string;
  paidInputPerM?: number;
  paidOutputPerM?: number;
}
