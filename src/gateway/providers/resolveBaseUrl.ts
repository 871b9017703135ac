/** What users paste behind a base URL when they copy a whole endpoint. */
const PASTED_ENDPOINT = /\/(?:chat\/completions|completions|v2\/chat|models|embeddings|responses)$/;

/**
 * A base URL joined with a path: white space, trailing and doubled slashes and a pasted full endpoint
 * (`…/chat/completions`, `…/v2/chat`, `…/models`) are tolerated, a query of the base is kept, and an absolute
 * `path` stands for itself.
 */
export function joinEndpoint(base: string, path: string): string {
  if (/^https?:\/\//i.test(path)) return path;
  const trimmed = base.trim();
  const queryAt = trimmed.indexOf('?');
  const query = queryAt < 0 ? '' : trimmed.slice(queryAt);
  const root = normaliseBaseUrl(queryAt < 0 ? trimmed : trimmed.slice(0, queryAt));
  return `${root}/${path.replace(/^\/+/, '')}${query}`;
}

/** The base URL without trailing or doubled slashes and without a pasted endpoint. */
export function normaliseBaseUrl(base: string): string {
  const schemeEnd = base.indexOf('://');
  const start = schemeEnd < 0 ? 0 : schemeEnd + 3;
  const rest = base
    .slice(start)
    .replace(/\/{2,}/g, '/')
    .replace(/\/$/, '')
    .replace(PASTED_ENDPOINT, '');
  return base.slice(0, start) + rest;
}

/**
 * The account id and the token of a stored key, split at the first colon. Without a colon the account id is null.
 */
export function splitSecret(secret: string): { accountId: string | null; token: string } {
  const at = secret.indexOf(':');
  if (at < 0) return { accountId: null, token: secret };
  return { accountId: secret.slice(0, at).trim(), token: secret.slice(at + 1).trim() };
}

/** Puts the account id into `{account_id}` of a base URL or path. */
export function fillAccountId(url: string, accountId: string | null): string {
  return url.replaceAll('{account_id}', encodeURIComponent(accountId ?? ''));
}

/** `host:port` of a URL; what is none stays as it is. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** Loopback, private and link-local names and addresses. */
export function isLocalHost(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const host = new URL(url).hostname;
  return (
    host === 'localhost' ||
    host.endsWith('.local') ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^(127|10)\./.test(host) ||
    /^192\.168\./.test(host) ||
    /^172\.(1[6-9]|2\d|3[01])\./.test(host) ||
    /^\[f[cd]/.test(host)
  );
}
