import * as z from 'zod';
import { scoreView } from './strategy.js';

/** The answers of the analytics and the request log. Times in ms since the epoch, lengths in ms. */

export const analyticsWindow = z.enum(['24h', '7d', '30d', '90d']);
export type AnalyticsWindow = z.infer<typeof analyticsWindow>;

/** Nearest rank, three significant digits; null where nothing was measured. */
const percentiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable();
export type Percentiles = z.infer<typeof percentiles>;

const figures = z.object({
  requests: z.number(),
  successes: z.number(),
  errors: z.number(),
  canceled: z.number(),
  /** 0 to 1, of those that succeeded or failed: who cancels proves nothing. null without any. */
  successRate: z.number().nullable(),
  /** Requests that were answered after another candidate had failed. */
  fallbacks: z.number(),
  /** Every attempt that failed, whatever became of its request; under who failed. */
  failedAttempts: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  /** From the request's arrival to the end of its answer; of successes. */
  latencyMs: percentiles,
  /** From the request's arrival to the first token; of streams. */
  firstTokenMs: percentiles,
  /** Completion tokens a second after the first token; of streams that told their tokens. In tenths under 100. */
  tokensPerSecond: percentiles,
});
export type AnalyticsFigures = z.infer<typeof figures>;

/** One hour, or one day; the first and last day end where the window does. */
const analyticsPoint = z.object({
  from: z.number(),
  to: z.number(),
  requests: z.number(),
  successes: z.number(),
  errors: z.number(),
  canceled: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  latencyP50Ms: z.number().nullable(),
  latencyP95Ms: z.number().nullable(),
  firstTokenP50Ms: z.number().nullable(),
  firstTokenP95Ms: z.number().nullable(),
});
export type AnalyticsPoint = z.infer<typeof analyticsPoint>;

/** One provider's part in each point of the series, in their order. */
const providerSeries = z.object({
  provider: z.string(),
  requests: z.array(z.number()),
  promptTokens: z.array(z.number()),
  completionTokens: z.array(z.number()),
});
export type ProviderSeries = z.infer<typeof providerSeries>;

/**
 * `GET /api/analytics`. With a filter, what the sums do not tell is counted from the requests themselves, without
 * percentiles (null): see `countedFrom`.
 */
export const analytics = z.object({
  window: analyticsWindow,
  /** The requests that came at `from` or later and before `to`, the end of the hour that runs. */
  from: z.number(),
  to: z.number(),
  totals: figures,
  /** Hours for 24h and 7d, days (of the zone that was asked for) for 30d and 90d; without gaps. */
  series: z.array(analyticsPoint),
  /** Who answered how much of it, the most first; what nobody took is missing. */
  providerSeries: z.array(providerSeries),
  /** A request counts for who answered it, or broke off; one that nobody took is in none of the first three. */
  byProvider: z.array(figures.extend({ provider: z.string() })),
  /** `model` is `provider/model`; `savedUsd` what its tokens cost where they are paid, null where no price is known. */
  byModel: z.array(figures.extend({ model: z.string(), savedUsd: z.number().nullable() })),
  byKey: z.array(figures.extend({ keyId: z.string() })),
  /** null: it did not say who it is. */
  byClient: z.array(figures.extend({ client: z.string().nullable() })),
  /** Of requests that asked for a profile; with a filter not told. */
  byProfile: z.array(figures.extend({ profile: z.string() })),
  /** Failed attempts. */
  errorsByKind: z.array(z.object({ kind: z.string(), count: z.number() })),
  /** Failed requests, by the code that the client got. */
  errorsByCode: z.array(z.object({ code: z.string(), count: z.number() })),
  /** What the tokens would have cost at the paid prices that the catalog has. */
  saved: z.object({
    usd: z.number(),
    /** Models that answered and have a price; those without one are left out of `usd`. */
    pricedModels: z.number(),
    unpricedModels: z.number(),
    unpricedTokens: z.number(),
  }),
  /** Since when a filter's details were counted: later than `from` where older requests were removed already. */
  countedFrom: z.number(),
});
export type Analytics = z.infer<typeof analytics>;

export const requestStatus = z.enum(['success', 'error', 'canceled']);

/** A finished request as the log lists it. */
export const requestView = z.object({
  id: z.string(),
  at: z.number(),
  client: z.string().nullable(),
  /** The client token it came with; null for the unified token. */
  tokenId: z.string().nullable(),
  /** What was asked for. */
  model: z.string(),
  stream: z.boolean(),
  status: requestStatus,
  /** What the client saw. */
  httpStatus: z.number(),
  errorCode: z.string().nullable(),
  /** Who answered, or broke off; null when nobody did. */
  provider: z.string().nullable(),
  servedModel: z.string().nullable(),
  keyId: z.string().nullable(),
  firstTokenMs: z.number().nullable(),
  totalMs: z.number(),
  promptTokens: z.number().nullable(),
  completionTokens: z.number().nullable(),
  attemptCount: z.number(),
});
export type RequestView = z.infer<typeof requestView>;

