/**
 * Every file operation the ledger does. Tests pass one that fails. All throw Node's own errors (with `code`); what is
 * asynchronous never holds the thread, since an fsync takes up to a second on a busy disk.
 */
export interface StoragePort {
  /** The whole file; null when there is none. `onPiece` gets it in order while the rest is still being read. */
  read(file: string, onPiece?: (piece: Uint8Array) => void): Promise<Uint8Array | null>;
  /** At most the first `bytes` bytes; null when there is no such file. */
  readHead(file: string, bytes: number): Promise<Uint8Array | null>;
  /** Size in bytes and last change in ms since the epoch; null when there is no such file. */
  stat(file: string): Promise<{ size: number; modifiedAt: number } | null>;
  /** The names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** Opens a new file for writing. @throws EEXIST when there is one. */
  create(file: string): Promise<StoredFile>;
  /** Writes a file from its start and syncs it; what was there is replaced. */
  writeWhole(file: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Gives a file a second name. @throws EEXIST when `to` is taken, EPERM and others where the disk has no links. */
  link(from: string, to: string): Promise<void>;
  /** Copies a file and syncs the copy; what was there is replaced. */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file; nothing happens when there is none. */
  remove(file: string): Promise<void>;
  /** Sets a file's last change. */
  touch(file: string, at: number): Promise<void>;
  /** Makes renames and new names in a folder survive a power cut. Does nothing where the system cannot (Windows). */
  syncFolder(folder: string): Promise<void>;
}

/** A file that is open for writing. */
export interface StoredFile {
  /** Writes at `offset`, at once: it holds the thread for microseconds. A failure may leave a part of it written. */
  write(bytes: Uint8Array, offset: number): void;
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>;
  truncate(length: number): void;
  close(): Promise<void>;
}

/** Node's error code (`ENOSPC`), or an empty string. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EINVAL']);

/** Whether a link failed because the file system has none (exFAT, some shares), not because the disk does. */
export function hasNoLinks(error: unknown): boolean {
  return NO_LINKS.has(errorCode(error));
}
