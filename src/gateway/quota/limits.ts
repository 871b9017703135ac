import type { LedgerChange, QuotaKind, QuotaLimitRow } from '../ledger/changes.js';
import type { AccountLimit, CatalogModel, ProviderSpec } from '../providers/spec.js';
import type { WindowScope } from './windows.js';

/** What a request is charged to. */
export interface QuotaTarget {
  provider: string;
  /** Provider-side model id. */
  model: string;
  /** null, or a stand-in's id, for keyless providers. */
  keyId: string | null;
}

export type Limits = { readonly [kind in QuotaKind]?: number | undefined };

/** A limit that is known, and from whom. */
export interface KnownLimit {
  limit: number;
  source: 'catalog' | 'user' | 'header' | 'error';
  /** When it was learned, in ms since the epoch; null for what was always there. */
  since: number | null;
}

/** The rows that limits and days come from. Read when windows are first made, and after `limitsChanged`. */
export interface QuotaSources {
  spec(provider: string): Pick<ProviderSpec, 'dayBoundary' | 'accountLimits'> | undefined;
  catalog(provider: string, model: string): CatalogModel['limits'] | undefined;
  /** The user's limits of a model; each key has them for itself. */
  ofModel(provider: string, model: string): Limits | undefined;
  /** The user's limits of a key, over all its models. */
  ofKey(keyId: string): Limits | undefined;
}

/** A scope with what is said of it by those who do not learn. */
export interface LimitedScope extends WindowScope {
  readonly catalog: Limits;
  readonly user: Limits;
}

/**
 * The scopes that a request is counted in: the model on the key; the key over all models; the address where the provider
 * counts by address. Two keys of one provider are taken for two accounts (or projects): nothing tells us otherwise, and
 * who has two keys of one account sees its 429s and headers close both. Only a quota by IP address is one for all keys.
 */
export function scopesOf(target: QuotaTarget, sources: QuotaSources): LimitedScope[] {
  const { provider, model, keyId } = target;
  const shared = sources.spec(provider)?.accountLimits ?? [];
  const of = (per: AccountLimit['per']): Limits =>
    Object.fromEntries(shared.flatMap(({ per: of, kind, limit }) => (of === per && kind ? [[kind, limit]] : [])));
  const none: Limits = {};
  const [own, account, address, modelAtAddress] = scopeIdsOf(target);
  const scopes: LimitedScope[] = [
    {
      id: own,
      provider,
      model,
      keyId,
      catalog: { ...of('model'), ...sources.catalog(provider, model) },
      user: sources.ofModel(provider, model) ?? none,
    },
    {
      id: account,
      provider,
      model: null,
      keyId,
      catalog: of('account'),
      user: (keyId === null ? undefined : sources.ofKey(keyId)) ?? none,
    },
  ];
  const byAddress = of('ip');
  const byAddressAndModel = of('ip-model');
  if (Object.keys(byAddress).length > 0) {
    scopes.push({ id: address, provider, model: null, keyId: null, catalog: byAddress, user: none });
  }
  if (Object.keys(byAddressAndModel).length > 0) {
    scopes.push({ id: modelAtAddress, provider, model, keyId: null, catalog: byAddressAndModel, user: none });
  }
  return scopes;
}

/** The ids of all scopes that a request may be counted in: its own, the account's, the address's, the model's at the address. */
export function scopeIdsOf(target: QuotaTarget): readonly [string, string, string, string] {
  const { provider, model, keyId } = target;
  return [modelScopeId(target), `${provider}#${keyId ?? ''}`, `${provider}@ip`, `${provider}/${model}@ip`];
}

/** Whether the provider counts its models together: a day that is used up is then used up for all of them. */
export function countsModelsTogether({ accountLimits }: Pick<ProviderSpec, 'accountLimits'>): boolean {
  return accountLimits?.some(({ per }) => per === 'account' || per === 'ip') ?? false;
}

/** As rows of earlier versions name it too. */
export function modelScopeId({ provider, model, keyId }: QuotaTarget): string {
  return `${provider}/${model}#${keyId ?? ''}`;
}

/** What providers taught us of their limits. */
export class LimitBook {
  private readonly learned = new Map<string, QuotaLimitRow>();
  private changes: LedgerChange[] = [];

  /**
   * The limit that holds: what the provider said of itself, else the user's word, else the catalog's; never more than
   * the user allows. null: none is known. A limit of 0 is no limit.
   */
  resolve(scope: LimitedScope, kind: QuotaKind): KnownLimit | null {
    const user = scope.user[kind] || null;
    const learned = this.learned.get(nameOf(scope.id, kind));
    if (learned && (user === null || learned.limit <= user)) {
      return { limit: learned.limit, source: learned.source, since: learned.learnedAt };
    }
    if (user !== null) return { limit: user, source: 'user', since: null };
    const catalog = scope.catalog[kind];
    return catalog ? { limit: catalog, source: 'catalog', since: null } : null;
  }

  /** What the provider itself allows, whatever the user does; null where nobody knows. */
  ofProvider(scope: LimitedScope, kind: QuotaKind): number | null {
    return this.learned.get(nameOf(scope.id, kind))?.limit ?? (scope.catalog[kind] || null);
  }

  /** The provider's word. Returns whether it says something new. */
  learn(id: string, kind: QuotaKind, limit: number, source: 'header' | 'error', at: number): boolean {
    const known = this.learned.get(nameOf(id, kind));
    if (limit <= 0 || known?.limit === limit) return false;
    const row: QuotaLimitRow = { id, kind, limit, source, learnedAt: at };
    this.learned.set(nameOf(id, kind), row);
    this.changes.push({ type: 'quota.limit', limit: row });
    return true;
  }

  /** Back to what the user or the catalog says. False when nothing was learned. */
  forget(id: string, kind: QuotaKind): boolean {
    if (!this.learned.delete(nameOf(id, kind))) return false;
    this.changes.push({ type: 'quota.limit.removed', id, kind });
    return true;
  }

  /** Limits of an earlier life. Rows of the user's are not ours: those come from the configuration. */
  restore(rows: readonly QuotaLimitRow[]): void {
    for (const row of rows) if (row.source !== 'user') this.learned.set(nameOf(row.id, row.kind), row);
  }

  /** What to journal since the last call. */
  takeChanges(): LedgerChange[] {
    const { changes } = this;
    this.changes = [];
    return changes;
  }
}

function nameOf(id: string, kind: QuotaKind): string {
  return `${kind} ${id}`;
}
