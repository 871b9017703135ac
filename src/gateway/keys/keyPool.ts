import type { KeyHealthStatus, KeyView } from '../../protocol/keys.js';
import type { StoredKey } from '../../protocol/worker.js';
import type { Cooldowns } from '../routing/cooldowns/cooldowns.js';
import { RATE_KINDS } from '../routing/failurePolicy.js';

/** `rate_limited` is no verdict on a key: it is what a running cooldown looks like (`keyView`). */
export type KeyVerdict = Exclude<KeyHealthStatus, 'rate_limited'>;

export interface KeyHealth {
  status: KeyVerdict;
  /** The provider's own words. */
  message: string | null;
  checkedAt: number | null;
  /** A probe said so. It carries no prompt, so that its words may be kept. */
  isProbed: boolean;
}

const UNKNOWN: KeyHealth = { status: 'unknown', message: null, checkedAt: null, isProbed: false };

/** A key with what the gateway knows of it. Mutable: the pool is the one owner. */
export interface PoolKey extends StoredKey {
  health: KeyHealth;
  /** Keys of the config file come back at every start and are not saved. */
  origin: 'config' | 'stored';
}

export type KeyChange = 'added' | 'updated' | 'removed' | 'health';

export interface KeyPool {
  all(): readonly PoolKey[];
  get(id: string): PoolKey | undefined;
  ofProvider(provider: string): PoolKey[];
  /** `health`: as it was before a restart. */
  add(key: StoredKey, origin: PoolKey['origin'], health?: KeyHealth): PoolKey;
  update(id: string, change: Partial<Omit<StoredKey, 'id' | 'provider'>>): PoolKey | undefined;
  remove(id: string): boolean;
  setHealth(id: string, status: KeyVerdict, message: string | null, isProbed?: boolean): void;
  /** What the secret store should hold. */
  stored(): StoredKey[];
}

/** The keys in memory. `onChange` is told of every change, after it happened. */
export function createKeyPool(now: () => number, onChange: (key: PoolKey, change: KeyChange) => void): KeyPool {
  const keys = new Map<string, PoolKey>();
  return {
    all: () => [...keys.values()],
    get: (id) => keys.get(id),
    ofProvider: (provider) => [...keys.values()].filter((key) => key.provider === provider),
    add(stored, origin, health = UNKNOWN) {
      const key: PoolKey = { ...stored, origin, health: { ...health } };
      keys.set(key.id, key);
      onChange(key, 'added');
      return key;
    },
    update(id, change) {
      const key = keys.get(id);
      if (!key) return undefined;
      if (change.secret !== undefined && change.secret !== key.secret) {
        key.health = { ...UNKNOWN };
      }
      Object.assign(key, change);
      onChange(key, 'updated');
      return key;
    },
    remove(id) {
      const key = keys.get(id);
      if (!key) return false;
      keys.delete(id);
      onChange(key, 'removed');
      return true;
    },
    setHealth(id, status, message, isProbed = false) {
      const key = keys.get(id);
      if (!key) return;
      const { health } = key;
      // What a chat said and what a probe said are not the same: only the latter is kept over a restart.
      const isSame = health.status === status && health.message === message && health.isProbed === isProbed;
      key.health = { status, message, checkedAt: now(), isProbed };
      if (!isSame) onChange(key, 'health');
    },
    stored: () => [...keys.values()].filter((key) => key.origin === 'stored').map(toStored),
  };
}

function toStored({ health: _health, origin: _origin, ...key }: PoolKey): StoredKey {
  return key;
}

/** A key as the admin API shows it: the last four characters of the secret at most. */
export function keyView(key: PoolKey, cooldowns: Pick<Cooldowns, 'list'>): KeyView {
  return {
    id: key.id,
    provider: key.provider,
    label: key.label,
    mask: maskSecret(key.secret),
    enabled: key.enabled,
    health: shownHealth(key, cooldowns),
    limits: key.limits ?? {},
    models: key.models ?? null,
    isFixed: key.origin === 'config',
  };
}

/** A good key is `rate_limited` as long as a limit's cooldown lies on it, or on a model of it. */
function shownHealth({ id, health }: PoolKey, cooldowns: Pick<Cooldowns, 'list'>): KeyView['health'] {
  const { status, message, checkedAt } = health;
  const limit =
    status === 'healthy' ? cooldowns.list().findLast(({ keyId, kind }) => keyId === id && RATE_KINDS.has(kind)) : null;
  return limit ? { status: 'rate_limited', message: limit.message, checkedAt } : { status, message, checkedAt };
}

/** `…9Qx2`; short secrets show nothing of themselves. */
export function maskSecret(secret: string | null): string {
  if (secret === null) return '(no key needed)';
  return secret.length >= 12 ? `…${secret.slice(-4)}` : '…';
}
