import type { UpstreamError } from '../net/upstream.js';
import type { ProviderSpec } from '../providers/spec.js';
import { msToDayBoundary } from './dayBoundary.js';
import type { Failure, FailureKind } from './failure.js';
import { type ProviderWords, plain, readErrorBody, readErrorText } from './providerWords.js';
import { statedRetryMs } from './retryAfter.js';
import { statedLimitIn } from './statedLimit.js';

export interface ClassifyContext {
  /** Provider id. */
  provider: string;
  dayBoundary: ProviderSpec['dayBoundary'];
  /** Milliseconds since the epoch. */
  nowMs: number;
  /** What no message may show, however the provider repeats it: the key, and what we added to the prompt. */
  hidden?: readonly string[];
}

// Status and structured codes decide first; wording only where a status means several things. Digits inside prose
// never decide ("Requested 34026 tokens" is no 402). Wording as the providers were seen to send it (2026-11).
const INVALID_KEY =
  /api[ _-]?key (?:is )?(?:not valid|invalid|expired|not found)|(?:invalid|incorrect|expired) (?:api|access|auth\w*)[ _-]?(?:key|token)|api_key_invalid/i;
const KEY_CODES = [
  'api_key_invalid',
  'invalid_api_key',
  'authentication_error',
  'unauthenticated',
  'invalid_authentication',
];
const CREDIT_CODES = [
  'insufficient_quota',
  'insufficient_balance',
  'insufficient_credits',
  'insufficient_funds',
  'billing_hard_limit_reached',
  'payment_required',
  'billing_not_active',
];
const GONE_CODES = [
  'model_not_found',
  'model_decommissioned',
  'model_not_supported',
  'model_not_available',
  'modelerror',
  'unknown_model',
];
const GONE =
  /no endpoints found|not a valid model id|not found for account|\bmodels?\b.{0,120}?\b(?:does not exist|not found|(?:was|is|been) (?:retired|removed|discontinued)|decommissioned)|\b(?:unknown|invalid|no such) model\b/i;
const ENDED =
  /decommissioned|end[- ]of[- ]life|\beol\b|reached its end|(?:has been|was|is) (?:retired|removed|shut ?down|discontinued|sunset)|no longer (?:available|supported|served)/i;
const CONTEXT_CODES = [
  'context_length_exceeded',
  'tokens_limit_reached',
  'exceed_context_size_error',
  'request_too_large',
  '1261',
];
const CONTEXT =
  /maximum context length|context[_ ](?:length|window|size)[_ ]?(?:exceeded|limit)|exceed\w*.{0,40}context (?:length|window|size)|prompt is too long|prompt exceeds max|input token count.{0,40}exceeds|(?:prompt|input|request) (?:is )?too (?:long|large)|too many (?:input )?tokens(?! per)|reduce the length of the (?:messages|prompt|input)|request (?:body )?too large/i;
const DAILY = /per[- ]?day|\b[rt]pd\b|\bdaily\b|\btoday\b|per 24 ?h|10,?000 neurons/i;
const RATE = /rate[ -_]?limit|too many requests|quota|resource[ _]exhausted|throttl/i;
const CHALLENGE = /just a moment|error(?: code)?:? 1010\b|attention required|cf-chl|challenge-platform/i;

/** A response whose status is not 2xx. `headers` with names in lower case. */
export function classifyResponse(
  status: number,
  headers: Record<string, string>,
  bodyText: string,
  context: ClassifyContext,
): Failure {
  const words = readErrorText(status, headers, bodyText, context.hidden);
  const isBehindProxy = headers['cf-mitigated'] !== undefined || CHALLENGE.test(words.text);
  if (
    headers['cf-mitigated'] === 'challenge' ||
    (status === 403 && (words.isHtml || isBehindProxy)) ||
    (status === 503 && words.isHtml && isBehindProxy)
  ) {
    return { ...failureOf('challenge', words.message), status };
  }
  const message =
    status >= 300 && status < 400
      ? `The provider redirects (HTTP ${status}); redirects are not followed`
      : words.message;
  return finish(
    status,
    kindOf(status, words, context),
    { ...words, message },
    statedRetryMs(headers, bodyText, context.nowMs),
    context,
    headers,
  );
}

/** An error that came inside a 200, as the adapters decode it. Where no status is named, its codes and words tell. */
export function classifyInBand(
  error: { body: unknown; status?: number; message: string },
  context: ClassifyContext,
): Failure {
  const words = readErrorBody(error.body, error.message, context.hidden);
  const named = error.status ?? words.status;
  const status = named ?? impliedStatus(words);
  const bodyText = typeof error.body === 'string' ? error.body : (JSON.stringify(error.body) ?? '');
  const failure = finish(
    status,
    kindOf(status, words, context),
    words,
    statedRetryMs({}, bodyText, context.nowMs),
    context,
    {},
  );
  return { ...failure, status: named };
}

/** A failure of the transport: nothing the provider said. */
export function classifyTransport(error: UpstreamError): Failure {
  return failureOf(error.kind === 'headers-timeout' ? 'slow' : 'network', error.message);
}

/** A failure that the gateway itself found (`slow`, `empty`, …). The message is redacted and cut here. */
export function failureOf(kind: FailureKind, message: string): Failure {
  return { kind, status: null, message: plain(message), retryAfterMs: null };
}

