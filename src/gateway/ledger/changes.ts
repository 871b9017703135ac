import type { KeyHealthStatus } from '../../protocol/keys.js';

/** A finished request. No prompt, completion or key is ever in it. Times in ms since the epoch, lengths in ms. */
export interface RequestRow {
  id: string;
  /** When it came. */
  at: number;
  /** The client application, by its User-Agent. */
  client: string | null;
  /** The client token it came with; null for the unified token. */
  tokenId: string | null;
  /** What was asked for: `auto`, a profile, `provider/model`, … */
  model: string;
  isStream: boolean;
  status: 'success' | 'error' | 'canceled';
  /** What the client saw. */
  httpStatus: number;
  /** The contract's code, for errors. */
  errorCode: string | null;
  /** Who answered, or broke off in the middle; null when nobody did. */
  provider: string | null;
  servedModel: string | null;
  keyId: string | null;
  firstTokenMs: number | null;
  totalMs: number;
  promptTokens: number | null;
  completionTokens: number | null;
  /** In the order they were made; the last one is the answer, if there is one. */
  attempts: readonly AttemptRow[];
  /** Candidates that came before the answer in the order and were not asked; left out where there are none. */
  passedOver?: readonly PassedOverRow[];
  /** Its session's last candidate was asked first; left out where not, as the next. */
  isSticky?: boolean;
  /** Who answered took the conversation over from another model, and was told so. */
  isHandoff?: boolean;
  /** The profile that was asked for; left out where it was none. */
  profile?: string;
  /** What ordered the candidates (routing/scoring/routeText.ts); left out where nothing had to. */
  route?: string;
}

/** Why a candidate was not asked. */
export interface PassedOverRow {
  provider: string;
  model: string;
  keyId: string | null;
  /** It cannot take such a request, it cooled down, another request tried it after its cooldown, a quota window was full. */
  why: 'incapable' | 'cooldown' | 'trial' | 'quota';
  /** `vision`, `tools`, `json`, `context`; a failure's kind; the window's kind. */
  kind: string;
  /** Until when, in ms since the epoch; null where it does not end. */
  until: number | null;
}

export interface AttemptRow {
  provider: string;
  model: string;
  keyId: string | null;
  /** The failure's kind; null when it answered, `canceled` when the client left. */
  kind: string | null;
  /** The provider's HTTP status, where there was one. */
  httpStatus: number | null;
  /** From the request's arrival to its beginning; left out of the answer, which ends with the request. */
  startMs?: number;
  ms: number;
}

/** What the database knows of a key. The secret, its label and its models live in the secret store. */
export interface KeyRow {
  id: string;
  provider: string;
  health: KeyHealthStatus;
  /** Only what a probe said: it carries no prompt that a provider could repeat. */
  healthMessage: string | null;
  checkedAt: number | null;
}

export interface ChainEntry {
  /** `provider/model`. */
  model: string;
  isEnabled: boolean;
}

export interface ProfileRow {
  name: string;
  /** `provider/model`, in order. */
  chain: readonly string[];
  strategy: string | null;
  /** Tokens; null for that of the smallest member. */
  contextWindow: number | null;
}

/** A model that a provider listed for a user's key. */
export interface LearnedModelRow {
  id: string;
  name: string;
  contextWindow: number | null;
  maxOutput: number | null;
  hasTools: boolean;
  hasVision: boolean;
  hasReasoning: boolean;
}

export type QuotaKind = 'rpm' | 'rph' | 'rpd' | 'rpmonth' | 'tpm' | 'tpd' | 'tpmonth';

/** One quota window's count. Absolute: writing it twice changes nothing. */
export interface QuotaWindowRow {
  /** Names what shares the window: provider, model and key, or an account. Stable over restarts. */
  id: string;
  kind: QuotaKind;
  provider: string;
  /** null where the models of a provider share it. */
  model: string | null;
  keyId: string | null;
  /** Of a part of a sliding window where it is kept in parts; 0 where the row has no start of its own. */
  startsAt: number;
  /** Until when it counts. */
  endsAt: number;
  /** Requests or tokens, settled or still out. */
  used: number;
}

/** What a limit was learned from, or set by: it outlives its windows. */
export interface QuotaLimitRow {
  id: string;
  kind: QuotaKind;
  limit: number;
  source: 'header' | 'error' | 'user';
  learnedAt: number;
}

/** How a model did lately: sums that decay, as they were at `at` (routing/scoring/measurements.ts). */
export interface MeasurementRow {
  /** `provider/model`. */
  model: string;
  at: number;
  good: number;
  bad: number;
  firstLog: number;
  firstWeight: number;
  rateLog: number;
  rateWeight: number;
}

/** A running cooldown without the provider's words, which may repeat a prompt. */
export interface CooldownRow {
  id: string;
  scope: string;
  /** What it lies on, as the scope names it. */
  target: string;
  provider: string;
  model: string | null;
  keyId: string | null;
  kind: string;
  since: number;
  until: number;
  /** Failures in a row, which the next length doubles from. */
  streak: number;
}

/** Everything that can happen to the ledger; each is one journal record, and applying one twice is harmless. */
export type LedgerChange =
  | { type: 'request'; row: RequestRow }
  | { type: 'key'; key: KeyRow }
  | { type: 'key.removed'; id: string }
  /** null: back to the catalog's order. */
  | { type: 'chain'; entries: readonly ChainEntry[] | null }
  | { type: 'profile'; profile: ProfileRow }
  | { type: 'profile.removed'; name: string }
  /** `undefined` (absent in JSON) takes the setting back to its default. */
  | { type: 'setting'; name: string; value?: unknown }
  | { type: 'models'; provider: string; models: readonly LearnedModelRow[]; learnedAt: number }
  | { type: 'model.gone'; provider: string; model: string; since: number }
  | { type: 'model.back'; provider: string; model: string }
  | { type: 'quota'; windows: readonly QuotaWindowRow[] }
  | { type: 'measurements'; rows: readonly MeasurementRow[] }
  | { type: 'quota.limit'; limit: QuotaLimitRow }
  | { type: 'quota.limit.removed'; id: string; kind: QuotaKind }
  | { type: 'cooldown'; cooldown: CooldownRow }
  | { type: 'cooldown.lifted'; id: string };
