import type { QuotaKind } from '../ledger/changes.js';
import type { ProviderSpec, RateHeaderMeaning } from '../providers/spec.js';
import { errorMetadataHeaders, parseJson, statedRetryMs } from '../routing/retryAfter.js';
import { statedLimitIn } from '../routing/statedLimit.js';
import { wholeNumber } from '../routing/wholeNumber.js';
import { rateReadings } from './rateHeaders.js';

/** One thing that a provider said of one of its windows. */
export interface QuotaObservation {
  kind: QuotaKind;
  /** `account`: all models of the key. Absent where it was not said: whatever shares such a limit, else the model. */
  scope?: 'model' | 'account';
  limit?: number;
  used?: number;
  remaining?: number;
  /** ms from now until the window is whole again; absent where it was not said. */
  resetMs?: number;
  source: 'header' | 'error';
  /** What the limit is of was guessed: it may fill or lower what is known, and raise only what was a guess too. */
  isGuess?: boolean;
}

/** An answer, or what of it is known so far. Header names in lower case. */
export interface QuotaAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Of errors only. */
  bodyText?: string;
}

const MAX_BODY = 64 * 1024;

/** What an answer tells of the provider's windows, from its headers and, for errors, its body. */
export function observationsOf(
  spec: Pick<ProviderSpec, 'id' | 'rateHeaders'>,
  answer: QuotaAnswer,
  nowMs: number,
): QuotaObservation[] {
  const found = fromHeaders(answer.headers, answer, spec.rateHeaders ?? {}, nowMs);
  if (answer.status < 400) return found;
  const bodyText = (answer.bodyText ?? '').slice(0, MAX_BODY);
  const body = parseJson(bodyText);
  const inBody = fromHeaders(errorMetadataHeaders(body), { ...answer, bodyText }, spec.rateHeaders ?? {}, nowMs);
  const stated = statedRetryMs({ ...answer.headers }, bodyText, nowMs);
  return [
    ...found,
    ...inBody,
    ...fromGithub(answer, nowMs),
    ...fromGoogle(body, stated),
    ...fromProse(bodyText, stated),
  ];
}

function fromHeaders(
  headers: Readonly<Record<string, string>>,
  { bodyText = '' }: Pick<QuotaAnswer, 'bodyText'>,
  meaning: RateHeaderMeaning,
  nowMs: number,
): QuotaObservation[] {
  const found: QuotaObservation[] = [];
  for (const reading of rateReadings(headers, nowMs)) {
    const { kind, isGuess } = kindOf(reading, meaning, bodyText);
    const { limit, remaining } = reading;
    if (limit === undefined && remaining === undefined) continue;
    // More left than there ever was: neither of the two can be believed.
    if (limit !== undefined && remaining !== undefined && remaining > limit) continue;
    const observation: QuotaObservation = { kind, source: 'header' };
    const isAccount = reading.isAccount ?? (meaning.isAccountWide && !reading.window ? true : undefined);
    if (isAccount !== undefined) observation.scope = isAccount ? 'account' : 'model';
    if (isGuess) observation.isGuess = true;
    if (limit !== undefined && limit > 0 && !meaning.isOthersLimit) observation.limit = limit;
    if (remaining !== undefined && (!meaning.isOthersLimit || remaining <= 0)) observation.remaining = remaining;
    const { resetMs } = reading;
    if (resetMs !== undefined) {
      const isNextSlot = meaning.isBucket === true && limit !== undefined && remaining !== undefined && remaining <= 0;
      observation.resetMs = isNextSlot ? resetMs / Math.max(limit, 1) : resetMs;
    }
    if (observation.limit !== undefined || observation.remaining !== undefined) found.push(observation);
  }
  return found;
}

const KINDS_OF = {
  requests: { minute: 'rpm', hour: 'rph', day: 'rpd', month: 'rpmonth' },
  tokens: { minute: 'tpm', hour: null, day: 'tpd', month: 'tpmonth' },
} as const;

/** The window by the header's own name, by the provider's table, by the error's words, by how soon it resets. */
function kindOf(
  { axis, window, resetMs }: { axis: 'requests' | 'tokens'; window?: keyof typeof KINDS_OF.requests; resetMs?: number },
  meaning: RateHeaderMeaning,
  bodyText: string,
): { kind: QuotaKind; isGuess: boolean } {
  const named = window && KINDS_OF[axis][window];
  if (named) return { kind: named, isGuess: false };
  const known = meaning[axis];
  if (known) return { kind: known, isGuess: false };
  const said = /per[- ]?(min|hour|day|month)/i.exec(bodyText)?.[1]?.toLowerCase();
  const words = { min: 'minute', hour: 'hour', day: 'day', month: 'month' } as const;
  const saidKind = said ? KINDS_OF[axis][words[said as keyof typeof words]] : null;
  if (saidKind) return { kind: saidKind, isGuess: false };
  const isShort = resetMs === undefined || resetMs <= 60_000;
  if (axis === 'tokens') return { kind: isShort ? 'tpm' : 'tpd', isGuess: true };
  return { kind: isShort ? 'rpm' : resetMs <= 3_600_000 ? 'rph' : 'rpd', isGuess: true };
}

