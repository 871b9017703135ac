import type { KeyChange, NewKey } from '../../protocol/api.js';
import type { KeyCheck } from '../../protocol/keys.js';
import type { StoredKey } from '../../protocol/worker.js';
import type { ModelStore } from '../catalog/modelStore.js';
import { HttpError, invalidRequest } from '../http/errors.js';
import type { UpstreamClient } from '../net/upstream.js';
import type { Clock, Log } from '../ports.js';
import { hostOf } from '../providers/resolveBaseUrl.js';
import type { CatalogModel } from '../providers/spec.js';
import type { QuotaObservation } from '../quota/learn.js';
import type { Cooldowns } from '../routing/cooldowns/cooldowns.js';
import { KeyDoubts } from './keyDoubts.js';
import { cleanSecret, keyInvalid, noSuchKey, requiredKey, toStored } from './keyInput.js';
import type { KeyPool, PoolKey } from './keyPool.js';
import { type ProbeResult, type ProbeTarget, probeKey } from './probe.js';
import type { ProbeLanes } from './probeLanes.js';
import { type BaseUrlOf, probeTarget, specOfKey } from './probeTarget.js';

export interface KeyServiceContext {
  pool: KeyPool;
  models: ModelStore;
  cooldowns: Cooldowns;
  upstream: UpstreamClient;
  clock: Clock;
  log: Log;
  newId(prefix: string): string;
  baseUrlOf: BaseUrlOf;
  /** What nobody waits for is asked through these. */
  lanes: ProbeLanes;
  /** A probe's verdict; the key's health says so already. */
  onProbed(key: PoolKey, status: KeyCheck['status']): void;
  /** A probe was the provider's list of models. `isWanted`: the user asked for it. */
  onListed(key: PoolKey, models: readonly CatalogModel[], isWanted: boolean): void;
  /** A probe told of the account's quota. */
  onQuota(key: PoolKey, observations: readonly QuotaObservation[]): void;
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
  /** A chat's key was refused, in these words: it is asked about at once. `askedAt`: when the chat asked, ms since the epoch. */
  refused(id: string, message: string, askedAt: number): void;
  /** A chat's key was answered, or its provider has had enough of it: it knows the key. */
  foundGood(id: string): void;
  /** Asks about a key in the background, in its turn, unless probes are off. */
  recheck(id: string): void;
  /** Where a key is asked about; null where its provider is unknown. */
  targetOf(key: PoolKey): ProbeTarget | null;
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
  const probing = new Map<string, { secret: string | null; result: Promise<ProbeResult> }>();
  const doubts = new KeyDoubts();
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

  function probe(target: ProbeTarget): Promise<ProbeResult> {
    return probeKey(context.upstream, target, context.clock.now(), context.signal);
  }

  /** Never two at once for the same key. @throws HttpError 400 where its provider is unknown. */
  function probeStored(key: PoolKey): Promise<ProbeResult> {
    const { id, secret } = key;
    const running = probing.get(id);
    if (running?.secret === secret) return running.result;
    const result = probe(probeTarget(key, context.baseUrlOf)).then((found) => {
      if (probing.get(id)?.result === result) probing.delete(id);
      // Of a secret that was replaced meanwhile it says nothing.
      if (pool.get(id)?.secret === secret) apply(id, found);
      return found;
    });
    probing.set(id, { secret, result });
    return result;
  }

  /** In its turn; null where the gateway closes before it has come, or the provider is unknown. */
  function probeInBackground(key: PoolKey): Promise<ProbeResult | null> {
    const target = targetOf(key);
    if (!target) return Promise.resolve(null);
    return context.lanes.run(hostOf(target.baseUrl), async () => {
      const now = pool.get(key.id);
      return now && !context.signal.aborted ? probeStored(now) : null;
    });
  }

  function targetOf(key: PoolKey): ProbeTarget | null {
    try {
      return probeTarget(key, context.baseUrlOf);
    } catch {
      // From another version, or from a config that has changed.
      return null;
    }
  }

  /** `isWanted`: the user asked, and gets what they were told. */
  function apply(id: string, result: ProbeResult, isWanted = false): void {
    const key = pool.get(id);
    if (!key) return;
    if (result.listed) {
      models.setListed(key.provider, result.listed);
      context.onListed(key, result.listed, isWanted);
    }
    if (result.observations.length > 0) context.onQuota(key, result.observations);
    // Refused twice over, with probes that know better: what they ask answers anybody. So chats find out, now and then.
    const isDoubted = !isWanted && doubts.isDoubted(id);
    if (result.status === 'healthy' && !isDoubted) {
      pool.setHealth(id, 'healthy', null, true);
      cooldowns.clearKey(id);
    } else if (result.status === 'invalid') pool.setHealth(id, 'invalid', result.message, true);
    // Who could not be asked keeps the verdict that they had.
    else if (key.health.status === 'unknown') pool.setHealth(id, 'error', result.message, true);
    context.onProbed(key, isDoubted && result.status === 'healthy' ? 'inconclusive' : result.status);
  }

