import { ftruncateSync, writeSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { errorCode, type StoragePort, type StoredFile } from './storage.js';

/** What only its owner may read, like the key store beside it. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** What is read in one go; every piece costs a turn of the loop. */
const READ_BYTES = 4 * 1024 * 1024;

/** The real disk. */
export const nodeStorage: StoragePort = {
  async read(file, onPiece) {
    const handle = await orNull(fs.open(file, 'r'));
    if (!handle) return null;
    try {
      return await readPieces(handle, onPiece ?? (() => {}));
    } finally {
      await handle.close();
    }
  },
  stat: async (file) => {
    const stat = await orNull(fs.stat(file));
    return stat && { size: stat.size, modifiedAt: stat.mtimeMs };
  },
  list: async (folder) => (await orNull(fs.readdir(folder))) ?? [],
  makeFolder: async (folder) => void (await fs.mkdir(folder, { recursive: true, mode: FOLDER_MODE })),
  create: async (file) => new NodeFile(await fs.open(file, 'wx', FILE_MODE)),
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (file) => fs.rm(file, { force: true }),
  touch: (file, at) => fs.utimes(file, at / 1000, at / 1000),

  async readHead(file, bytes) {
    const handle = await orNull(fs.open(file, 'r'));
    if (!handle) return null;
    try {
      const buffer = Buffer.alloc(bytes);
      const { bytesRead } = await handle.read(buffer, 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  },

  async writeWhole(file, bytes) {
    const handle = await fs.open(file, 'w', FILE_MODE);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async copy(from, to) {
    await fs.copyFile(from, to);
    const handle = await fs.open(to, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async syncFolder(folder) {
    // Windows opens no folders; NTFS journals its names by itself.
    if (process.platform === 'win32') return;
    const handle = await fs.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/** Reads on while a piece is looked at. */
async function readPieces(handle: fs.FileHandle, onPiece: (piece: Uint8Array) => void): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow((await handle.stat()).size);
  const read = (at: number) => handle.read(bytes, at, Math.min(READ_BYTES, bytes.length - at), at);
  let reading = bytes.length > 0 ? read(0) : null;
  let end = 0;
  while (reading) {
    const { bytesRead } = await reading;
    const piece = bytes.subarray(end, end + bytesRead);
    end += bytesRead;
    // Shorter than it was a moment ago: somebody cut it, and what is there is all there is.
    reading = bytesRead > 0 && end < bytes.length ? read(end) : null;
    onPiece(piece);
  }
  return bytes.subarray(0, end);
}

class NodeFile implements StoredFile {
  constructor(private readonly handle: fs.FileHandle) {}

  write(bytes: Uint8Array, offset: number): void {
    let done = 0;
    while (done < bytes.length) {
      done += writeSync(this.handle.fd, bytes, done, bytes.length - done, offset + done);
    }
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }

  truncate(length: number): void {
    ftruncateSync(this.handle.fd, length);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** What does not exist is null; every other failure is thrown. */
async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
