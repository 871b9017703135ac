import { redact } from '../../protocol/redact.js';

/** What a provider's error says, taken out of whatever shape it came in. */
export interface ProviderWords {
  /** For people: redacted, at most 500 characters, never HTML. */
  message: string;
  /** For matching: message and OpenRouter's quoted upstream error, unredacted, at most 4,000 characters. */
  text: string;
  /** `error.code`, `error.type`, `error.status`, Google's `details[].reason`, `quotaId`s: lower case, strings only. */
  codes: string[];
  /** An HTTP status named inside the body. */
  status: number | null;
  isHtml: boolean;
}

const MAX_MESSAGE = 500;
const MAX_TEXT = 4000;

/** Shorter than this is no key of anybody's, and stands in ordinary words. */
const MIN_SECRET = 8;

/** What of a key may not be shown, in whatever words: itself, and its parts. */
export function secretsIn(secret: string | null, part?: string): string[] {
  return [secret, part].filter((text): text is string => (text?.length ?? 0) >= MIN_SECRET);
}

/**
 * Reads an error body as text. `headers` with names in lower case; `hidden` is what the message must not show, where the
 * provider repeats what it was sent.
 */
export function readErrorText(
  status: number,
  headers: Record<string, string>,
  bodyText: string,
  hidden: readonly string[] = [],
): ProviderWords {
  const isHtml =
    /^\s*(?:<!doctype html|<html|<head|<body)/i.test(bodyText) || /\btext\/html\b/i.test(headers['content-type'] ?? '');
  if (isHtml) {
    const message = `The provider answered HTTP ${status} with a web page`;
    return { message, text: bodyText.slice(0, MAX_TEXT), codes: [], status: null, isHtml };
  }
  let body: unknown;
  try {
    body = JSON.parse(bodyText);
  } catch {
    body = bodyText;
  }
  return readErrorBody(body, `The provider answered HTTP ${status}`, hidden);
}

/** Reads a parsed error body: `error.message`, `detail`, `title`, `message`, `errors[0].message`, or the text itself. */
export function readErrorBody(given: unknown, fallback: string, hidden: readonly string[] = []): ProviderWords {
  // Google wraps stream errors in an array.
  const body = Array.isArray(given) ? given[0] : given;
  const error = field(body, 'error') ?? first(field(body, 'errors')) ?? body;
  const said =
    text(field(error, 'message')) ??
    text(error) ??
    text(field(body, 'detail')) ??
    text(field(first(field(body, 'detail')), 'msg')) ??
    text(field(body, 'title')) ??
    text(field(body, 'message')) ??
    fallback;
  const raw = text(field(field(error, 'metadata'), 'raw'));
  const whole = raw && raw !== said ? `${said}: ${raw}` : said;
  return {
    message: plain(whole, hidden),
    text: whole.slice(0, MAX_TEXT),
    codes: codesOf(body, error),
    status: statusOf(body, error),
    isHtml: false,
  };
}

/** One line, redacted, without what is `hidden`, at most 500 characters. */
export function plain(message: string, hidden: readonly string[] = []): string {
  // Before anything is cut: of what is cut in two, nobody knows the halves. And again where it was broken over lines.
  const text = withoutAll(message, hidden).slice(0, MAX_TEXT);
  const line = withoutAll(redact(text).replace(/\s+/g, ' ').trim(), hidden);
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE - 1)}…` : line;
}

function withoutAll(text: string, hidden: readonly string[]): string {
  return hidden.reduce((left, one) => left.replaceAll(one, '…'), text);
}

function codesOf(body: unknown, error: unknown): string[] {
  const found: unknown[] = [];
  for (const holder of error === body ? [error] : [error, body]) {
    found.push(field(holder, 'code'), field(holder, 'type'), field(holder, 'status'));
  }
  const details = field(error, 'details');
  for (const detail of Array.isArray(details) ? details : []) {
    found.push(field(detail, 'reason'));
    const violations = field(detail, 'violations');
    for (const violation of Array.isArray(violations) ? violations : []) found.push(field(violation, 'quotaId'));
  }
  return found.filter((code) => typeof code === 'string').map((code) => code.toLowerCase());
}

function statusOf(body: unknown, error: unknown): number | null {
  for (const holder of [error, body]) {
    for (const name of ['code', 'status', 'status_code', 'statusCode']) {
      const value = field(holder, name);
      const isStatus = (typeof value === 'number' || typeof value === 'string') && /^[45]\d\d$/.test(String(value));
      if (isStatus) return Number(value);
    }
  }
  return null;
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
