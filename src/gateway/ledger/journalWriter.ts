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
  /** Where the last record ends. */
  written: number;
  /** Whether its name is on the disk. */
  isNamed: boolean;
  /** While it is empty nothing needs it: it takes nothing back that an older one holds. */
  isSpare: boolean;
  name: string;
}

/** What went wrong with the open journal since it was last in order. */
type Trouble = 'torn' | 'unsynced';

/**
 * Writes changes to the newest journal: into the file at once, where a killed process leaves them, and synced a little
 * later, against power cuts. After a failure everything unsynced is to be written anew (`takeBack`). A file whose sync
 * failed, or whose torn tail could not be cut, is given up for a new one: its header says after which change it begins,
 * and so what an older journal holds beyond that does not count.
 */
export class JournalWriter {
  private open: OpenJournal | null = null;
  private trouble: Trouble | null = null;
  private syncedSeq: number;

  constructor(
    private readonly ports: { storage: StoragePort; log: Log },
    private readonly folder: string,
    private readonly position: JournalPosition,
  ) {
    this.syncedSeq = position.seq;
  }

  /** The last change that is on the disk. */
  get synced(): number {
    return this.syncedSeq;
  }

  get generation(): number {
    return this.position.generation;
  }

  /** Bytes in the journal that is being written. */
  get bytes(): number {
    return this.open?.written ?? 0;
  }

  /** Whether `writeNow` may be called: a journal is open and in order. */
  get isReady(): boolean {
    return this.open !== null && this.trouble === null;
  }

  /** After a failure: `takeBack` has to be called before anything else. */
  get isInTrouble(): boolean {
    return this.trouble !== null;
  }

  /** Opens one before there is anything to write; it goes again if nothing comes. @throws the storage's error. */
  async openSpare(): Promise<void> {
    await this.startNext();
    if (this.open) this.open.isSpare = true;
  }

  /** Opens a journal if none is. @throws the storage's error. */
  async ensureOpen(): Promise<void> {
    if (!this.open) await this.startNext();
  }

  /** Puts changes, each given as its JSON, into the file. @throws the storage's error; none of them counts then. */
  writeNow(changes: readonly string[]): void {
    const first = this.position.seq + 1;
    this.put(changes.map((text, index) => encodeChange(first + index, text)));
    this.position.seq += changes.length;
  }

  /** Resolves when everything that was written before the call is on the disk. @throws the storage's error. */
  async sync(): Promise<void> {
    const { open } = this;
    if (!open) throw new Error('There is no journal');
    const { written } = open;
    const { seq } = this.position;
    try {
      await open.file.sync();
      if (!open.isNamed) await this.ports.storage.syncFolder(this.folder);
      open.isNamed = true;
    } catch (error) {
      this.trouble = 'unsynced';
      throw error;
    }
    open.end = written;
    this.syncedSeq = seq;
  }

  /** Notes that an image is complete. @throws the storage's error. */
  async writeImage(image: ImageFacts): Promise<void> {
    await this.ensureOpen();
    this.put([encodeImage(image)]);
    await this.sync();
  }

  /** After a failure: takes back everything that is not synced, which the caller writes anew. Never throws. */
  async takeBack(): Promise<void> {
    const { open, trouble } = this;
    this.position.seq = this.syncedSeq;
    if (open) {
      open.written = open.end;
      if (trouble === 'unsynced') await this.giveUp(open);
      else await this.cutTail(open);
    }
    this.trouble = null;
  }

  /**
   * Goes on in a new journal. `carry` is called once its file is there and gives the changes, as JSON, that are not synced:
   * they are its first records, written with its header and in the same turn of the loop, so that a killed process finds
   * them in one of the two. @throws the storage's error; what was not synced is then to be taken back.
   */
  async startNext(carry: () => readonly string[] = () => []): Promise<void> {
    const { databaseId } = this.position;
    // Never the same name twice: one that failed may still come back after a power cut.
    const generation = ++this.position.generation;
    const name = path.join(this.folder, journalName(generation));
    const file = await this.ports.storage.create(name);
    const after = this.syncedSeq;
    const records = carry().map((text, index) => encodeChange(after + 1 + index, text));
    const bytes = Buffer.concat([encodeHeader({ generation, databaseId, after }), ...records]);
    const before = this.open;
    try {
      file.write(bytes, 0);
    } catch (error) {
      this.trouble = 'unsynced';
      await this.closeFile(file);
      // On a full disk every try would leave an empty one.
      await this.ports.storage.remove(name).catch(() => undefined);
      throw error;
    }
    this.position.seq = after + records.length;
    this.open = { file, end: HEADER_BYTES, written: bytes.length, isNamed: false, isSpare: false, name };
    if (before) await this.closeFile(before.file);
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = null;
    if (!open) return;
    await this.closeFile(open.file);
    if (open.isSpare && open.written === HEADER_BYTES)
      await this.ports.storage.remove(open.name).catch(() => undefined);
  }

  private put(records: readonly Buffer[]): void {
    const { open } = this;
    if (!open) throw new Error('There is no journal');
    const bytes = records.length === 1 && records[0] ? records[0] : Buffer.concat(records);
    try {
      open.file.write(bytes, open.written);
    } catch (error) {
      this.trouble = 'torn';
      throw error;
    }
    open.written += bytes.length;
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
        // On the disk before anybody is told: only then does what the old one may hold not count.
        await this.sync();
      } catch (error) {
        this.ports.log.log('warn', 'ledger', 'no new journal could be started', { error: errorCode(error) });
        await this.close();
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