const attemptView = z.object({
  provider: z.string(),
  model: z.string(),
  keyId: z.string().nullable(),
  /** Why it failed; null when it answered. */
  kind: z.string().nullable(),
  httpStatus: z.number().nullable(),
  /** When it began, in ms from the request's arrival; null where that was not kept. */
  startMs: z.number().nullable(),
  ms: z.number(),
});
export type AttemptView = z.infer<typeof attemptView>;

const passedOverView = z.object({
  provider: z.string(),
  model: z.string(),
  keyId: z.string().nullable(),
  /** `trial`: its cooldown was over, and another request tried it. */
  why: z.enum(['incapable', 'cooldown', 'trial', 'quota']),
  /** `vision`, `tools`, `json`, `context`; the kind of the failure that benched it; the kind of the full window. */
  kind: z.string(),
  /** ms since the epoch; null where it does not end by itself. */
  until: z.number().nullable(),
});

/** `GET /api/requests/{id}`: with its attempts, in their order, and who was not asked, and why. */
export const requestDetail = requestView.extend({
  attempts: z.array(attemptView),
  passedOver: z.array(passedOverView),
  /** Its session's last candidate was asked first. */
  sticky: z.boolean(),
  /** Who answered took the conversation over from another model, and was told so. */
  handoff: z.boolean(),
  /** The profile that was asked for; null where it was none. */
  profile: z.string().nullable(),
  /** What ordered the candidates: a strategy, `prefer` for who was asked for first; null where a model was pinned. */
  strategy: z.string().nullable(),
  /** Under a strategy that scores: who answered and the best of those before it, ten at most, as scored then. */
  scores: z.array(scoreView.extend({ model: z.string() })),
});
export type RequestDetail = z.infer<typeof requestDetail>;

/** `GET /api/requests`. */
export const requestPage = z.object({
  /** Newest first. With a filter it may be shorter than the limit, or empty, though there is more. */
  data: z.array(requestView),
  /** `before` of the next page; null at the end. */
  next: z.string().nullable(),
});
export type RequestPage = z.infer<typeof requestPage>;

/** `GET /api/keys/{id}/activity`: a key's last 24 hours. */
export const keyActivity = z.object({
  from: z.number(),
  to: z.number(),
  totals: figures,
  /** By the hour, without gaps. */
  series: z.array(analyticsPoint),
  /** `model` is the provider's own id. `failedAttempts`: those that this key failed for it. */
  byModel: z.array(z.object({ model: z.string(), answered: z.number(), failedAttempts: z.number() })),
  /** Failed attempts. */
  errorsByKind: z.array(z.object({ kind: z.string(), count: z.number() })),
  /** Since when `byModel`, `errorsByKind` and `requests` were counted: later than `from` where there is too much. */
  countedFrom: z.number(),
  /** The last that it answered or failed, newest first; 25 at most. */
  requests: z.array(requestView),
});
export type KeyActivity = z.infer<typeof keyActivity>;

/**
 * Query of `GET /api/analytics`. Filters may be combined: requests that this provider or model (`provider/model`) answered,
 * for this client (empty: those that did not say who they are).
 */
export const analyticsQuery = z.strictObject({
  window: analyticsWindow.default('24h'),
  /** IANA name of the time zone whose days are meant; UTC if left out. An hour is of the day in which it begins. */
  zone: z.string().max(64).refine(isTimeZone, 'expected a time zone, such as Europe/Berlin').optional(),
  provider: z.string().min(1).max(300).optional(),
  model: z.string().regex(/\//, 'expected provider/model').max(500).optional(),
  client: z.string().max(300).optional(),
});
export type AnalyticsQuery = z.infer<typeof analyticsQuery>;

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * Query of `GET /api/requests`. `provider`, `client` and `status` are as in the answer, `model` is who answered
 * (`provider/model`) or what was asked for.
 */
export const requestsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  before: z
    .string()
    .regex(/^\d{1,15}\..{0,200}$/s, 'expected `next` of an earlier page')
    .optional(),
  provider: z.string().optional(),
  model: z.string().optional(),
  client: z.string().optional(),
  status: requestStatus.optional(),
});
export type RequestsQuery = z.infer<typeof requestsQuery>;
