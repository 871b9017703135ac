import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock, Log } from '../ports.js';
import type { ChangeApplier } from './changeApplier.js';
import type { LedgerChange } from './changes.js';
import { type DiskHealth, diskAdvice } from './diskHealth.js';
import type { JournalWriter } from './journalWriter.js';
import { LedgerError } from './ledger.js';
import { errorCode } from './storage.js';

/** A change is written this long after it came; with the sync it is on the disk within 250 ms. */
const FLUSH_MS = 100;
const NEXT_SLICE_MS = 1;
/** One write: more is written in several, so that encoding holds the thread for few milliseconds. */
const BATCH_CHANGES = 500;
/** Request rows that wait in memory while the disk refuses; older ones are only in the database, until it is saved. */
const MOST_REQUESTS = 20_000;
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
 * Takes changes, writes them to the journal in batches and applies them to the database in slices. A saved change is
 * applied when it is on the disk, since a refused one must never have been; others as soon as there is time.
 */
export class ChangeQueue {
  private toJournal: Pending[] = [];
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

  /** Whether there is a change that is not in the journal yet. */
  get isWriting(): boolean {
    return this.toJournal.length > 0;
  }

  append(change: LedgerChange): void {
    const text = this.encode(change);
    if (text === null) return;
    const pending: Pending = { change, text, isApplied: false, saver: null };
    this.toJournal.push(pending);
    this.toApply.push(pending);
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

  /** Writes what is pending. @throws the storage's error. */
  flush(): Promise<void> {
    return this.exclusive(() => this.writePending());
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

  /** Only within `exclusive`. @throws the storage's error. */
  async writePending(): Promise<void> {
    const { journal, health } = this.ports;
    while (this.toJournal.length > 0) {
      const asked = this.toJournal.filter(({ saver }) => saver !== null);
      const batch = this.toJournal.splice(0, BATCH_CHANGES);
      try {
        await journal.write(batch.map(({ text }) => text));
      } catch (error) {
        this.toJournal = [...batch, ...this.toJournal];
        this.refuse(asked, error);
        throw error;
      }
      this.retryMs = FIRST_RETRY_MS;
      await this.settle(batch);
    }
    health.worked('journal');
    this.cancelRetry?.();
    this.cancelRetry = null;
    this.onWritten();
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
    const again = this.toJournal.filter(({ isApplied, change }) => isApplied && change.type !== 'request');
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
    this.dropOldest();
    this.cancelRetry?.();
    this.cancelRetry = clock.after(this.retryMs, () => {
      this.cancelRetry = null;
      this.flush().catch(() => undefined);
    });
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private dropOldest(): void {
    const requests = this.toJournal.reduce((count, { change }) => count + (change.type === 'request' ? 1 : 0), 0);
    let over = requests - MOST_REQUESTS;
    if (over <= 0) return;
    this.ports.log.log('warn', 'ledger', 'the oldest request rows are not saved', { rows: over });
    this.toJournal = this.toJournal.filter(({ change }) => change.type !== 'request' || over-- <= 0);
  }
}
