import type { NewKey } from '../../protocol/api.js';
import type { StoredKey } from '../../protocol/worker.js';
import { HttpError, invalidRequest } from '../http/errors.js';
import { cleanPastedKey, isPlaceholder } from '../providers/keyShapes.js';
import type { ProviderSpec } from '../providers/spec.js';
import type { KeyPool, PoolKey } from './keyPool.js';

/** A pasted key without what came along with it. @throws HttpError 400 for a placeholder, and what no header can carry. */
export function cleanSecret(text: string): string {
  const secret = cleanPastedKey(text);
  if (isPlaceholder(secret))
    throw invalidRequest('The key is still the placeholder of an example; put your own in its place', 'key');
  if (!/[^\x21-\x7e]/.test(secret)) return secret;
  throw invalidRequest('The key has a space or a character that no key has', 'key');
}

/** What is to be saved of a key that is added. */
export function toStored(input: NewKey, secret: string | null, id: string): StoredKey {
  return {
    id,
    provider: input.provider,
    label: input.label ?? '',
    enabled: input.enabled ?? true,
    secret,
    ...(input.models ? { models: input.models } : {}),
    ...(input.limits ? { limits: input.limits as Record<string, number> } : {}),
    ...(input.baseUrl ? { baseUrl: input.baseUrl } : {}),
  };
}

/** A key that may be changed here. @throws HttpError 404 for none, 409 for one of the config file. */
export function requiredKey(pool: KeyPool, id: string): PoolKey {
  const key = pool.get(id);
  if (!key) throw noSuchKey();
  if (key.origin === 'config') {
    throw new HttpError(
      409,
      'invalid_request_error',
      'key_in_config',
      'This key is in the config file: change it there',
    );
  }
  return key;
}

/** The 404. */
export function noSuchKey(): HttpError {
  return new HttpError(404, 'invalid_request_error', 'not_found', 'There is no key with this id');
}

/** The 422 of a key that its provider refuses, in its words. */
export function keyInvalid(spec: ProviderSpec, words: string): HttpError {
  return new HttpError(422, 'invalid_request_error', 'key_invalid', `${spec.name} refuses the key: ${words}`, {
    param: 'key',
  });
}