/** GitHub Models names the limit that was met: `x-ratelimit-type: UserByModelByDay`, "Rate limit of 50 per 86400s". */
function fromGithub({ headers, bodyText = '' }: QuotaAnswer, nowMs: number): QuotaObservation[] {
  const type = headers['x-ratelimit-type'] ?? /\bUserBy\w+/.exec(bodyText)?.[0];
  const window = type && /By(Minute|Day)/i.exec(type)?.[1]?.toLowerCase();
  if (!type || !window) return [];
  const axis = /token/i.test(type) ? 'tokens' : 'requests';
  const kind = KINDS_OF[axis][window as 'minute' | 'day'];
  const observation: QuotaObservation = {
    kind,
    scope: /ByModel/i.test(type) ? 'model' : 'account',
    remaining: 0,
    source: 'error',
  };
  const limit = /Rate limit of (\d+) per (\d+)\s?s/i.exec(bodyText);
  const most = wholeNumber(limit?.[1]);
  if (most) observation.limit = most;
  const left = Number(headers['x-ratelimit-timeremaining']);
  const resetMs = left > 0 ? left * 1000 : statedRetryMs({ ...headers }, bodyText, nowMs);
  if (resetMs) observation.resetMs = resetMs;
  return [observation];
}

/**
 * Google's QuotaFailure: `quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier", quotaValue: "20"`. Its delay is
 * the minute window's, whatever window was met. https://ai.google.dev/gemini-api/docs/rate-limits
 */
function fromGoogle(body: unknown, statedMs: number | null): QuotaObservation[] {
  const found: QuotaObservation[] = [];
  for (const violation of violationsIn(body)) {
    const id = String(violation['quotaId'] ?? '');
    const window = /Per(Minute|Day)/.exec(id)?.[1]?.toLowerCase();
    const limit = wholeNumber(violation['quotaValue']);
    // A value of 0: the model has no free tier. That is no window, and classified elsewhere.
    if (!window || limit === 0) continue;
    const kind = KINDS_OF[/token/i.test(id) ? 'tokens' : 'requests'][window as 'minute' | 'day'];
    const scope = /PerModel/.test(id) ? 'model' : 'account';
    const observation: QuotaObservation = { kind, scope, remaining: 0, source: 'error' };
    if (limit !== null) observation.limit = limit;
    if (window === 'minute' && statedMs !== null) observation.resetMs = statedMs;
    // A prompt over the minute's tokens is refused though tokens are left: it says nothing of what is left.
    if (kind === 'tpm') delete observation.remaining;
    found.push(observation);
  }
  return found;
}

function violationsIn(body: unknown): Record<string, unknown>[] {
  const error = field(Array.isArray(body) ? body[0] : body, 'error');
  const details = field(error, 'details');
  if (!Array.isArray(details)) return [];
  return details.flatMap((detail) => {
    const violations = field(detail, 'violations');
    return Array.isArray(violations) ? violations.filter((each) => typeof each === 'object' && each !== null) : [];
  });
}

const USED = /\bused:?\s+(\d[\d,]*)/i;
/** Cohere: "You are using a Trial key, which is limited to 20 API calls / minute". */
const CALLS = /limited to (\d+) (?:API )?calls ?(?:\/|per|an?) ?(minute|hour|day|month)/i;

/** Groq: "on tokens per minute (TPM): Limit 6000, Used 5400, Requested 900". The delay is until this request fits. */
function fromProse(text: string, statedMs: number | null): QuotaObservation[] {
  const stated = statedLimitIn(text, false);
  if (stated && stated.limit.axis !== 'context') {
    const { axis: kind, value: limit } = stated.limit;
    const used = USED.exec(text)?.[1];
    const observation: QuotaObservation = { kind, limit, source: 'error' };
    const spent = wholeNumber(used?.replace(/,$/, ''));
    if (spent !== null) observation.used = spent;
    return [observation];
  }
  const calls = CALLS.exec(text);
  const limit = wholeNumber(calls?.[1]);
  if (!calls || !limit) return [];
  const kind = KINDS_OF.requests[calls[2]?.toLowerCase() as keyof typeof KINDS_OF.requests];
  const observation: QuotaObservation = { kind, limit, remaining: 0, source: 'error' };
  if (statedMs !== null) observation.resetMs = statedMs;
  return [observation];
}

/**
 * What `GET https://openrouter.ai/api/v1/key`, which is its key probe, tells of the day's free requests:
 * `data.free_model_daily_requests: { limit, used, remaining }`. Older answers only say `is_free_tier`: no credit was
 * ever bought, and the 50 of the table hold. https://openrouter.ai/docs/api-reference/limits
 */
export function observationsOfProbe(provider: string, bodyText: string): QuotaObservation[] {
  if (provider !== 'openrouter') return [];
  const data = field(parseJson(bodyText), 'data');
  const daily = field(data, 'free_model_daily_requests');
  const observation: QuotaObservation = { kind: 'rpd', scope: 'account', source: 'header' };
  const limit = wholeNumber(field(daily, 'limit') ?? (field(data, 'is_free_tier') === false ? 1000 : null));
  if (!limit) return [];
  observation.limit = limit;
  const used = wholeNumber(field(daily, 'used'));
  if (used !== null) observation.used = used;
  return [observation];
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