  async function discoverFor(key: PoolKey, attempt: number, isAwaited = false): Promise<void> {
    if (context.signal.aborted || !pool.get(key.id)) return;
    const result = await (isAwaited ? probeStored(key) : probeInBackground(key));
    if (result === null) return;
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
  function accept(input: NewKey): ProbeTarget {
    if (input.baseUrl !== undefined && !input.provider.startsWith('custom:')) {
      const words = `Only custom endpoints bring their base URL; that of ${input.provider} is changed in a config file`;
      throw invalidRequest(words, 'baseUrl');
    }
    const owner = { provider: input.provider, baseUrl: input.baseUrl, secret: input.key ?? null };
    const spec = specOfKey(owner, context.baseUrlOf);
    const secret = input.key === undefined ? null : cleanSecret(input.key);
    if (secret === null && spec.auth !== 'none') throw invalidRequest(`${spec.name} needs a key`, 'key');
    if (secret !== null && spec.hasAccountId && !/^[^:]+:.+$/.test(secret)) {
      throw invalidRequest(`${spec.name} needs "account_id:token"`, 'key');
    }
    const isTwice = pool.ofProvider(spec.id).some((key) => key.secret === secret);
    if (isTwice)
      throw new HttpError(409, 'invalid_request_error', 'key_exists', `This ${spec.name} key is already there`);
    return probeTarget({ ...owner, secret }, context.baseUrlOf);
  }

  return {
    async add(input) {
      const target = accept(input);
      let check: ProbeResult | null = null;
      if (input.check) {
        check = await probe(target);
        if (check.status === 'invalid') throw keyInvalid(target.spec, check.message);
      }
      const key = await inTurn(async () => {
        accept(input);
        const stored = toStored(input, target.secret, context.newId('key_'));
        await store([...pool.stored(), stored]);
        return pool.get(stored.id) ?? pool.add(stored, 'stored');
      });
      if (check) apply(key.id, check);
      if (!models.has(key.provider)) await atMost(DISCOVERY_WAIT_MS, discoverFor(key, 0, true));
      return { key, check: check && publicCheck(check) };
    },
    async check(input) {
      return publicCheck(await probe(accept(input)));
    },
    async change(id, change) {
      const { key: given, ...fields } = change;
      const changed = await inTurn(async () => {
        const key = requiredKey(pool, id);
        const update = {
          ...(fields as Partial<StoredKey>),
          ...(given === undefined ? {} : { secret: cleanSecret(given) }),
        };
        await store(pool.stored().map((stored) => (stored.id === id ? { ...stored, ...update } : stored)));
        return pool.update(id, update) ?? key;
      });
      if (given !== undefined) {
        doubts.clear(id);
        cooldowns.clearKey(id);
        this.recheck(id);
      }
      return changed;
    },
    async remove(id) {
      await inTurn(async () => {
        requiredKey(pool, id);
        await store(pool.stored().filter((stored) => stored.id !== id));
        pool.remove(id);
      });
      doubts.clear(id);
      cooldowns.clearKey(id);
    },
    save: () => inTurn(() => store(pool.stored())),
    async test(id) {
      const key = pool.get(id);
      if (!key) throw noSuchKey();
      const result = await probeStored(key);
      if (result.status === 'healthy' && key.health.status !== 'healthy') apply(id, result, true);
      else if (result.listed) context.onListed(key, result.listed, true);
      return publicCheck(result);
    },
    refused(id, message, askedAt) {
      const key = pool.get(id);
      if (!key) return;
      if (key.health.status !== 'invalid') doubts.refused(id, askedAt, context.clock.now());
      pool.setHealth(id, 'invalid', message);
      this.recheck(id);
    },
    foundGood(id) {
      // First: a probe may have found it healthy meanwhile.
      doubts.clear(id);
      const key = pool.get(id);
      if (!key || key.health.status === 'healthy') return;
      pool.setHealth(id, 'healthy', null);
    },
    recheck(id) {
      const key = pool.get(id);
      if (key && context.areProbesOn()) void probeInBackground(key);
    },
    targetOf,
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

function publicCheck({ listed, observations: _observations, ...check }: ProbeResult): KeyCheck {
  return { ...check, modelIds: listed?.slice(0, MAX_LISTED).map(({ id }) => id) ?? null };
}
