import { setImmediate as turn } from 'node:timers/promises';
import type { StoragePort, StoredFile } from '../../src/gateway/ledger/storage.js';
import { fail } from './memoryStorage.js';

/**
 * `torn`: half of the bytes are written, or the whole step is done, and then it fails with EIO. `full`: ENOSPC, only of
 * what takes room.
 */
export type FaultKind = 'ENOSPC' | 'EIO' | 'torn' | 'full';

const TAKES_ROOM = new Set(['write', 'writeWhole', 'create', 'link', 'copy']);

export interface FaultPlan {
  kind: FaultKind;
  /** The first call that changes the disk and fails, from 1. */
  first: number;
  /** How many calls fail in a row. */
  count: number;
}

export interface FaultyStorage extends StoragePort {
  /** Calls that change the disk, so far. */
  calls(): number;
  /** Calls that failed, by their names. */
  failed(): string[];
}

/** A disk whose calls that change it fail as planned; null: it only counts. */
export function createFaultyStorage(inner: StoragePort, plan: FaultPlan | null): FaultyStorage {
  let calls = 0;
  const failed: string[] = [];
  function isDue(name: string): boolean {
    calls += 1;
    if (!plan || calls < plan.first || calls >= plan.first + plan.count) return false;
    if (plan.kind === 'full' && !TAKES_ROOM.has(name)) return false;
    failed.push(name);
    return true;
  }
  const code = plan?.kind === 'ENOSPC' || plan?.kind === 'full' ? 'ENOSPC' : 'EIO';
  const isTorn = plan?.kind === 'torn';
  async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (!isDue(name)) return await work();
    if (isTorn) await work();
    return fail(code, name);
  }
  function wrap(file: StoredFile): StoredFile {
    return {
      write(bytes, offset) {
        if (!isDue('write')) return file.write(bytes, offset);
        if (isTorn) file.write(bytes.subarray(0, Math.floor(bytes.length / 2)), offset);
        fail(code, 'write');
      },
      // A failed sync has synced nothing, whatever the kind.
      sync: async () => (isDue('sync') ? fail(code, 'sync') : await file.sync()),
      truncate(length) {
        if (isDue('truncate')) fail(code, 'truncate');
        file.truncate(length);
      },
      close: () => file.close(),
    };
  }
  return {
    read: inner.read,
    readHead: inner.readHead,
    stat: inner.stat,
    list: inner.list,
    makeFolder: inner.makeFolder,
    touch: inner.touch,
    create: (name) => step('create', async () => wrap(await inner.create(name))),
    async writeWhole(file, bytes) {
      if (!isDue('writeWhole')) return await inner.writeWhole(file, bytes);
      if (isTorn) await inner.writeWhole(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
      fail(code, 'writeWhole');
    },
    rename: (from, to) => step('rename', () => inner.rename(from, to)),
    link: (from, to) => step('link', () => inner.link(from, to)),
    copy: (from, to) => step('copy', () => inner.copy(from, to)),
    remove: (file) => step('remove', () => inner.remove(file)),
    syncFolder: (folder) => step('syncFolder', () => inner.syncFolder(folder)),
    calls: () => calls,
    failed: () => failed,
  };
}

/** A disk that tells when nothing more is being done with it; for real ones, which take their time. */
export interface TrackedStorage {
  storage: StoragePort;
  settled(): Promise<void>;
  /** Closes the files that a ledger left open because it was "killed". */
  closeFiles(): Promise<void>;
}

export function trackStorage(inner: StoragePort): TrackedStorage {
  let pending = 0;
  const files: StoredFile[] = [];
  function track<T extends object>(target: T): T {
    return new Proxy(target, {
      get(object, name, receiver) {
        const member: unknown = Reflect.get(object, name, receiver);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const result: unknown = member.apply(object, args);
          if (!(result instanceof Promise)) return result;
          pending += 1;
          return result
            .then((value: unknown) => (name === 'create' ? keep(value as StoredFile) : value))
            .finally(() => {
              pending -= 1;
            });
        };
      },
    });
  }
  function keep(file: StoredFile): StoredFile {
    files.push(file);
    return track(file);
  }
  return {
    storage: track(inner),
    async settled() {
      for (let quiet = 0; quiet < 20; quiet++) {
        if (pending > 0) quiet = 0;
        await turn();
      }
    },
    async closeFiles() {
      await Promise.all(files.splice(0).map((file) => file.close().catch(() => undefined)));
    },
  };
}
