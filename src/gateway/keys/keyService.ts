import type { KeyChange, NewKey } from '../../protocol/api.js';
import type { KeyCheck } from '../../protocol/keys.js';
import type { StoredKey } from '../../protocol/worker.js';
import type { ModelStore } from '../catalog/modelStore.js';
import { CUSTOM_ID } from '../config/configFile.js';
import { HttpError, invalidRequest } from '../http/errors.js';
import type { UpstreamClient } from '../net/upstream.js';
import type { Clock, Log } from '../ports.js';
import { cleanPastedKey } from '../providers/keyShapes.js';
import type { ProviderSpec } from '../providers/spec.js';
import { customProviderSpec, providerSpec } from '../providers/table.js';
import type { Cooldowns } from '../routing/cooldowns.js';
import type { KeyPool, PoolKey } from './keyPool.js';
import { type ProbeResult, probeKey } from './probe.js';

export interface KeyServiceContext {
  pool: KeyPool;
  models: ModelStore;
  cooldowns: Cooldowns;
  upstream: UpstreamClient;
  clock: Clock;
  log: Log;
  newId(prefix: string): string;
  /** The config's base URL for a provider, if it has one. */
  baseUrlOf(provider: string): string | undefined;
  areProbesOn(): boolean;
  /** Resolves when exactly these keys are safely stored; what a client was told is saved must be. */
  save(keys: StoredKey[]): Promise<void>;
  signal: AbortSignal;
}

/**
 * Adding, changing and removing run one after another, and each is stored before it is made: what cannot be stored leaves
 * the keys as they were.
 */
export interface KeyService {
  add(input: NewKey): Promise<{ key: PoolKey; check: KeyCheck | null }>;
  check(input: NewKey): Promise<KeyCheck>;
  change(id: string, change: KeyChange): Promise<PoolKey>;
  remove(id: string): Promise<void>;
  /** Stores the keys as they are, after what is under way. */
  save(): Promise<void>;
  test(id: string): Promise<KeyCheck>;
  /** After a provider refused a key, or at start: asks again in the background, unless probes are off. */
  recheck(id: string): void;
  /** Fills the models of keyed providers that the catalog knows nothing of, in the background. */
  discover(): void;
}

/** How long to wait before a failed discovery is tried again, doubling. */
const DISCOVERY_RETRY_MS = 30_000;
const DISCOVERY_RETRIES = 6;
/** Adding a key waits so long for its provider's models, so that what is then said of them is true. */
const DISCOVERY_WAIT_MS = 5_000;
/** A check names no more models than this. */
const MAX_LISTED = 500;

