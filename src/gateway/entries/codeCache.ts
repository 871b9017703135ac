import { readdirSync, readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

const PREFIX = 'code-';
const CRC_BYTES = 4;

export interface LoadedBundle {
  exports: unknown;
  /** The code was there, compiled by an earlier run. */
  isCached: boolean;
  /** Keeps what V8 has compiled by now for the next start, unless it came from there. Never throws: it is a cache. */
  keep(): void;
}

/**
 * Loads a bundled CommonJS file as `require` does, with the machine code of an earlier run where `folder` has it: compiling
 * a megabyte takes longer than all else that a start does. Node has the same built in from 22.1 on
 * (`module.enableCompileCache`), which our oldest Node lacks. V8 itself refuses code of another version or with other flags;
 * that it is of this very file, undamaged, and written by nobody else is looked after here.
 * @param folder where compiled code is kept; it need not be there yet
 */
export function loadBundle(file: string, folder: string): LoadedBundle {
  const cacheFile = path.join(folder, cacheName(file));
  const cachedData = readCache(cacheFile);
  const script = new Script(Module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData === null ? {} : { cachedData }),
  });
  const isCached = cachedData !== null && script.cachedDataRejected === false;
  const module = { exports: {} as unknown };
  script.runInThisContext()(module.exports, Module.createRequire(file), module, file, path.dirname(file));
  return {
    exports: module.exports,
    isCached,
    keep() {
      if (!isCached) writeCache(cacheFile, script.createCachedData());
    },
  };
}

/** Another build is another file. */
function cacheName(file: string): string {
  const { size, mtimeMs } = statSync(file);
  return `${PREFIX}${path.basename(file, '.js')}-${size.toString(36)}-${Math.round(mtimeMs).toString(36)}.bin`;
}

function readCache(cacheFile: string): Buffer | null {
  try {
    if (!isOnlyOurs(statSync(cacheFile))) return null;
    const bytes = readFileSync(cacheFile);
    const data = bytes.subarray(CRC_BYTES);
    return data.length > 0 && bytes.readUInt32LE(0) === crc32(data) ? data : null;
  } catch {
    return null;
  }
}

/** Windows has neither owner nor mode to look at; its users' folders are their own. */
function isOnlyOurs({ uid, mode }: Stats): boolean {
  return process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
}

/** What earlier builds left goes. */
function writeCache(cacheFile: string, data: Buffer): void {
  const folder = path.dirname(cacheFile);
  const draft = `${cacheFile}.${process.pid}.tmp`;
  try {
    const crc = Buffer.alloc(CRC_BYTES);
    crc.writeUInt32LE(crc32(data));
    writeFileSync(draft, Buffer.concat([crc, data]), { mode: 0o600, flag: 'wx' });
    renameSync(draft, cacheFile);
    for (const name of readdirSync(folder)) {
      if (name.startsWith(PREFIX) && name.endsWith('.bin') && name !== path.basename(cacheFile)) {
        rmSync(path.join(folder, name), { force: true });
      }
    }
  } catch {
    rmSync(draft, { force: true });
  }
}
