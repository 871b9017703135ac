import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Log } from '../ports.js';
import {
  duplicate,
  IMAGE,
  IMAGE_TEMPORARY,
  journalGeneration,
  journalName,
  PREVIOUS,
  PREVIOUS_TEMPORARY,
} from './files.js';
import { errorCode, type StoragePort } from './storage.js';

/** What is summed in one go: about a millisecond. */
const CHUNK_BYTES = 2 * 1024 * 1024;

/** Replaces the database file, so that there is a whole one at every instant, and the one before it beside it. */
export class ImageWriter {
  constructor(
    private readonly ports: { storage: StoragePort; log: Log },
    private readonly folder: string,
    /** The first journal that the file now in place does not hold; null when there is no file. */
    private generation: number | null,
  ) {}

  /**
   * Puts a new image in place. `generation` is the first journal that it does not hold, `mayReplace` is asked last.
   * @throws the storage's error, or what `mayReplace` throws; then the old image is still in place.
   */
  async write(bytes: Uint8Array, generation: number, mayReplace: () => Promise<void>): Promise<{ crc: number }> {
    const { storage } = this.ports;
    const crc = await checksum(bytes);
    let isKept: boolean;
    try {
      await storage.writeWhole(this.at(IMAGE_TEMPORARY), bytes);
      await mayReplace();
      isKept = await this.keepPrevious();
      await storage.rename(this.at(IMAGE_TEMPORARY), this.at(IMAGE));
    } catch (error) {
      await this.removeTemporary();
      throw error;
    }
    await storage.syncFolder(this.folder);
    const before = this.generation;
    this.generation = generation;
    if (before !== null && isKept) await this.removeJournals(before);
    return { crc };
  }

  /** False when there is nothing to keep: no image yet, or somebody has taken it away. */
  private async keepPrevious(): Promise<boolean> {
    if (this.generation === null) return false;
    const { storage } = this.ports;
    await storage.remove(this.at(PREVIOUS_TEMPORARY));
    try {
      await duplicate(storage, this.folder, IMAGE, PREVIOUS_TEMPORARY);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false;
      throw error;
    }
    await storage.rename(this.at(PREVIOUS_TEMPORARY), this.at(PREVIOUS));
    // Renaming one name of a file onto another of the same does nothing, and leaves both.
    await storage.remove(this.at(PREVIOUS_TEMPORARY));
    return true;
  }

  /** On a full disk half an image would take the room that the journal needs. */
  private async removeTemporary(): Promise<void> {
    const { storage, log } = this.ports;
    try {
      for (const name of [IMAGE_TEMPORARY, PREVIOUS_TEMPORARY]) await storage.remove(this.at(name));
    } catch (error) {
      log.log('warn', 'ledger', 'a temporary file is left', { error: errorCode(error) });
    }
  }

  /** Removes the journals that the previous image holds; those since then can still make this one anew. */
  private async removeJournals(before: number): Promise<void> {
    const { storage, log } = this.ports;
    try {
      for (const name of await storage.list(this.folder)) {
        const generation = journalGeneration(name);
        if (generation !== null && generation < before) await storage.remove(this.at(journalName(generation)));
      }
    } catch (error) {
      log.log('warn', 'ledger', 'an old journal is left', { error: errorCode(error) });
    }
  }

  private at(name: string): string {
    return path.join(this.folder, name);
  }
}

/** The CRC-32 of an image, in steps that let the loop turn. */
async function checksum(bytes: Uint8Array): Promise<number> {
  let crc = 0;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    if (at > 0) await nextTurn();
    crc = crc32(bytes.subarray(at, at + CHUNK_BYTES), crc);
  }
  return crc;
}
