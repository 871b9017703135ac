import { resetValue } from '../routing/retryAfter.js';
import { wholeNumber } from '../routing/wholeNumber.js';

/** What one family of rate headers says of one window. */
export interface RateReading {
  axis: 'requests' | 'tokens';
  /** Where the name or the policy says it. */
  window?: 'minute' | 'hour' | 'day' | 'month';
  /** Where the name says it. */
  isAccount?: boolean;
  limit?: number;
  remaining?: number;
  /** ms from now, 0 to 31 days. */
  resetMs?: number;
}

const MAX_RESET_MS = 31 * 24 * 60 * 60 * 1000;

/**
 * `x-ratelimit-{limit,remaining,reset}[-{requests,req,tokens}][-{minute,hour,day,month}]`, with and without `x-`:
 * OpenAI's, Groq's, Cerebras', Mistral's, GitHub's (with `renewalperiod`, seconds), SambaNova's, OpenRouter's, IETF's.
 */
const GENERIC =
  /^(?:x-)?ratelimit(bysize)?-(limit|remaining|reset|renewalperiod)(?:-(requests|req|tokens))?(?:-(minute|hour|day|month))?$/;
/** ModelScope turns the words around, and tells the account's from the model's. */
const MODELSCOPE = /^modelscope-ratelimit-(model-)?requests-(limit|remaining|reset)$/;
/** Cohere's trial keys: calls a minute for the endpoint, and the month's limit for all of them. */
const COHERE: Readonly<Record<string, readonly [field: 'limit' | 'remaining', window: 'minute' | 'month']>> = {
  'x-trial-endpoint-call-limit': ['limit', 'minute'],
  'x-trial-endpoint-call-remaining': ['remaining', 'minute'],
  'x-endpoint-monthly-call-limit': ['limit', 'month'],
};
/** An item of the IETF draft's lists: `100;w=60` is 100 in 60 seconds. */
const ITEM = /^\s*(\d+)\s*(?:;.*?\bw=(\d+).*)?$/;
const WINDOWS = [
  [60, 'minute'],
  [3600, 'hour'],
  [86_400, 'day'],
] as const;

/** The windows that the headers of an answer tell of. Names in lower case. */
export function rateReadings(headers: Readonly<Record<string, string>>, nowMs: number): RateReading[] {
  let readings: Map<string, OpenReading> | null = null;
  for (const name in headers) {
    if (!name.includes('ratelimit') && !name.includes('-call-')) continue;
    const part = partOf(name);
    const value = headers[name];
    if (!part || value === undefined) continue;
    readings ??= new Map();
    const { field, ...what } = part;
    const key = `${what.axis} ${what.window ?? ''} ${what.isAccount ?? ''}`;
    const reading = readings.get(key) ?? what;
    readings.set(key, reading);
    put(reading, field, value, nowMs);
  }
  return readings ? [...readings.values()].filter(({ window, hasOtherWindow }) => window || !hasOtherWindow) : [];
}

/** `hasOtherWindow`: its length was said, and is none that we count. */
type OpenReading = RateReading & { hasOtherWindow?: boolean };

type Part = Pick<RateReading, 'axis' | 'window' | 'isAccount'> & {
  field: 'limit' | 'remaining' | 'reset' | 'renewalperiod';
};

function partOf(name: string): Part | null {
  const generic = GENERIC.exec(name);
  if (generic) {
    const [, bySize, field, unit, window] = generic;
    const part: Part = { axis: bySize || unit === 'tokens' ? 'tokens' : 'requests', field: field as Part['field'] };
    if (window) part.window = window as NonNullable<RateReading['window']>;
    return part;
  }
  const modelscope = MODELSCOPE.exec(name);
  if (modelscope) {
    return { axis: 'requests', window: 'day', isAccount: !modelscope[1], field: modelscope[2] as Part['field'] };
  }
  const cohere = COHERE[name];
  return cohere ? { axis: 'requests', window: cohere[1], field: cohere[0] } : null;
}

function put(reading: OpenReading, field: Part['field'], text: string, nowMs: number): void {
  if (field === 'reset') {
    const resetMs = resetValue(text, nowMs);
    if (resetMs !== null) reading.resetMs = Math.min(Math.max(resetMs, 0), MAX_RESET_MS);
    return;
  }
  const { number, seconds } = field === 'renewalperiod' ? { number: 0, seconds: wholeNumber(text) } : amountIn(text);
  if (seconds !== null) {
    const window = WINDOWS.find(([length]) => length === seconds)?.[1];
    if (window) reading.window ??= window;
    else reading.hasOtherWindow = true;
  }
  if (number !== null && field !== 'renewalperiod') reading[field] = number;
}

/** "20, 20;w=60": the first number is the one that counts, and the policies after it tell of which window it is. */
function amountIn(text: string): { number: number | null; seconds: number | null } {
  const number = wholeNumber(text);
  const isList = number === null && (text.includes(';') || text.includes(', '));
  if (!isList) return { number, seconds: null };
  const items = text.split(',').map(itemIn);
  const first = items[0]?.number ?? null;
  const policies = items.filter(({ seconds }) => seconds !== null);
  const own = policies.find((item) => item.number === first) ?? policies[0];
  return { number: first, seconds: own?.seconds ?? null };
}

function itemIn(text: string): { number: number | null; seconds: number | null } {
  const item = ITEM.exec(text);
  return { number: wholeNumber(item?.[1]), seconds: wholeNumber(item?.[2]) };
}
