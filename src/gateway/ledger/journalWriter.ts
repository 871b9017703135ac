import path from 'node:path';
import type { Log } from '../ports.js';
import { journalName } from './files.js';
import { encodeChange, encodeHeader, encodeImage, HEADER_BYTES, type ImageFacts } from './journal.js';
import { errorCode, type StoragePort, type StoredFile } from './storage.js';

const GIVE_UP_TRIES = 3;

/** Where the journals of a folder stand. */
export interface JournalPosition {
  databaseId: string;
  /** The highest generation that any journal of the folder has, or had. */
  generation: number;
  /** The last change that is on the disk. */
  seq: number;
}

interface OpenJournal {
  file: StoredFile;
  /** Where the last synced record ends. */
  end: number;
}

/**
 * Writes changes to the newest journal. A file whose sync failed, or whose torn tail could not be cut, is given up for a
 * new one: its header says after which change it begins, and so what an older journal holds beyond that does not count.
 * One call at a time.
 */
export class JournalWriter {
  private open: OpenJournal | null = null;

  constructor(
    private readonly ports: { storage: StoragePort; log: Log },
    private readonly folder: string,
    private readonly position: JournalPosition,
  ) {}

  get seq(): number {
    return this.position.seq;
  }

  get generation(): number {
    return this.position.generation;
  }

  /** Bytes in the journal that is being written. */
  get bytes(): number {
    return this.open?.end ?? 0;
  }

  /**
   * Writes changes, each given as its JSON, and syncs. Resolves when they are on the disk.
   * @throws the storage's error; then none of them is, nor will be read at the next start.
   */
  async write(changes: readonly string[]): Promise<void> {
    const first = this.position.seq + 1;
    await this.put(changes.map((text, index) => encodeChange(first + index, text)));
    this.position.seq += changes.length;
  }

  /** Notes that an image is complete. */
  async writeImage(image: ImageFacts): Promise<void> {
    await this.put([encodeImage(image)]);
  }

  /** Goes on in a new journal. @throws the storage's error; then the next write tries again, in yet another one. */
  async startNext(): Promise<void> {
    await this.close();
    const { databaseId, seq } = this.position;
    // Never the same name twice: one that failed may still come back after a power cut.
    const generation = ++this.position.generation;
    const name = path.join(this.folder, journalName(generation));
    const file = await this.ports.storage.create(name);
    try {
      file.write(encodeHeader({ generation, databaseId, after: seq }), 0);
      await file.sync();
      await this.ports.storage.syncFolder(this.folder);
    } catch (error) {
      await this.closeFile(file);
      throw error;
    }
    this.open = { file, end: HEADER_BYTES };
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = null;
    if (open) await this.closeFile(open.file);
  }

  private async put(records: readonly Buffer[]): Promise<void> {
    if (!this.open) await this.startNext();
    const open = this.open;
    if (!open) throw new Error('There is no journal');
    const bytes = Buffer.concat(records);
    try {
      open.file.write(bytes, open.end);
    } catch (error) {
      await this.cutTail(open);
      throw error;
    }
    try {
      await open.file.sync();
    } catch (error) {
      await this.giveUp(open);
      throw error;
    }
    open.end += bytes.length;
  }

  /** After a failed write: takes back what part of it is in the file. */
  private async cutTail(open: OpenJournal): Promise<void> {
    try {
      open.file.truncate(open.end);
      await open.file.sync();
    } catch {
      await this.giveUp(open);
    }
  }

  /**
   * After a failed sync nobody can say what the file holds: what was synced before counts, and a new one goes on. Tried a
   * few times at once, since whoever waits is told next that the change was not made: it must not come back.
   */
  private async giveUp(open: OpenJournal): Promise<void> {
    this.open = null;
    for (let tries = 0; tries < GIVE_UP_TRIES && !this.open; tries++) {
      try {
        open.file.truncate(open.end);
      } catch (error) {
        this.ports.log.log('warn', 'ledger', 'the journal could not be cut', { error: errorCode(error) });
      }
      try {
        await this.startNext();
      } catch (error) {
        this.ports.log.log('warn', 'ledger', 'no new journal could be started', { error: errorCode(error) });
      }
    }
    await this.closeFile(open.file);
  }

  private async closeFile(file: StoredFile): Promise<void> {
    try {
      await file.close();
    } catch (error) {
      this.ports.log.log('warn', 'ledger', 'a journal did not close', { error: errorCode(error) });
    }
  }
}
