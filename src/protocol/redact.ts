/**
 * Takes what looks like a secret out of text that is about to be logged or shown.
 *
 * Shapes are those of the providers' own keys (see docs of each; facts as of 2026-11). The rule is to
 * mask too much rather than too little: a masked word in a log costs a question, a leaked key a rotation.
 */

const MASK = '[redacted]';

/** Keys that their prefix gives away. The prefix stays, since it tells which provider is meant. */
const PREFIXED =
  /(?<![A-Za-z0-9])(gsk_|AIza|AQ\.|sk-or-v1-|sk-ant-|sk-proj-|sk-|sk_|pk_|csk-|nvapi-|hf_|ghp_|gho_|ghu_|ghs_|ghr_|github_pat_|xai-|glpat-|freellmapi-|freellm-admin-)[A-Za-z0-9_\-.]{8,}/g;

/** JSON web tokens: MiniMax's keys are some. */
const JWT = /(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]+){0,2}/g;

/** Zhipu's and Z.ai's `id.secret`: 32 hex digits, a dot, 16 or more characters. */
const DOTTED = /(?<![A-Za-z0-9])[0-9a-f]{32}\.[A-Za-z0-9]{12,}/g;

/** `Bearer x`, `Basic x`, whatever x is. */
const SCHEME = /\b(Bearer|Basic|Token)(\s+)(?!\[redacted\])[A-Za-z0-9._~+/=:-]{8,}/gi;

/** `key=x`, `"apiKey": "x"`, `x-api-key: x`, `authorization: x` and their like, in prose, JSON, URLs and headers. */
const NAMED =
  /((?<![A-Za-z])(?:x-goog-api-key|x-api-key|proxy-authorization|authorization|api[_-]?key|access[_-]?token|admin[_-]?token|client[_-]?secret|password|passwd|secret|token|key)["']?\s*[=:]\s*["']?)(?!\[redacted\])((?:Bearer|Basic|Token)\s+)?([A-Za-z0-9._~+/=-]{16,})/gi;

/** `https://user:password@host`. */
const URL_PASSWORD = /(\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/@:]{0,200}:[^\s/@]{1,500}@/gi;

/**
 * The text with everything key-like replaced: `gsk_[redacted]`, `Bearer [redacted]`, `key=[redacted]`.
 * Pure, linear in the text's length, and `redact(redact(x)) === redact(x)`.
 */
export function redact(text: string): string {
  return text
    .replace(URL_PASSWORD, `$1${MASK}@`)
    .replace(PREFIXED, `$1${MASK}`)
    .replace(JWT, MASK)
    .replace(DOTTED, MASK)
    .replace(NAMED, `$1$2${MASK}`)
    .replace(SCHEME, `$1$2${MASK}`);
}

/** Names of fields whose values are never shown, whatever they look like. */
const SECRET_FIELD =
  /^(?:authorization|proxy-authorization|x-api-key|x-goog-api-key|api_?key|secret|password|token|admin_?token|cookie)$/i;

/**
 * A copy of a log record's fields, redacted all the way down; values of fields named like a secret
 * (`authorization`, `apiKey`, `token`, …) go whole. Errors become their redacted message. Depth is capped at 6.
 */
export function redactFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redactValue(fields, 0) as Record<string, unknown>;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redact(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return redact(value.message);
  if (depth >= 6) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_FIELD.test(name) && typeof item === 'string' ? MASK : redactValue(item, depth + 1),
    ]),
  );
}
