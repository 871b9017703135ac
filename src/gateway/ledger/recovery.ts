import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { Clock, Log } from '../ports.js';
import type { TransactionSums } from './apply.js';
import { ChangeApplier } from './changeApplier.js';
import type { LedgerChange } from './changes.js';
import { damagedName, duplicate, IMAGE, isTemporary, journalGeneration, PREVIOUS } from './files.js';
import { HEADER_BYTES, type ImageFacts, readJournal, salvageJournal } from './journal.js';
import type { JournalPosition } from './journalWriter.js';
import type { LedgerNotice } from './ledger.js';
import { type ImageMeta, readMeta } from './meta.js';
import { recoveryReport, type SetAside } from './recoveryReport.js';
import { type FoundJournal, plannedChanges, planReplay, type ReplayPlan } from './replay.js';
import { pruneEnded } from './restore.js';
import { changeCounterOf, migrate, schemaVersionOf } from './schema.js';
import type { SqlDatabase } from './sqlite.js';
import { errorCode, type StoragePort } from './storage.js';

/** Changes that are replayed in one transaction. */
const REPLAY_CHANGES = 1_000;
/** A database file is whole pages, each a multiple of this. */
const LEAST_PAGE_BYTES = 512;

export interface RecoveryPorts {
  storage: StoragePort;
  clock: Clock;
  log: Log;
  randomHex(bytes: number): string;
  /** Makes a database of an image, or an empty one. */
  openDatabase(image: Uint8Array | null): SqlDatabase;
  newSums: (() => TransactionSums) | undefined;
  onNotice(notice: LedgerNotice): void;
}

/** The database as it was last, in memory. */
export interface Recovered {
  database: SqlDatabase;
  position: JournalPosition;
  /** The first journal that the image in place does not hold; null when there is none. */
  imageGeneration: number | null;
  imageBytes: number;
  /** How many images are to be written at once: two when the one before must not be used any more either. */
  checkpoints: 0 | 1 | 2;
  /** Whether the image in place lacks changes. */
  isBehind: boolean;
}

/** An image that could be read. */
interface FoundImage {
  database: SqlDatabase;
  meta: ImageMeta;
  bytes: number;
}

/**
 * Opens what is in the folder, which is locked: the image, else the one before it, else an empty database; then replays
 * the journals that belong to it. Damaged files are set aside. @throws the storage's errors.
 */
export async function recover(ports: RecoveryPorts, folder: string): Promise<Recovered> {
  const recovery = new Recovery(ports, folder, await ports.storage.list(folder));
  return await recovery.run();
}

class Recovery {
  private journals: FoundJournal[] = [];
  private readonly read = new Set<string>();
  private readonly aside: SetAside[] = [];

  constructor(
    private readonly ports: RecoveryPorts,
    private readonly folder: string,
    private readonly names: string[],
  ) {}

  async run(): Promise<Recovered> {
    await this.removeTemporary();
    const current = await this.openImage(IMAGE);
    const image = current ?? (await this.openImage(PREVIOUS));
    if (!image) await this.readJournals(0);
    const newest = this.journals.findLast(({ contents }) => !contents.isHeaderLost);
    const databaseId = image?.meta.databaseId ?? newest?.contents.header.databaseId ?? this.ports.randomHex(16);
    await this.setStrangersAside(databaseId);
    let plan = planReplay(this.journals, image?.meta.seq ?? 0);
    // An older file was put in the place of ours: what came after it does not continue it.
    const isReplaced = current !== null && plan.isApart;
    if (isReplaced) {
      await this.setHistoryAside();
      plan = planReplay([], current.meta.seq);
    }
    for (const name of plan.damaged) await this.setAside(name, 'copy');
    for (const name of plan.unplaced) await this.setAside(name, 'journal');
    this.report(image !== null, isReplaced, plan);
    const database = image?.database ?? this.ports.openDatabase(null);
    const migrated = migrate(database);
    await this.replay(database, plan);
    pruneEnded(database, this.ports.clock.now());
    const isOdd = migrated > 0 || current === null || plan.damaged.length > 0;
    return {
      database,
      position: { databaseId, generation: this.highestGeneration(image), seq: plan.seq },
      imageGeneration: current?.meta.generation ?? null,
      imageBytes: image?.bytes ?? 0,
      checkpoints: isReplaced ? 2 : isOdd ? 1 : 0,
      isBehind: plan.changes.length > 0,
    };
  }

  /** Reads the journals from a generation on that have not been read yet. */
  private async readJournals(from: number): Promise<void> {
    for (const name of [...this.names]) {
      const generation = journalGeneration(name);
      if (generation === null || generation < from || this.read.has(name)) continue;
      this.read.add(name);
      const bytes = await this.ports.storage.read(this.at(name));
      const contents = bytes && (readJournal(bytes) ?? salvageJournal(bytes, generation));
      if (contents) this.take({ name, contents });
      // A gateway that dies while it starts a journal leaves part of a header; more than that was damaged later.
      else if (bytes && bytes.length > HEADER_BYTES) await this.setAside(name, 'journal');
    }
    this.journals.sort((a, b) => a.contents.header.generation - b.contents.header.generation);
  }

