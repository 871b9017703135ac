import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Log } from '../ports.js';
import { shortenBacklog } from './backlog.js';
import type { ChangeApplier } from './changeApplier.js';
import type { LedgerChange } from './changes.js';
import { type DiskHealth, diskAdvice } from './diskHealth.js';
import type { JournalWriter } from './journalWriter.js';
import { LedgerError } from './ledger.js';
import { errorCode } from './storage.js';

/** A change is in the journal's file when the turn of the loop ends that brought it; it is synced this long after, at the latest. */
const FLUSH_MS = 100;
const NEXT_SLICE_MS = 1;
/** One write: more is written in several, so that encoding holds the thread for few milliseconds. */
const BATCH_CHANGES = 500;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

interface Pending {
  change: LedgerChange;
  /** Its JSON, as it was when it came. */
  text: string;
  isApplied: boolean;
  /** Who waits for it to be saved. */
  saver: { resolve: () => void; reject: (error: LedgerError) => void } | null;
}

export interface QueuePorts {
  clock: Clock;
  log: Log;
  journal: JournalWriter;
  applier: ChangeApplier;
  health: DiskHealth;
}

/**
 * Takes changes, writes them to the journal, syncs it now and then, and applies them to the database in slices. A saved
 * change is applied when it is on the disk, since a refused one must never have been; others as soon as there is time.
 */
export class ChangeQueue {
  private toJournal: Pending[] = [];
  /** In the journal's file, not synced yet. */
  private written: Pending[] = [];
  private isWriteQueued = false;
  private toApply: Pending[] = [];
  private cancelTick: (() => void) | null = null;
  private cancelSlice: (() => void) | null = null;
  private cancelRetry: (() => void) | null = null;
  private retryMs = FIRST_RETRY_MS;
  private last: Promise<unknown> = Promise.resolve();
  private isStopped = false;
  private stopReason: LedgerError | null = null;

  constructor(
    private readonly ports: QueuePorts,
    /** Called after each write, with the journal at rest. */
    private readonly onWritten: () => void,
  ) {}

  /** Whether there is a change that is not in the journal, or not synced yet. */
  get isWriting(): boolean {
    return this.toJournal.length + this.written.length > 0;
  }

  /** Opens the journal before the first change comes: until there is one, a killed process loses what it appended. */
  async open(): Promise<void> {
    // The first flush meets the same trouble, and says so.
    await this.exclusive(() => this.ports.journal.openSpare()).catch(() => undefined);
  }

  append(change: LedgerChange): void {
    const text = this.encode(change);
    if (text === null) return;
    const pending: Pending = { change, text, isApplied: false, saver: null };
    this.toJournal.push(pending);
    this.toApply.push(pending);
    if (!this.isWriteQueued) {
      this.isWriteQueued = true;
      // Before anything else runs: what blocks the loop for a while must not come between.
      process.nextTick(this.writeSoon);
    }
    this.cancelTick ??= this.ports.clock.after(FLUSH_MS, () => this.tick());
  }

  /** Resolves when the change is on the disk and in the database. @throws LedgerError `not-saved`. */
  save(change: LedgerChange): Promise<void> {
    const text = this.encode(change);
    if (text === null) {
      return Promise.reject(this.stopReason ?? new LedgerError('not-saved', 'This change cannot be stored.'));
    }
    return new Promise((resolve, reject) => {
      this.toJournal.push({ change, text, isApplied: false, saver: { resolve, reject } });
      this.flush().catch(() => undefined);
    });
  }

  /** Writes and syncs what is pending. @throws the storage's error. */
  flush(): Promise<void> {
    return this.exclusive(() => this.writePending());
  }

  /** Only within `exclusive`: goes on in a new journal, which begins with what is not synced. @throws the storage's error. */
  async startJournal(): Promise<void> {
    await this.writePending();
    await this.ports.journal.startNext(() => {
      this.written.push(...this.toJournal.splice(0));
      return this.written.map(({ text }) => text);
    });
  }

  /** Runs work that needs the journal to itself, in the order it was asked for. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Makes everything that was appended visible. */
  applyAll(): void {
    const pending = this.toApply.filter(({ isApplied }) => !isApplied);
    this.toApply = [];
    if (pending.length === 0) return;
    for (const one of pending) one.isApplied = true;
    this.ports.applier.all(pending.map(({ change }) => change));
  }

  private async writePending(): Promise<void> {
    const { journal, health } = this.ports;
    if (journal.isInTrouble) await this.takeBack();
    if (this.isWriting) {
      do await this.writeBatch();
      while (this.toJournal.length > 0);
    }
    health.worked('journal');
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.onWritten();
  }

  private async writeBatch(): Promise<void> {
    const { journal } = this.ports;
    const asked = [...this.written, ...this.toJournal].filter(({ saver }) => saver !== null);
    let synced: Pending[];
    try {
      await journal.ensureOpen();
      this.put(this.toJournal.splice(0, BATCH_CHANGES));
      const count = this.written.length;
      await journal.sync();
      synced = this.written.splice(0, count);
    } catch (error) {
      if (journal.isInTrouble) await this.takeBack();
      this.refuse(asked, error);
      throw error;
    }
    this.retryMs = FIRST_RETRY_MS;
    await this.settle(synced);
  }

