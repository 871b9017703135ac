import type { StoredKey } from '../../protocol/worker.js';
import { CUSTOM_ID } from '../config/configFile.js';
import { invalidRequest } from '../http/errors.js';
import type { ProviderSpec } from '../providers/spec.js';
import { customProviderSpec, providerSpec } from '../providers/table.js';
import type { ProbeTarget } from './probe.js';

/** The config's base URL for a provider, if it has one. */
export type BaseUrlOf = (provider: string) => string | undefined;

/** What of a key says whom it is for. */
export type KeyOwner = Pick<StoredKey, 'provider' | 'secret'> & { baseUrl?: string | undefined };

/** The provider of a key. @throws HttpError 400 where there is no such provider. */
export function specOfKey(key: KeyOwner, baseUrlOf: BaseUrlOf): ProviderSpec {
  const baseUrl = key.baseUrl ?? (key.provider.startsWith('custom:') ? baseUrlOf(key.provider) : undefined);
  if (key.provider.startsWith('custom:')) {
    if (!CUSTOM_ID.test(key.provider)) {
      throw invalidRequest('The name of a custom provider has letters, digits, . _ - only', 'provider');
    }
    if (!baseUrl) throw invalidRequest('A custom provider needs its base URL', 'baseUrl');
    return customProviderSpec(key.provider, { baseUrl, isKeyless: key.secret === null });
  }
  const spec = providerSpec(key.provider);
  if (!spec || spec.id === 'demo')
    throw invalidRequest(`There is no provider "${key.provider.slice(0, 60)}"`, 'provider');
  return spec;
}

/** Where a key is asked about. @throws HttpError 400 where there is no such provider. */
export function probeTarget(key: KeyOwner, baseUrlOf: BaseUrlOf): ProbeTarget {
  const spec = specOfKey(key, baseUrlOf);
  return { spec, secret: key.secret, baseUrl: key.baseUrl ?? baseUrlOf(spec.id) ?? spec.baseUrl };
}
