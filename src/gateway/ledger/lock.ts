import path from 'node:path';
import type { Clock, Log } from '../ports.js';
import { isLockDraft, LOCK } from './files.js';
import { LedgerError } from './ledger.js';
import type { ProcessIdentity } from './processIdentity.js';
import { errorCode, hasNoLinks, type StoragePort } from './storage.js';

const REFRESH_MS = 5_000;
/** A lock that we cannot ask a process about is held for this long after its last refresh. */
const STALE_MS = 15_000;
const POLL_MS = 50;

/** How long to wait for a lock, in ms. */
export interface LockPatience {
  /** While its holder runs: a gateway that is closing. */
  live: number;
  /** While nobody can say whether its holder runs. */
  unknown: number;
}

/** A lock that nobody refreshes is free within the second of the two. */
export const LOCK_PATIENCE: LockPatience = { live: 2_500, unknown: 20_000 };

export interface LockPorts {
  storage: StoragePort;
  clock: Clock;
  log: Log;
  identity: ProcessIdentity;
}

/** Whether who made a lock still runs. */
type Holder = 'live' | 'gone' | 'unknown';

/** How a lock can be lost: to another gateway, by its file being removed, or with the whole folder. */
export type LockLoss = 'taken' | 'removed' | 'folder-gone';

/** What is in the lock file. */
interface Owner {
  pid: number;
  startedAt: string | null;
  hostname: string;
  /** Of the gateway; no two are alike. */
  instance: string;
}

/**
 * Takes the folder's lock, waiting for a gateway that is closing; one that its holder left is taken over.
 * `instance` names this gateway and must be unique; `onLost` is called if the lock is ever ours no more.
 * @throws LedgerError `locked` when another gateway holds it; the storage's own errors.
 */
export async function acquireLock(
  ports: LockPorts,
  folder: string,
  instance: string,
  patience: LockPatience,
  onLost: (how: LockLoss) => void,
): Promise<LedgerLock> {
  const { identity, clock, log } = ports;
  const startedAt = await identity.startOf(identity.pid);
  const owner: Owner = { pid: identity.pid, startedAt, hostname: identity.hostname, instance };
  const lock = new LedgerLock(ports, folder, owner);
  const since = clock.now();
  let told: string | null = null;
  try {
    while (!(await lock.attempt())) {
      if (clock.now() - since >= (lock.isHolderLive ? patience.live : patience.unknown)) {
        throw new LedgerError('locked', `Another FreeLLM gateway has the database open${lock.holder}.`);
      }
      const why = lock.whyWaiting;
      // A gateway that closes is the ordinary case; a lock that nobody can judge is not.
      if (why !== null && why !== told) log.log(lock.isHolderLive ? 'info' : 'warn', 'ledger', why);
      told = why;
      await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
    }
  } finally {
    await lock.removeDraft();
  }
  await lock.removeLeftDrafts();
  lock.keepFresh(onLost);
  return lock;
}

/** The lock, ours. */
export class LedgerLock {
  private readonly file: string;
  /** The lock as it will be: written whole first, so that nobody ever reads half of one. */
  private readonly draft: string;
  private readonly text: string;
  private isDraftMade = false;
  private isReleased = false;
  /** Whether the last try found the lock of a process that runs. */
  isHolderLive = false;
  /** Who holds it, for the end of a sentence: ` (process 12)`; empty where that cannot be told. */
  holder = '';
  /** Why the last try did not take it, in a sentence; null where nothing is to be said. */
  whyWaiting: string | null = null;
  private cancelRefresh: () => void = () => undefined;

  constructor(
    private readonly ports: LockPorts,
    private readonly folder: string,
    owner: Owner,
  ) {
    this.file = path.join(folder, LOCK);
    this.draft = path.join(folder, `${LOCK}.${owner.instance}.tmp`);
    this.text = JSON.stringify(owner);
  }

  /** Whether the file still says that it is ours; a machine that slept may have lost it to another. */
  async isHeld(): Promise<boolean> {
    return !this.isReleased && (await this.readText()) === this.text;
  }

  async release(): Promise<void> {
    this.cancelRefresh();
    const isHeld = await this.isHeld();
    this.isReleased = true;
    if (isHeld) await this.ports.storage.remove(this.file);
  }

  /** One try. True when the lock is ours. */
  async attempt(): Promise<boolean> {
    const { storage, clock } = this.ports;
    if (this.isDraftMade) {
      // Its time becomes the lock's, which would look old from its first moment.
      await storage.touch(this.draft, clock.now());
    } else {
      // A full disk leaves an empty one.
      this.isDraftMade = true;
      await storage.writeWhole(this.draft, Buffer.from(this.text));
    }
    if (await this.isLinked(this.file)) return true;
    const found = await this.readText();
    if (found === null) return false;
    const holder = await this.holderOf(found);
    this.isHolderLive = holder === 'live';
    this.describe(found, holder);
    return holder === 'gone' && (await this.takeOver(found));
  }

  async removeDraft(): Promise<void> {
    try {
      if (this.isDraftMade) await this.ports.storage.remove(this.draft);
    } catch (error) {
      this.ports.log.log('debug', 'ledger', 'a temporary file is left', { error: errorCode(error) });
    }
  }