  /** What the callback brought goes into the file, though a sync may be under way: a killed process loses none of it. */
  private readonly writeSoon = (): void => {
    this.isWriteQueued = false;
    const { journal } = this.ports;
    if (!journal.isReady || this.cancelRetry || this.toJournal.length > BATCH_CHANGES) return;
    try {
      this.put(this.toJournal.splice(0));
    } catch {
      // The flush that follows meets the same trouble, and says so.
    }
  };

  /** Into the file, in order; what does not get there stays where it was. @throws the storage's error. */
  private put(batch: Pending[]): void {
    if (batch.length === 0) return;
    try {
      this.ports.journal.writeNow(batch.map(({ text }) => text));
    } catch (error) {
      this.toJournal.unshift(...batch);
      throw error;
    }
    this.written.push(...batch);
  }

  /** After a failure: everything that is not synced is to be written anew, in its order. */
  private takeBack(): Promise<void> {
    this.toJournal.unshift(...this.written.splice(0));
    return this.ports.journal.takeBack();
  }

  /** Arms no timer any more, nor takes changes; `reason` is what they are refused with. */
  stop(reason: LedgerError): void {
    this.isStopped = true;
    this.stopReason ??= reason;
    this.cancelTick?.();
    this.cancelSlice?.();
    this.cancelRetry?.();
    this.cancelTick = this.cancelSlice = this.cancelRetry = null;
  }

  /** Says to everyone who waits that their change is not saved. */
  refuseAll(error: unknown): void {
    this.refuse(
      this.toJournal.filter(({ saver }) => saver !== null),
      error,
    );
  }

  private encode(change: LedgerChange): string | null {
    if (this.isStopped) {
      this.ports.log.log('warn', 'ledger', 'a change came after the end', { type: change.type });
      return null;
    }
    try {
      return JSON.stringify(change);
    } catch {
      this.ports.log.log('error', 'ledger', 'a change is not JSON', { type: change.type });
      return null;
    }
  }

  private tick(): void {
    this.cancelTick = null;
    // While the disk refuses, the retry's own timer writes.
    if (!this.cancelRetry) this.flush().catch(() => undefined);
    if (!this.cancelSlice) this.applySlice();
  }

  private applySlice(): void {
    this.cancelSlice = null;
    this.toApply = this.toApply.filter(({ isApplied }) => !isApplied);
    if (this.toApply.length === 0 || this.isStopped) return;
    this.toApply.splice(0, this.applyFirst(this.toApply.slice(0, BATCH_CHANGES)));
    if (this.toApply.length > 0) this.cancelSlice = this.ports.clock.after(NEXT_SLICE_MS, () => this.applySlice());
  }

  /**
   * After a write: applies what was saved, after what came before it. A query may have applied later changes already:
   * those are applied once more, so that the last one wins here as it will when the journal is read.
   */
  private async settle(batch: readonly Pending[]): Promise<void> {
    if (batch.every(({ saver }) => saver === null)) return;
    const { applier } = this.ports;
    let isAfterSave = false;
    let between: Pending[] = [];
    for (const one of batch) {
      if (!one.saver) {
        if (!one.isApplied || (isAfterSave && one.change.type !== 'request')) between.push(one);
        continue;
      }
      await this.applyInSlices(between);
      between = [];
      isAfterSave = true;
      if (applier.all([one.change])) one.saver.resolve();
      else one.saver.reject(new LedgerError('not-saved', 'This change does not fit the database.'));
    }
    await this.applyInSlices(between);
    const again = [...this.written, ...this.toJournal].filter(
      ({ isApplied, change }) => isApplied && change.type !== 'request',
    );
    applier.all(again.map(({ change }) => change));
  }

  private async applyInSlices(pending: readonly Pending[]): Promise<void> {
    for (let at = 0; at < pending.length; ) {
      if (at > 0) await nextTurn();
      at += this.applyFirst(pending.slice(at));
    }
  }

  /** Applies the first of them; returns how many. */
  private applyFirst(pending: readonly Pending[]): number {
    const count = this.ports.applier.slice(pending.map(({ change }) => change));
    for (const one of pending.slice(0, count)) one.isApplied = true;
    return count;
  }

  private refuse(asked: readonly Pending[], error: unknown): void {
    const { health, log, clock } = this.ports;
    log.log('warn', 'ledger', 'the disk refused a write', { error: errorCode(error) });
    const gone = new Set(asked);
    this.toJournal = this.toJournal.filter((one) => !gone.has(one));
    for (const { saver } of asked) {
      saver?.reject(
        new LedgerError('not-saved', `FreeLLM could not save this. ${diskAdvice(error)}`, { cause: error }),
      );
    }
    if (this.toJournal.length === 0 || this.isStopped) return;
    health.failed('journal', error);
    this.shorten();
    this.cancelRetry?.();
    this.cancelRetry = clock.after(this.retryMs, () => {
      this.cancelRetry = null;
      this.flush().catch(() => undefined);
    });
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private shorten(): void {
    const { kept, lost } = shortenBacklog(this.toJournal);
    if (lost > 0) this.ports.log.log('warn', 'ledger', 'the oldest request rows are not saved', { rows: lost });
    this.toJournal = kept;
  }
}
