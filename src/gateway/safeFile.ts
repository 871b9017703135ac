import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, hasNoLinks } from './ledger/storage.js';
import { randomHex } from './randomIds.js';

/** Replaces a file (mode 0600) so that a crash leaves the old or the new one, whole, and the new one is on disk. */
export async function writeFileSafely(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomHex(6)}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } catch {
    // Windows cannot: its rename is as safe as it gets.
  } finally {
    await directory.close();
  }
}

/**
 * Makes a file (mode 0600) unless it is there; returns what it holds then. Two makers at once agree on one content.
 * Tests pass their own `link`.
 */
export function writeNewFile(file: string, text: string, link = linkSync): string {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomHex(6)}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flush: true });
    // Unlike a rename, a link never replaces what another just made.
    link(temporary, file);
    return text;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return readFileSync(file, 'utf8');
    if (!hasNoLinks(error)) throw error;
    return createFile(file, text);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** For disks without links. Who comes in between may read half of it, but nothing is replaced. */
function createFile(file: string, text: string): string {
  try {
    writeFileSync(file, text, { mode: 0o600, flush: true, flag: 'wx' });
    return text;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return readFileSync(file, 'utf8');
    // A full disk leaves a part, which would stay in the way.
    rmSync(file, { force: true });
    throw error;
  }
}
