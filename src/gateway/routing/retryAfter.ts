/** No provider's word benches anything for longer than this. */
export const MAX_STATED_MS = 24 * 60 * 60 * 1000;
const MAX_DEPTH = 6;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION_PART =
  /(\d+(?:\.\d+)?)\s*(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])/iy;
/** What comes before a wait in prose. The wait itself is read by `leadingDuration`. */
const PROSE =
  /(?:try again (?:in|after)|retry (?:in|after)|(?:please )?wait(?: for)?|available in|resets? in)[:\s]+(?:about |approximately |another )?(?=\d)/gi;

/**
 * When the provider said to come back, in ms from now, over 0 and at most 24 h; null when it did not say. A wait that is
 * over already (`Retry-After: 0`, a past date) says nothing: who believed it would ask again at once, for ever.
 * In this order: `retry-after-ms`, `Retry-After`, fields of the body, prose in the body, `x-ratelimit-reset*`
 * (in the headers, then in OpenRouter's `error.metadata.headers`).
 * @param headers names in lower case
 * Source: RFC 9110 §10.2.3 and what the providers were seen to send (Groq `2m59.56s`, Google `retryDelay: "17s"`).
 */
export function statedRetryMs(headers: Record<string, string>, bodyText: string, nowMs: number): number | null {
  const body = parseJson(bodyText);
  const stated =
    ahead(plainNumber(headers['retry-after-ms'])) ??
    ahead(retryAfterHeader(headers['retry-after'], nowMs)) ??
    ahead(bodyField(body, 0)) ??
    ahead(proseMs(bodyText)) ??
    ahead(rateLimitReset(headers, nowMs)) ??
    ahead(rateLimitReset(errorMetadataHeaders(body), nowMs));
  return stated === null ? null : Math.min(Math.max(Math.round(stated), 1), MAX_STATED_MS);
}

function ahead(ms: number | null): number | null {
  return ms !== null && ms > 0 ? ms : null;
}

/** `2m59.56s`, `1h2m3s`, `750ms`, `20 seconds` as ms; null when the whole text is not a duration with units. */
export function durationMs(text: string): number | null {
  const trimmed = text.trim();
  const found = leadingDuration(trimmed, 0);
  return found && found.end === trimmed.length ? found.ms : null;
}

function leadingDuration(text: string, from: number): { ms: number; end: number } | null {
  let end = from;
  let ms = 0;
  let isFound = false;
  for (;;) {
    DURATION_PART.lastIndex =
      end + (/^(?:\s*,\s*|\s*and\s+|\s+)(?=\d)/i.exec(text.slice(end, end + 12))?.[0].length ?? 0);
    const part = DURATION_PART.exec(text);
    if (!part) break;
    ms += Number(part[1]) * unitMs(part[2] ?? 's');
    end = part.index + part[0].length;
    isFound = true;
  }
  return isFound ? { ms, end } : null;
}

function unitMs(unit: string): number {
  const lower = unit.toLowerCase();
  return UNITS[lower.startsWith('ms') || lower.startsWith('mil') ? 'ms' : lower.charAt(0)] ?? 1000;
}

function plainNumber(text: string | undefined): number | null {
  const trimmed = text?.trim();
  return trimmed && /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : null;
}

function retryAfterHeader(text: string | undefined, nowMs: number): number | null {
  if (text === undefined) return null;
  const seconds = plainNumber(text);
  if (seconds !== null) return epochOrSeconds(seconds, nowMs);
  return durationMs(text) ?? dateMs(text, nowMs);
}

function dateMs(text: string, nowMs: number): number | null {
  // Date.parse reads all sorts of text ("model 3" is a date to V8): only what looks like a full date is one.
  if (!/^\s*(?:\d{4}-\d{2}-\d{2}[T ]|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )/i.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at - nowMs;
}

/** A number is a delay in seconds, unless it is so large that it must be a time of day: epoch seconds, or epoch ms. */
function epochOrSeconds(value: number, nowMs: number): number {
  if (value >= 1e12) return value - nowMs;
  return value >= 1e9 ? value * 1000 - nowMs : value * 1000;
}

/** The JSON value of a body; undefined for what is none. */
export function parseJson(text: string): unknown {
  const start = text.trimStart().charAt(0);
  if (start !== '{' && start !== '[') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function bodyField(value: unknown, depth: number): number | null {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return null;
  for (const [name, field] of Object.entries(value)) {
    const delay = delayField(name.replace(/[_-]/g, '').toLowerCase(), field) ?? bodyField(field, depth + 1);
    if (delay !== null) return delay;
  }
  return null;
}

function delayField(name: string, field: unknown): number | null {
  const isMs = name === 'retryafterms';
  if (!isMs && name !== 'retrydelay' && name !== 'retryafter' && name !== 'retryafterseconds') return null;
  const number = typeof field === 'number' ? field : typeof field === 'string' ? plainNumber(field) : null;
  if (number !== null && Number.isFinite(number)) return isMs ? number : number * 1000;
  if (typeof field === 'string') return durationMs(field);
  // google.protobuf.Duration as an object
  if (typeof field !== 'object' || field === null || !('seconds' in field)) return null;
  const seconds = Number(field.seconds);
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

function proseMs(text: string): number | null {
  for (const match of text.matchAll(PROSE)) {
    const found = leadingDuration(text, match.index + match[0].length);
    if (found) return found.ms;
  }
  return null;
}

/**
 * The reset of the window that is used up (the latest, if several are). A window with requests or tokens left says
 * nothing; a reset without its `remaining` counts where no window is known to be used up.
 */
function rateLimitReset(headers: Record<string, string>, nowMs: number): number | null {
  let usedUp: number | null = null;
  let unmatched: number | null = null;
  for (const [name, value] of Object.entries(headers)) {
    const match = /^(.*ratelimit-(?:.*-)?)reset(.*)$/.exec(name);
    const resetMs = match ? resetValue(value, nowMs) : null;
    if (!match || resetMs === null) continue;
    const remaining = headers[`${match[1]}remaining${match[2]}`];
    if (remaining === undefined) unmatched = Math.max(unmatched ?? 0, resetMs);
    else if (Number(remaining) <= 0) usedUp = Math.max(usedUp ?? 0, resetMs);
  }
  return usedUp ?? unmatched;
}

/** A reset's value in ms from now: seconds, epoch seconds or ms, a duration with units, a date. null when unreadable. */
export function resetValue(text: string, nowMs: number): number | null {
  const number = plainNumber(text);
  return number === null ? (durationMs(text) ?? dateMs(text, nowMs)) : epochOrSeconds(number, nowMs);
}

/** OpenRouter's: the headers stand in the body, names in lower case here. */
export function errorMetadataHeaders(body: unknown): Record<string, string> {
  const found = field(field(field(body, 'error'), 'metadata'), 'headers');
  if (typeof found !== 'object' || found === null) return {};
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
