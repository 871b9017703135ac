import type { QuotaUse } from '../../protocol/events.js';
import type { ConfigFile } from '../config/configFile.js';
import type { KeyPool } from '../keys/keyPool.js';
import type { QuotaWindowRow } from '../ledger/changes.js';
import type { CatalogModel } from '../providers/spec.js';

/** Where limits come from. */
export interface LimitSources {
  config: ConfigFile;
  keys: KeyPool;
  /** By `provider/model`. */
  known: ReadonlyMap<string, CatalogModel>;
}

/** A window as the admin API shows it. */
export function quotaUse(window: QuotaWindowRow, sources: LimitSources): QuotaUse {
  const { id, kind, provider, model, keyId, used, endsAt } = window;
  return { id, kind, provider, model, keyId, used, ...limitOf(window, sources), resetsAt: endsAt };
}

/** The user's word on the model, then on the key, then the catalog's. */
function limitOf(window: QuotaWindowRow, sources: LimitSources): Pick<QuotaUse, 'limit' | 'source'> {
  const kind = window.kind as keyof CatalogModel['limits'];
  const name = `${window.provider}/${window.model}`;
  const user = sources.config.limits?.[name]?.[kind] ?? sources.keys.get(window.keyId ?? '')?.limits?.[kind];
  if (user !== undefined) return { limit: user, source: 'user' };
  const catalog = sources.known.get(name)?.limits[kind];
  return catalog === undefined ? { limit: null, source: null } : { limit: catalog, source: 'catalog' };
}