  /** What starts left that were cut off while they waited. Only with the lock: nobody replaces it meanwhile. */
  async removeLeftDrafts(): Promise<void> {
    const { storage, log } = this.ports;
    try {
      for (const name of await storage.list(this.folder)) {
        if (!isLockDraft(name)) continue;
        const file = path.join(this.folder, name);
        const text = await this.readText(file);
        if (text !== null && (await this.holderOf(text, file)) === 'gone') await storage.remove(file);
      }
    } catch (error) {
      log.log('debug', 'ledger', 'a temporary file is left', { error: errorCode(error) });
    }
  }

  /** Touches the lock every 5 s, for gateways on other machines that share the folder. */
  keepFresh(onLost: (how: LockLoss) => void): void {
    this.cancelRefresh = this.ports.clock.after(REFRESH_MS, () => void this.refresh(onLost));
  }

  private async refresh(onLost: (how: LockLoss) => void): Promise<void> {
    const { storage, clock, log } = this.ports;
    try {
      const isHeld = await this.isHeld();
      const how = isHeld ? null : await this.howLost();
      if (this.isReleased) return;
      if (how !== null) return onLost(how);
      await storage.touch(this.file, clock.now());
    } catch (error) {
      log.log('warn', 'ledger', 'the lock could not be refreshed', { error: errorCode(error) });
    }
    if (!this.isReleased) this.keepFresh(onLost);
  }

  private async howLost(): Promise<LockLoss> {
    if ((await this.readText()) !== null) return 'taken';
    return (await this.ports.storage.stat(this.folder)) === null ? 'folder-gone' : 'removed';
  }

  private describe(found: string, holder: Holder): void {
    const owner = parseOwner(found);
    const isHere = owner?.hostname === this.ports.identity.hostname;
    this.holder = owner === null ? '' : ` (process ${owner.pid}${isHere ? '' : ` on ${owner.hostname}`})`;
    const until = `FreeLLM waits until it has not been touched for ${STALE_MS / 1000} s`;
    if (holder === 'gone') this.whyWaiting = null;
    else if (holder === 'live') {
      this.whyWaiting = `another FreeLLM gateway has the database open${this.holder}: FreeLLM waits for it to close`;
    } else if (owner === null) this.whyWaiting = `${this.file} does not say whose lock it is: ${until}`;
    else this.whyWaiting = `nobody can tell whether the holder of ${this.file}${this.holder} still runs: ${until}`;
  }

  /**
   * Replaces a stale lock. Whoever does it first makes a marker in the name of that very lock; only its maker may replace
   * it, and only while it is still there, so of two gateways that find it stale at once one wins.
   */
  private async takeOver(stale: string): Promise<boolean> {
    const { storage, log } = this.ports;
    const marker = `${this.file}.${parseOwner(stale)?.instance.replaceAll(/\W/g, '') ?? 'unreadable'}.taken.tmp`;
    if (!(await this.isLinked(marker))) {
      const maker = await this.readText(marker);
      // Its maker died on the way: the next try finds the way free.
      if (maker !== null && (await this.holderOf(maker, marker)) === 'gone') await storage.remove(marker);
      return false;
    }
    try {
      if ((await this.readText()) !== stale) return false;
      await storage.rename(this.draft, this.file);
    } finally {
      await storage.remove(marker);
    }
    log.log('info', 'ledger', 'took over the lock of a gateway that is gone');
    return (await this.readText()) === this.text;
  }

  /** Makes a file of that name with our text, unless there is one. */
  private async isLinked(file: string): Promise<boolean> {
    const { storage } = this.ports;
    try {
      await storage.link(this.draft, file);
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      if (!hasNoLinks(error)) throw error;
    }
    try {
      const created = await storage.create(file);
      try {
        created.write(Buffer.from(this.text), 0);
      } finally {
        await created.close();
      }
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  private async readText(file = this.file): Promise<string | null> {
    const bytes = await this.ports.storage.read(file);
    return bytes && Buffer.from(bytes).toString('utf8');
  }

  private async holderOf(text: string, file = this.file): Promise<Holder> {
    const { identity, storage, clock } = this.ports;
    const owner = parseOwner(text);
    let isRunning = false;
    if (owner?.hostname === identity.hostname) {
      if (!identity.isAlive(owner.pid)) return 'gone';
      const startedAt = await identity.startOf(owner.pid);
      const isKnown = startedAt !== null && owner.startedAt !== null;
      // An earlier thread of this process left it: there is one gateway in a process.
      const isOwnPid = owner.pid === identity.pid;
      if (isOwnPid && text !== this.text && (!isKnown || startedAt === owner.startedAt)) return 'gone';
      if (isKnown && startedAt === owner.startedAt) return 'live';
      isRunning = !isKnown;
      // The pid is used again, or the holder has it in another container: only a living one refreshes the lock.
    }
    const stat = await storage.stat(file);
    if (stat !== null && clock.now() - stat.modifiedAt > STALE_MS) return 'gone';
    return isRunning ? 'live' : 'unknown';
  }
}

function parseOwner(text: string): Owner | null {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    if (typeof owner?.pid !== 'number' || typeof owner.hostname !== 'string' || typeof owner.instance !== 'string') {
      return null;
    }
    return { pid: owner.pid, hostname: owner.hostname, instance: owner.instance, startedAt: owner.startedAt ?? null };
  } catch {
    return null;
  }
}
