import assert from 'node:assert/strict';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import type { ClientResponse } from './client.js';
import { testAdminToken, testToken } from './gateway.js';
import type { FakeProvider } from './provider.js';

/** Secrets of the fake accounts: shaped like real ones, so that redaction has something to find. */
export const secrets = {
  groq: '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',
  groq2: 'gsk_K2zzzzYYYYxxxxWWWWvvvvUUUUtttt4444ssss5555rrrr6666qq',
  mistral: 'Mk3AbCdEfGhIjKlMnOpQrStUvWxYz012',
  google: 'AIzaSyK1aaaaBBBBccccDDDDeeeeFFFFgggg1111',
  google2: 'AIzaSyK2zzzzYYYYxxxxWWWWvvvvUUUUtttt4444',
  cerebras: 'csk-k1aaaabbbbccccddddeeeeffffgggg1111hhhh2222',
  openrouter: 'sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
} as const;

/** The names of U1's and U2's models, as the chain and the headers have them. */
export const u1Name = 'groq/llama-3.3-70b-versatile';
export const u2Name = 'mistral/mistral-large-latest';

type Providers = NonNullable<ConfigFile['providers']>;
type ProviderEntry = Providers[string];

/** Settings of every case: nothing but the request itself talks to a provider, and nothing waits in a queue. */
export const quietSettings = { healthProbes: false, 'queue.timeoutSeconds': 0 } as const;

/** U1 is Groq and U2 is Mistral, both at fake providers, one key each, in this order. */
export function chainOf(u1: FakeProvider, u2?: FakeProvider, more: Partial<ConfigFile> = {}): ConfigFile {
  const providers: Providers = { groq: { baseUrl: `${u1.origin}/openai/v1`, keys: [{ key: secrets.groq }] } };
  if (u2) providers.mistral = { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] };
  return {
    providers: { ...providers, ...more.providers },
    chain: more.chain ?? (u2 ? [u1Name, u2Name] : [u1Name]),
    strategy: 'priority',
    // Cases of failover are not about Mistral's two requests a minute.
    limits: more.limits ?? { [u2Name]: { rpm: 1000 } },
    settings: { ...quietSettings, ...more.settings },
  };
}

/** A chain of just these providers, with nothing of U1 and U2. */
export function configOf(providers: Record<string, ProviderEntry>, chain: string[]): ConfigFile {
  return { providers, chain, strategy: 'priority', settings: { ...quietSettings } };
}

/** The text of a completion. */
export async function textOf(response: ClientResponse): Promise<string> {
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.choices[0].message.content;
}

const errorShape = ['code', 'message', 'param', 'type'];
const allSecrets: readonly string[] = [...Object.values(secrets), testToken, testAdminToken];

/** Fails if `text` holds a key or token, or most of one. */
export function assertNoSecret(text: string): void {
  for (const secret of allSecrets) {
    assert.ok(!text.includes(secret), 'a whole key or token is in it');
    assert.ok(!text.includes(secret.slice(6, 26)), 'most of a key or token is in it');
  }
}

/** The contract's error, with everything that holds for all of them; returns `error`. */
export async function assertError(
  response: ClientResponse,
  status: number,
  type: string,
  code: string,
): Promise<{ message: string; type: string; code: string; param: string | null }> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.match(response.headers['content-type'] ?? '', /^application\/json/);
  assert.ok(response.headers['x-request-id'], 'X-Request-Id is there');
  assert.doesNotMatch(text, /\n\s+at |\.[jt]s:\d+|node:internal|node_modules/, 'no stack trace');
  assertNoSecret(text);
  assertNoSecret(JSON.stringify(response.headers));
  const body = JSON.parse(text);
  assert.deepEqual(Object.keys(body), ['error']);
  assert.deepEqual(Object.keys(body.error).sort(), errorShape);
  assert.equal(typeof body.error.message, 'string');
  assert.ok(body.error.message.length > 0);
  assert.equal(body.error.type, type, text);
  assert.equal(body.error.code, code, text);
  return body.error;
}
