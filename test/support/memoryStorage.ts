import path from 'node:path';
import type { StoragePort, StoredFile } from '../../src/gateway/ledger/storage.js';

interface Node {
  bytes: Buffer;
  /** What a power cut leaves of it. */
  synced: Buffer;
  modifiedAt: number;
}

/** A disk in memory that forgets, at a power cut, what was not synced. One folder. */
export interface MemoryStorage extends StoragePort {
  /** The disk after the process was killed (everything written is there), or after a power cut (what was synced is). */
  after(end: 'kill' | 'power cut'): MemoryStorage;
  /** Every file by name, for comparing. */
  files(): Map<string, Buffer>;
  put(name: string, bytes: Uint8Array, modifiedAt?: number): void;
}

export function createMemoryStorage(now: () => number = () => 0, names = new Map<string, Node>()): MemoryStorage {
  let syncedNames = new Map(names);
  const find = (file: string) => names.get(path.basename(file));
  const existing = (file: string) => find(file) ?? fail('ENOENT', file);
  const put = (file: string, bytes: Uint8Array) => {
    const node: Node = { bytes: Buffer.from(bytes), synced: Buffer.alloc(0), modifiedAt: now() };
    names.set(path.basename(file), node);
    return node;
  };
  return {
    read: async (file, onPiece = () => {}) => {
      const node = find(file);
      if (!node) return null;
      const half = node.bytes.length >> 1;
      onPiece(node.bytes.subarray(0, half));
      onPiece(node.bytes.subarray(half));
      return Buffer.from(node.bytes);
    },
    readHead: async (file, bytes) => {
      const node = find(file);
      return node ? Buffer.from(node.bytes.subarray(0, bytes)) : null;
    },
    stat: async (file) => {
      const node = find(file);
      return node ? { size: node.bytes.length, modifiedAt: node.modifiedAt } : null;
    },
    list: async () => [...names.keys()].sort(),
    makeFolder: async () => undefined,
    async create(file) {
      if (find(file)) fail('EEXIST', file);
      return openFile(put(file, Buffer.alloc(0)), now);
    },
    async writeWhole(file, bytes) {
      const node = find(file) ?? put(file, bytes);
      node.bytes = Buffer.from(bytes);
      node.synced = node.bytes;
      node.modifiedAt = now();
    },
    async rename(from, to) {
      const node = existing(from);
      // POSIX: two names of one file stay as they are.
      if (find(to) === node) return;
      names.set(path.basename(to), node);
      names.delete(path.basename(from));
    },
    async link(from, to) {
      const node = existing(from);
      if (find(to)) fail('EEXIST', to);
      names.set(path.basename(to), node);
    },
    async copy(from, to) {
      const node = put(to, existing(from).bytes);
      node.synced = node.bytes;
    },
    async remove(file) {
      names.delete(path.basename(file));
    },
    async touch(file, at) {
      existing(file).modifiedAt = at;
    },
    async syncFolder() {
      syncedNames = new Map(names);
    },
    after(end) {
      const copies = new Map<string, Node>();
      for (const [name, node] of end === 'kill' ? names : syncedNames) {
        const bytes = Buffer.from(end === 'kill' ? node.bytes : node.synced);
        copies.set(name, { bytes, synced: bytes, modifiedAt: node.modifiedAt });
      }
      return createMemoryStorage(now, copies);
    },
    files: () => new Map([...names].map(([name, { bytes }]) => [name, Buffer.from(bytes)])),
    put: (name, bytes, modifiedAt = now()) => {
      const node = put(name, bytes);
      node.synced = node.bytes;
      node.modifiedAt = modifiedAt;
      syncedNames.set(name, node);
    },
  };
}

function openFile(node: Node, now: () => number): StoredFile {
  return {
    write(bytes, offset) {
      const length = Math.max(node.bytes.length, offset + bytes.length);
      const next = Buffer.alloc(length);
      node.bytes.copy(next);
      next.set(bytes, offset);
      node.bytes = next;
      node.modifiedAt = now();
    },
    async sync() {
      node.synced = node.bytes;
    },
    truncate(length) {
      node.bytes = Buffer.from(node.bytes.subarray(0, length));
    },
    close: async () => undefined,
  };
}

/** Fails as Node does. */
export function fail(code: string, file = ''): never {
  throw Object.assign(new Error(`${code}: ${path.basename(file)}`), { code });
}
