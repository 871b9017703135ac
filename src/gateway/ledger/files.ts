import path from 'node:path';
import { hasNoLinks, type StoragePort } from './storage.js';

/** The ledger's names in its folder. */
export const IMAGE = 'ledger.sqlite';
/** The image before, with the journals that lead from it to now. */
export const PREVIOUS = 'ledger.previous.sqlite';
export const LOCK = 'ledger.lock';
export const IMAGE_TEMPORARY = 'ledger.sqlite.tmp';
export const PREVIOUS_TEMPORARY = 'ledger.previous.sqlite.tmp';

const JOURNAL = /^ledger\.(\d{6,})\.journal$/;

export function journalName(generation: number): string {
  return `ledger.${String(generation).padStart(6, '0')}.journal`;
}

/** The generation in a journal's name; null for other files. */
export function journalGeneration(name: string): number | null {
  const match = JOURNAL.exec(name);
  return match ? Number(match[1]) : null;
}

/** A half-made image: never read, removed at the next start. */
export function isTemporary(name: string): boolean {
  return name === IMAGE_TEMPORARY || name === PREVIOUS_TEMPORARY;
}

/** What a gateway makes while it takes the lock; it may be another's, doing so now. */
export function isLockDraft(name: string): boolean {
  return name.startsWith(`${LOCK}.`) && name.endsWith('.tmp');
}

/** A name that is free for a damaged file: `ledger.damaged-2026-11-21-161500.sqlite`, the time being UTC. */
export function damagedName(names: readonly string[], at: number, extension: 'sqlite' | 'journal'): string {
  const [day, time] = new Date(at).toISOString().slice(0, 19).split('T');
  const stem = `ledger.damaged-${day}-${time?.replaceAll(':', '')}`;
  for (let count = 1; ; count++) {
    const name = `${stem}${count === 1 ? '' : `-${count}`}.${extension}`;
    if (!names.includes(name)) return name;
  }
}

/** Gives a file a second name, by a copy where the disk has no links. `to` must be free. */
export async function duplicate(storage: StoragePort, folder: string, from: string, to: string): Promise<void> {
  const [source, target] = [path.join(folder, from), path.join(folder, to)];
  try {
    await storage.link(source, target);
  } catch (error) {
    if (!hasNoLinks(error)) throw error;
    await storage.copy(source, target);
  }
}
