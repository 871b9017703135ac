import type { Clock, Log } from '../ports.js';
import type { ChangeQueue } from './changeQueue.js';
import type { DiskHealth } from './diskHealth.js';
import type { ImageWriter } from './imageWriter.js';
import type { JournalWriter } from './journalWriter.js';
import { writeMeta } from './meta.js';
import { changeCounterOf } from './schema.js';
import type { SqlDatabase } from './sqlite.js';
import { errorCode } from './storage.js';

/** After so long without a change … */
const IDLE_MS = 5_000;
/** … or so long after the first one … */
const LATEST_MS = 60_000;
/** … or when the journal is this large, and a quarter of the image. */
const LEAST_JOURNAL_BYTES = 4 * 1024 * 1024;
/** Images are written no faster than this while there is no need: 30 MB at most every 30 s. For the disk's sake. */
const BYTES_PER_MS = 1024;
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 60_000;
/** The journal keeps everything meanwhile: only a lasting failure is worth a notice. */
const FAILURES_BEFORE_NOTICE = 3;

export interface CheckpointPorts {
  clock: Clock;
  log: Log;
  health: DiskHealth;
  database: SqlDatabase;
  queue: ChangeQueue;
  journal: JournalWriter;
  images: ImageWriter;
  /** @throws LedgerError when another gateway has taken the folder. */
  mayReplace(): Promise<void>;
}

/** Writes the database out now and then, so that the journals stay short. */
export class Checkpointer {
  private firstChangeAt: number | null = null;
  private lastChangeAt = 0;
  private lastImageAt = Number.NEGATIVE_INFINITY;
  private cancelTimer: (() => void) | null = null;
  private running: Promise<boolean> | null = null;
  private failures = 0;
  private isStopped = false;

  constructor(
    private readonly ports: CheckpointPorts,
    private readonly databaseId: string,
    private imageBytes: number,
  ) {}

  /** Whether the file in place lacks a change. */
  get isNeeded(): boolean {
    return this.firstChangeAt !== null;
  }

  /** To be called with each change; costs next to nothing. */
  noteChange(): void {
    this.lastChangeAt = this.ports.clock.now();
    if (this.firstChangeAt !== null) return;
    this.firstChangeAt = this.lastChangeAt;
    if (!this.cancelTimer && !this.running) this.arm(IDLE_MS);
  }

  /** To be called after each write. */
  noteWritten(): void {
    if (this.isStopped || this.failures > 0 || this.running) return;
    if (this.ports.journal.bytes > Math.max(LEAST_JOURNAL_BYTES, this.imageBytes / 4)) void this.run();
  }

  /** Writes the database out. Resolves to whether it is on the disk; never rejects. */
  run(): Promise<boolean> {
    this.running ??= this.attempt().finally(() => {
      this.running = null;
    });
    return this.running;
  }

  /** Waits for one that runs, and arms no timer any more. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancelTimer?.();
    this.cancelTimer = null;
    await this.running;
  }

  private async attempt(): Promise<boolean> {
    const { log, health, journal, images, queue } = this.ports;
    this.cancelTimer?.();
    this.cancelTimer = null;
    const since = this.firstChangeAt ?? this.ports.clock.now();
    try {
      const { bytes, generation } = await queue.exclusive(() => this.takeImage());
      const { crc } = await images.write(bytes, generation, this.ports.mayReplace);
      this.imageBytes = bytes.length;
      this.lastImageAt = this.ports.clock.now();
      this.failures = 0;
      health.worked('image');
      // Without this record the file is only checked more thoroughly at the next start.
      await queue
        .exclusive(() => journal.writeImage({ generation, bytes: bytes.length, crc, counter: changeCounterOf(bytes) }))
        .catch((error) => log.log('warn', 'ledger', 'the image was not noted', { error: errorCode(error) }));
      if (this.firstChangeAt !== null) this.arm(IDLE_MS);
      return true;
    } catch (error) {
      this.firstChangeAt = since;
      this.failed(error);
      return false;
    }
  }

  /** Everything so far goes into the image, everything later into a new journal. */
  private async takeImage(): Promise<{ bytes: Uint8Array; generation: number }> {
    const { queue, journal, database } = this.ports;
    await queue.startJournal();
    const { generation } = journal;
    queue.applyAll();
    // What is not synced yet is replayed onto this image, where it may be already, save what waits to be saved.
    writeMeta(database, { databaseId: this.databaseId, seq: journal.synced, generation });
    const bytes = database.image();
    // A change that is being saved now is in neither.
    this.firstChangeAt = queue.isWriting ? this.ports.clock.now() : null;
    return { bytes, generation };
  }

  private failed(error: unknown): void {
    this.failures += 1;
    this.ports.log.log('warn', 'ledger', 'the database could not be written out', { error: errorCode(error) });
    if (this.failures >= FAILURES_BEFORE_NOTICE) this.ports.health.failed('image', error);
    this.arm(Math.min(FIRST_RETRY_MS * 2 ** (this.failures - 1), LAST_RETRY_MS));
  }

  private arm(ms: number): void {
    if (this.isStopped) return;
    this.cancelTimer?.();
    this.cancelTimer = this.ports.clock.after(ms, () => {
      this.cancelTimer = null;
      const wait = this.failures > 0 ? 0 : this.untilDue();
      if (wait > 0) this.arm(wait);
      else void this.run();
    });
  }

  private untilDue(): number {
    if (this.firstChangeAt === null) return 0;
    // The clock was put back: what was noted before says nothing, and a timer of many days would fire at once, again and again.
    if (this.ports.clock.now() < Math.max(this.lastChangeAt, this.lastImageAt)) return 0;
    const wanted = Math.min(this.lastChangeAt + IDLE_MS, this.firstChangeAt + LATEST_MS);
    const earliest = this.lastImageAt + Math.min(this.imageBytes / BYTES_PER_MS, LATEST_MS);
    return Math.max(wanted, earliest) - this.ports.clock.now();
  }
}
