import type { StoredKey } from '../protocol/worker.js';
import { describeError, type Logger } from './logger.js';

/** The part of `vscode.SecretStorage` we use, so that tests bring their own. */
export interface SecretBackend {
  get(key: string): PromiseLike<string | undefined>;
  store(key: string, value: string): PromiseLike<void>;
  delete(key: string): PromiseLike<void>;
}

/** The two credentials of the gateway: agents hold the first, only the editor side the second. */
export interface GatewayTokens {
  token: string;
  adminToken: string;
}

const INDEX = 'freellm.keys';
const TOKEN = 'freellm.token';
const ADMIN_TOKEN = 'freellm.adminToken';
const secretName = (id: string): string => `freellm.key.${id}`;

/** A key in the index: everything but its secret. */
type IndexedKey = Omit<StoredKey, 'secret'> & { hasSecret: boolean };

/**
 * Provider keys and tokens in SecretStorage: an index (`freellm.keys`) and each secret under its own
 * name (`freellm.key.<id>`). All reads and writes run one after another, so none sees half of another.
 */
export class SecretStore {
  private queue: Promise<unknown> = Promise.resolve();
  /** What this window last read or wrote, as text: tells our own changes from those of others. */
  private known: string | undefined;

  constructor(
    private readonly backend: SecretBackend,
    private readonly log: Logger,
  ) {}

  /** All keys with their secrets. A key whose secret is gone comes with `secret: null`, and says so in the log. */
  readKeys(): Promise<StoredKey[]> {
    return this.serialised(async () => {
      const keys = await this.load();
      this.known = JSON.stringify(keys);
      return keys;
    });
  }

  /**
   * All there is to be kept out of what leaves the machine: secrets and tokens, the labels of keys, where own
   * endpoints are. Reads only.
   */
  readPrivate(): Promise<{ secrets: string[]; labels: string[]; baseUrls: string[] }> {
    return this.serialised(async () => {
      const keys = await this.load();
      const tokens = [await this.backend.get(TOKEN), await this.backend.get(ADMIN_TOKEN)];
      const secrets = [...keys.map(({ secret }) => secret), ...tokens].filter((secret) => typeof secret === 'string');
      const baseUrls = keys.map(({ baseUrl }) => baseUrl).filter((url) => url !== undefined);
      return { secrets, labels: keys.map(({ label }) => label), baseUrls };
    });
  }

  /**
   * Keeps exactly these keys. Secrets go first, then the index, then what is no longer wanted is deleted:
   * interrupted anywhere, the index never names a secret that is not there. A key whose secret was once not to be had
   * keeps it: no key loses its secret otherwise, and a keyring may be locked for a while.
   */
  saveKeys(keys: readonly StoredKey[]): Promise<void> {
    return this.serialised(async () => {
      const before = await this.readIndex();
      for (const key of keys) {
        if (key.secret === null) continue;
        await this.storeIfNew(secretName(key.id), key.secret);
      }
      const hadSecret = new Set(before.filter(({ hasSecret }) => hasSecret).map(({ id }) => id));
      const index: IndexedKey[] = keys.map(({ secret, ...rest }) => ({
        ...rest,
        hasSecret: secret !== null || hadSecret.has(rest.id),
      }));
      await this.backend.store(INDEX, JSON.stringify(index));
      const kept = new Set(index.filter(({ hasSecret }) => hasSecret).map(({ id }) => id));
      for (const { id } of before) if (!kept.has(id)) await this.backend.delete(secretName(id));
      this.known = JSON.stringify(await this.load());
    });
  }

  /** The tokens of the last gateway that this editor led, as far as there was one: a fresh data folder begins with them. */
  readTokens(): Promise<Partial<GatewayTokens>> {
    return this.serialised(async () => {
      const [token, adminToken] = [await this.backend.get(TOKEN), await this.backend.get(ADMIN_TOKEN)];
      return { ...(token ? { token } : {}), ...(adminToken ? { adminToken } : {}) };
    });
  }

  /** Keeps the tokens that the data folder has. */
  saveTokens({ token, adminToken }: GatewayTokens): Promise<void> {
    return this.serialised(async () => {
      await this.storeIfNew(TOKEN, token);
      await this.storeIfNew(ADMIN_TOKEN, adminToken);
    });
  }

  /**
   * SecretStorage's own event may come twice, or only in other windows, so it is only a hint:
   * this re-reads and tells whether another window or host really changed the keys.
   */
  hasChangedElsewhere(changedName: string): Promise<boolean> {
    if (changedName !== INDEX && !changedName.startsWith(secretName(''))) return Promise.resolve(false);
    return this.serialised(async () => {
      const now = JSON.stringify(await this.load());
      const isNews = this.known !== undefined && now !== this.known;
      this.known = now;
      return isNews;
    });
  }

  private async load(): Promise<StoredKey[]> {
    const keys: StoredKey[] = [];
    for (const { hasSecret, ...key } of await this.readIndex()) {
      const secret = hasSecret ? ((await this.backend.get(secretName(key.id))) ?? null) : null;
      if (hasSecret && secret === null) this.log.warn('secrets', `the secret of key ${key.id} is missing`);
      keys.push({ ...key, secret });
    }
    return keys;
  }

  private async readIndex(): Promise<IndexedKey[]> {
    const text = await this.backend.get(INDEX);
    if (text === undefined) return [];
    try {
      const value: unknown = JSON.parse(text);
      return Array.isArray(value) ? value.filter(isIndexedKey) : [];
    } catch (error) {
      this.log.error('secrets', `the index of keys cannot be read: ${describeError(error)}`);
      return [];
    }
  }

  private async storeIfNew(name: string, value: string): Promise<void> {
    if ((await this.backend.get(name)) !== value) await this.backend.store(name, value);
  }

  private serialised<T>(job: () => Promise<T>): Promise<T> {
    const result = this.queue.then(job);
    this.queue = result.catch(() => undefined);
    return result;
  }
}

function isIndexedKey(value: unknown): value is IndexedKey {
  if (typeof value !== 'object' || value === null) return false;
  const key = value as Record<string, unknown>;
  return (
    typeof key.id === 'string' &&
    typeof key.provider === 'string' &&
    typeof key.label === 'string' &&
    typeof key.enabled === 'boolean' &&
    typeof key.hasSecret === 'boolean'
  );
}
