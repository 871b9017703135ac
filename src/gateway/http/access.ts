import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { HttpError } from './errors.js';

/**
 * A comparer for one token that does not tell by its time where a wrong one differs. Its length may be told: our own
 * tokens all have the same, and hashing both sides costs more than the rest of the check.
 */
export function createTokenCheck(expected: string): (given: string) => boolean {
  const bytes = Buffer.from(expected);
  return (given) => {
    const other = Buffer.from(given);
    return other.length === bytes.length && timingSafeEqual(other, bytes);
  };
}

/** The token of a request: `Authorization: Bearer`, or `x-api-key`. */
export function tokenOf(headers: IncomingHttpHeaders): string | null {
  const { authorization } = headers;
  if (authorization) {
    const match = /^Bearer\s+(\S+)\s*$/i.exec(authorization);
    if (match?.[1]) return match[1];
  }
  const key = headers['x-api-key'];
  return typeof key === 'string' && key !== '' ? key : null;
}

/**
 * Whether the Host header names this machine: DNS rebinding brings a foreign name. `localhost`, 127.0.0.1 and [::1] with
 * any port (port forwarding changes it); bound wider, also our own addresses.
 */
export function isHostAllowed(host: string | undefined, boundHost: string): boolean {
  if (!host) return false;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (name === '127.0.0.1' || name === 'localhost' || name === '[::1]') return true;
  const bare = name.replace(/^\[|\]$/g, '');
  if (isLoopback(boundHost)) return false;
  // A page cannot make a browser send an address it has not connected to, so any literal address is our own.
  return bare === boundHost.toLowerCase() || isIP(bare) !== 0;
}

/** No page may call us: an Origin is refused unless it is our own editor's or this very endpoint. */
export function isOriginAllowed(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

export function forbiddenHost(): HttpError {
  return new HttpError(
    403,
    'permission_error',
    'forbidden_host',
    'This gateway answers only to localhost, 127.0.0.1 and [::1] in the Host header',
  );
}

export function forbiddenOrigin(): HttpError {
  return new HttpError(403, 'permission_error', 'forbidden_origin', 'Web pages may not call this gateway');
}

export function invalidToken(what: 'missing' | 'wrong', kind: 'unified' | 'admin'): HttpError {
  const hint =
    kind === 'unified'
      ? 'send the unified token as "Authorization: Bearer freellmapi-…" or "x-api-key" ("FreeLLM: Copy Endpoint and Token")'
      : 'the admin API takes only the admin token, as "Authorization: Bearer …"';
  return new HttpError(401, 'authentication_error', 'invalid_api_key', `The token is ${what}; ${hint}`);
}