function finish(
  status: number,
  kind: FailureKind,
  words: ProviderWords,
  statedMs: number | null,
  context: ClassifyContext,
  headers: Record<string, string>,
): Failure {
  const failure: Failure = { kind, status, message: words.message, retryAfterMs: statedMs };
  if (kind === 'daily_quota') failure.retryAfterMs = dailyReset(statedMs, context, headers);
  if (kind === 'gone') {
    if (status === 410 || words.codes.includes('model_decommissioned') || ENDED.test(words.text))
      failure.isFinal = true;
    // A web page is what a wrong base URL answers: no reason to disable the model, ever.
    if (words.isHtml && status !== 410) failure.isFinal = false;
  }
  if (kind === 'too_large' || kind === 'rate_limit' || kind === 'daily_quota') {
    const limit = statedLimitIn(words.text, kind === 'too_large');
    if (limit) failure.statedLimit = limit.limit;
  }
  return failure;
}

/**
 * Gemini puts a delay of some seconds into the body even when the day's quota is used up; it is the minute window's.
 * https://ai.google.dev/gemini-api/docs/rate-limits
 */
function dailyReset(statedMs: number | null, context: ClassifyContext, headers: Record<string, string>): number {
  const isMinuteWindow =
    context.provider === 'google' && headers['retry-after'] === undefined && (statedMs ?? 0) <= 60_000;
  return statedMs === null || isMinuteWindow ? msToDayBoundary(context.dayBoundary, context.nowMs) : statedMs;
}

function kindOf(status: number, words: ProviderWords, context: ClassifyContext): FailureKind {
  const has = (codes: readonly string[]) => words.codes.some((code) => codes.includes(code));
  switch (status) {
    case 401:
      // OpenCode Zen answers 401 for everything; only its types tell (sst/opencode, zen handler).
      if (has(['modelerror'])) return 'gone';
      return has(['creditserror', 'monthlylimiterror']) ? 'forbidden' : 'auth';
    case 402:
      return 'credit';
    case 403:
      if (has(KEY_CODES) || INVALID_KEY.test(words.text)) return 'auth';
      return has(CREDIT_CODES) ? 'credit' : 'forbidden';
    case 404:
      return kindOfMissing(words);
    case 410:
      return 'gone';
    case 413:
      return 'too_large';
    case 429:
      return kindOf429(words, has, context);
    case 408:
    case 409:
    case 425:
      return 'overloaded';
  }
  const isContext = has(CONTEXT_CODES) || CONTEXT.test(words.text);
  if (status >= 500) return isContext && !words.isHtml ? 'too_large' : 'overloaded';
  if (status < 400 || words.isHtml) return 'bad_request';
  if (has(['api_key_invalid', 'invalid_api_key']) || INVALID_KEY.test(words.text)) return 'auth';
  if (isContext) return 'too_large';
  if (/\bDEGRADED\b/.test(words.text)) return 'overloaded';
  if (has(CREDIT_CODES)) return 'credit';
  return has(GONE_CODES) || GONE.test(words.text) ? kindOfMissing(words) : 'bad_request';
}

/** OpenRouter says 404 "No endpoints found" also when only this request, or this account, finds none. */
function kindOfMissing(words: ProviderWords): FailureKind {
  if (/no endpoints found that support/i.test(words.text)) return 'bad_request';
  return /no endpoints found matching your data policy/i.test(words.text) ? 'forbidden' : 'gone';
}

function kindOf429(
  words: ProviderWords,
  has: (codes: readonly string[]) => boolean,
  context: ClassifyContext,
): FailureKind {
  if (context.provider === 'modelscope' && /insufficient balance/i.test(words.text)) return 'gone';
  // 1113: no balance, said of paid models only; the free ones of the same key go on.
  if (context.provider === 'zhipu' && has(['1113'])) return 'forbidden';
  // Gemini's way to say that a model has no free tier.
  if (context.provider === 'google' && /\blimit: 0(?![\d.])/.test(words.text)) return 'forbidden';
  if (has(CREDIT_CODES)) return 'credit';
  // Also where more was requested than the limit ever allows: a 429 is no verdict on the prompt (413 is).
  return DAILY.test(words.text) || words.codes.some((code) => DAILY.test(code)) ? 'daily_quota' : 'rate_limit';
}

function impliedStatus(words: ProviderWords): number {
  const has = (pattern: RegExp) => words.codes.some((code) => pattern.test(code));
  if (has(/insufficient|billing|payment/)) return 402;
  if (words.codes.some((code) => KEY_CODES.includes(code))) return 401;
  if (words.codes.some((code) => GONE_CODES.includes(code))) return 404;
  if (has(/rate_?limit|resource_?exhausted|too_many|quota/)) return 429;
  if (has(/permission|forbidden/)) return 403;
  if (has(/context_length/) || CONTEXT.test(words.text)) return 413;
  if (has(/overloaded|unavailable|server_error|internal|api_error|timeout/)) return 503;
  if (has(/invalid_request|invalid_argument|bad_request|failed_precondition/)) return 400;
  return RATE.test(words.text) ? 429 : 503;
}