export function createKeyService(context: KeyServiceContext): KeyService {
  const { pool, models, cooldowns } = context;
  const probing = new Map<string, Promise<ProbeResult>>();
  let queue: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work);
    queue = done.catch(() => undefined);
    return done;
  }

  async function store(keys: StoredKey[]): Promise<void> {
    try {
      await context.save(keys);
    } catch (error) {
      // It may have stored a part, or be late only, and who asked is told that nothing was changed.
      queue = queue.then(restoreStore).catch(() => undefined);
      throw error;
    }
  }

  async function restoreStore(): Promise<void> {
    if (!context.signal.aborted) await context.save(pool.stored());
  }

  function probe(spec: ProviderSpec, secret: string | null, baseUrl?: string): Promise<ProbeResult> {
    const target = { spec, secret, baseUrl: baseUrl ?? context.baseUrlOf(spec.id) ?? spec.baseUrl };
    return probeKey(context.upstream, target, context.clock.now(), context.signal);
  }

  function probeStored(key: PoolKey): Promise<ProbeResult> {
    const running = probing.get(key.id);
    if (running) return running;
    const started = probe(specOf(key, context), key.secret, key.baseUrl).then((result) => {
      probing.delete(key.id);
      apply(key.id, result);
      return result;
    });
    probing.set(key.id, started);
    return started;
  }

  function apply(id: string, result: ProbeResult): void {
    const key = pool.get(id);
    if (!key) return;
    if (result.listed) models.setListed(key.provider, result.listed);
    if (result.status === 'healthy') {
      pool.setHealth(id, 'healthy', null, true);
      cooldowns.clearKey(id);
    } else if (result.status === 'invalid') pool.setHealth(id, 'invalid', result.message, true);
    else if (key.health.status === 'unknown') pool.setHealth(id, 'error', result.message, true);
  }

  async function discoverFor(key: PoolKey, attempt: number): Promise<void> {
    if (context.signal.aborted || !pool.get(key.id)) return;
    await probeStored(key);
    if (models.has(key.provider) || attempt >= DISCOVERY_RETRIES || key.health.status === 'invalid') return;
    context.log.log('info', 'catalog', 'The models of a provider could not be listed yet', { provider: key.provider });
    context.clock.after(DISCOVERY_RETRY_MS * 2 ** attempt, () => void discoverFor(key, attempt + 1));
  }

  function atMost(ms: number, work: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = context.clock.after(ms, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Refuses what cannot be a key of this provider, before anyone is asked. */
  function accept(input: NewKey): { spec: ProviderSpec; secret: string | null } {
    const spec = specOf({ provider: input.provider, baseUrl: input.baseUrl, secret: input.key ?? null }, context);
    const secret = input.key === undefined ? null : cleanSecret(input.key);
    if (secret === null && spec.auth !== 'none') throw invalidRequest(`${spec.name} needs a key`, 'key');
    if (secret !== null && spec.hasAccountId && !/^[^:]+:.+$/.test(secret)) {
      throw invalidRequest(`${spec.name} needs "account_id:token"`, 'key');
    }
    const isTwice = pool.ofProvider(spec.id).some((key) => key.secret === secret);
    if (isTwice)
      throw new HttpError(409, 'invalid_request_error', 'key_exists', `This ${spec.name} key is already there`);
    return { spec, secret };
  }

  return {
    async add(input) {
      const { spec, secret } = accept(input);
      let check: ProbeResult | null = null;
      if (input.check) {
        check = await probe(spec, secret, input.baseUrl);
        if (check.status === 'invalid') throw keyInvalid(spec, check.message);
      }
      const key = await inTurn(async () => {
        accept(input);
        const stored = toStored(input, secret, context.newId('key_'));
        await store([...pool.stored(), stored]);
        return pool.get(stored.id) ?? pool.add(stored, 'stored');
      });
      if (check) apply(key.id, check);
      if (!models.has(key.provider)) await atMost(DISCOVERY_WAIT_MS, discoverFor(key, 0));
      return { key, check: check && publicCheck(check) };
    },
    async check(input) {
      const { spec, secret } = accept(input);
      return publicCheck(await probe(spec, secret, input.baseUrl));
    },
    async change(id, change) {
      const { key: given, ...fields } = change;
      const changed = await inTurn(async () => {
        const key = required(pool, id);
        const update = {
          ...(fields as Partial<StoredKey>),
          ...(given === undefined ? {} : { secret: cleanSecret(given) }),
        };
        await store(pool.stored().map((stored) => (stored.id === id ? { ...stored, ...update } : stored)));
        return pool.update(id, update) ?? key;
      });
      if (given !== undefined) {
        cooldowns.clearKey(id);
        this.recheck(id);
      }
      return changed;
    },
    async remove(id) {
      await inTurn(async () => {
        required(pool, id);
        await store(pool.stored().filter((stored) => stored.id !== id));
        pool.remove(id);
      });
      cooldowns.clearKey(id);
    },
    save: () => inTurn(() => store(pool.stored())),
    async test(id) {
      const key = pool.get(id);
      if (!key) throw noSuchKey();
      return publicCheck(await probeStored(key));
    },
    recheck(id) {
      const key = pool.get(id);
      if (key && context.areProbesOn()) void probeStored(key);
    },
    discover() {
      const asked = new Set<string>();
      for (const key of pool.all()) {
        if (asked.has(key.provider) || !key.enabled || models.isFresh(key.provider)) continue;
        asked.add(key.provider);
        void discoverFor(key, 0);
      }
    },
  };
}

/** A pasted key without what came along with it. @throws HttpError 400 for what no header can carry. */
function cleanSecret(text: string): string {
  const secret = cleanPastedKey(text);
  if (!/[^\x21-\x7e]/.test(secret)) return secret;
  throw invalidRequest('The key has a space or a character that no key has', 'key');
}

function specOf(
  key: Pick<StoredKey, 'provider' | 'secret'> & { baseUrl?: string | undefined },
  context: KeyServiceContext,
): ProviderSpec {
  const baseUrl = key.baseUrl ?? (key.provider.startsWith('custom:') ? context.baseUrlOf(key.provider) : undefined);
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

function toStored(input: NewKey, secret: string | null, id: string): StoredKey {
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

/** A key that may be changed here. */
function required(pool: KeyPool, id: string): PoolKey {
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

function noSuchKey(): HttpError {
  return new HttpError(404, 'invalid_request_error', 'not_found', 'There is no key with this id');
}

function keyInvalid(spec: ProviderSpec, words: string): HttpError {
  return new HttpError(422, 'invalid_request_error', 'key_invalid', `${spec.name} refuses the key: ${words}`, {
    param: 'key',
  });
}

function publicCheck({ listed, ...check }: ProbeResult): KeyCheck {
  return { ...check, modelIds: listed?.slice(0, MAX_LISTED).map(({ id }) => id) ?? null };
}
