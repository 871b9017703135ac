import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
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

/** Makes a file (mode 0600) unless it is there; returns what it holds then. Two makers at once agree on one content. */
export function writeNewFile(file: string, text: string): string {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomHex(6)}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flush: true });
    // Unlike a rename, a link never replaces what another just made.
    linkSync(temporary, file);
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return readFileSync(file, 'utf8');
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}