  private take(journal: FoundJournal): void {
    this.journals.push(journal);
    const { bytes, end } = journal.contents;
    if (end === bytes.length) return;
    // A kill leaves it like that, too: no notice.
    const fields = { file: journal.name, bytes: bytes.length - end };
    this.ports.log.log('info', 'ledger', 'the end of a journal is no whole record and was left out', fields);
  }

  /** Opens an image and reads the journals that it needs; null when there is none or it is damaged, then set aside. */
  private async openImage(name: string): Promise<FoundImage | null> {
    let crc = 0;
    const bytes = await this.ports.storage.read(this.at(name), (piece) => {
      crc = crc32(piece, crc);
    });
    if (!bytes) return null;
    const image = this.tryImage(bytes);
    await this.readJournals(image?.meta.generation ?? 0);
    if (image && (this.isKnown(bytes, crc) || this.isSound(bytes, image))) return image;
    image?.database.close();
    await this.setAside(name, 'image');
    return null;
  }

  private tryImage(bytes: Uint8Array): FoundImage | null {
    if (schemaVersionOf(bytes) === null || bytes.length % LEAST_PAGE_BYTES !== 0) return null;
    let database: SqlDatabase | null = null;
    try {
      database = this.ports.openDatabase(bytes);
      const meta = readMeta(database);
      if (meta) return { database, meta, bytes: bytes.length };
    } catch (error) {
      this.ports.log.log('warn', 'ledger', 'SQLite cannot read an image', { error: String(error) });
    }
    database?.close();
    return null;
  }

  /** Whether it is, byte for byte, an image that we completed. */
  private isKnown(bytes: Uint8Array, crc: number): boolean {
    return this.notedImages().some((image) => image.bytes === bytes.length && image.crc === crc);
  }

  /**
   * For a file that is not as we wrote it. A tool may have edited it, or we died between writing it and noting that: then
   * SQLite checks it. But where nobody has counted a change it is damaged, and SQLite does not miss a bit in a value.
   */
  private isSound(bytes: Uint8Array, { database, meta }: FoundImage): boolean {
    const counter = changeCounterOf(bytes);
    const isNoted = ({ generation, counter: noted }: ImageFacts) => generation === meta.generation && noted === counter;
    if (this.notedImages().some(isNoted)) return false;
    try {
      return database.row('PRAGMA integrity_check')?.[0] === 'ok';
    } catch {
      return false;
    }
  }

  private notedImages(): ImageFacts[] {
    return this.journals.flatMap(({ contents }) => contents.images);
  }

  private async setStrangersAside(databaseId: string): Promise<void> {
    const isOurs = ({ contents }: FoundJournal) => contents.isHeaderLost || contents.header.databaseId === databaseId;
    for (const journal of this.journals) if (!isOurs(journal)) await this.setAside(journal.name, 'journal');
    this.journals = this.journals.filter(isOurs);
  }

  private async setHistoryAside(): Promise<void> {
    for (const { name } of this.journals) await this.setAside(name, 'journal');
    if (this.names.includes(PREVIOUS)) await this.setAside(PREVIOUS, 'image');
  }

  private async replay(database: SqlDatabase, plan: ReplayPlan): Promise<void> {
    const applier = new ChangeApplier(database, this.ports.log, this.ports.newSums);
    let changes: LedgerChange[] = [];
    for (const change of plannedChanges(plan)) {
      changes.push(change);
      if (changes.length < REPLAY_CHANGES) continue;
      applier.all(changes);
      changes = [];
      await nextTurn();
    }
    applier.all(changes);
    if (plan.changes.length > 0) {
      this.ports.log.log('info', 'ledger', 'changes were read from the journal', { changes: plan.changes.length });
    }
  }

  /** Gives a damaged file, or a copy of it, a name with the date. */
  private async setAside(name: string, what: SetAside['what']): Promise<void> {
    const { storage, clock, log } = this.ports;
    const aside = damagedName(this.names, clock.now(), what === 'image' ? 'sqlite' : 'journal');
    if (what === 'copy') await duplicate(storage, this.folder, name, aside);
    else await storage.rename(this.at(name), this.at(aside));
    this.names.push(aside);
    this.aside.push({ aside, what });
    log.log('error', 'ledger', 'a file was set aside', { name, aside });
  }

  /** Says once what was found amiss. */
  private report(hasImage: boolean, isReplaced: boolean, plan: ReplayPlan): void {
    const { aside, journals } = this;
    const begins = Math.min(...journals.map(({ contents }) => contents.header.after));
    const notice = recoveryReport({
      aside,
      hasImage,
      isReplaced,
      isApart: hasImage ? plan.isApart : journals.length > 0 && begins > 0,
      replayed: plan.changes.length,
    });
    const first = aside.find(({ what }) => what === 'image') ?? aside[0];
    if (notice) this.ports.onNotice({ ...notice, file: first ? this.at(first.aside) : null });
  }

  private async removeTemporary(): Promise<void> {
    const { storage, log } = this.ports;
    for (const name of this.names) {
      try {
        if (isTemporary(name)) await storage.remove(this.at(name));
      } catch (error) {
        log.log('warn', 'ledger', 'a temporary file is left', { error: errorCode(error) });
      }
    }
  }

  private highestGeneration(image: FoundImage | null): number {
    const generations = this.names.map((name) => journalGeneration(name) ?? 0);
    return Math.max(image?.meta.generation ?? 0, 0, ...generations);
  }

  private at(name: string): string {
    return path.join(this.folder, name);
  }
}
