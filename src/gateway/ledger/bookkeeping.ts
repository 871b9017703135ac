import type { AnalyticsQuery } from '../../protocol/analytics.js';
import { HttpError } from '../http/errors.js';
import type { Clock } from '../ports.js';
import { DaySums, type LedgerAnalytics, readAnalyticsInTurns } from './analytics.js';
import type { LedgerChange } from './changes.js';
import { LedgerError, type LedgerNotice } from './ledger.js';
import type { OpenLedger } from './openLedger.js';
import type { Reopening } from './reopening.js';
import type { Retention } from './retention.js';
import type { SqlDatabase } from './sqlite.js';

/** How often it is looked for what is too old, and the pause between two steps of removing it. */
const KEEPING_MS = 10 * 60 * 1000;
/** Not at once, where the first requests wait; but a window is often open for less than the time above. */
const FIRST_KEEPING_MS = 60_000;
const STEP_PAUSE_MS = 20;

/**
 * The gateway's side of the ledger. Without one (no data folder, or one that cannot be used) everything works from
 * memory; only what reads the database says that there is none.
 */
export class Bookkeeping {
  private ledger: OpenLedger | null = null;
  private reopening: Pick<Reopening, 'stop'> | null = null;
  private cancelKeeping: () => void = () => {};
  private readonly daySums = new DaySums();
  private trouble: string | null;

  constructor(private readonly hasFolder: boolean) {
    this.trouble = hasFolder ? null : 'There is no data folder: nothing is kept over a restart';
  }

  get state(): { isSaving: boolean; message: string | null } {
    return { isSaving: this.trouble === null, message: this.trouble };
  }

  /** From now on everything goes to this ledger, and what is too old is removed from it, a little at a time. */
  attach(ledger: OpenLedger, retention: Retention, clock: Clock): void {
    this.ledger = ledger;
    this.cancelKeeping();
    const keep = () => {
      const isMore = this.ledger?.maintain((database) => retention.step(database));
      this.cancelKeeping = clock.after(isMore ? STEP_PAUSE_MS : KEEPING_MS, keep);
    };
    this.cancelKeeping = clock.after(FIRST_KEEPING_MS, keep);
  }

  /** To be stopped with everything else. */
  triesWith(reopening: Pick<Reopening, 'stop'>): void {
    this.reopening = reopening;
  }

  /** What the ledger, or opening it, had to say. */
  accept(notice: LedgerNotice): void {
    const { kind } = notice;
    if (kind === 'not-saving' || kind === 'unusable' || kind === 'stopped') this.trouble = notice.message;
    if (notice.kind === 'saving-again') this.trouble = null;
  }

  /** On disk within 250 ms. */
  append(change: LedgerChange): void {
    this.ledger?.append(change);
  }

  /** On disk when it resolves; where there is no folder to keep it in, nobody expects that. @throws LedgerError `not-saved`. */
  async save(change: LedgerChange): Promise<void> {
    if (this.ledger) return await this.ledger.save(change);
    if (this.hasFolder) throw new LedgerError('not-saved', `FreeLLM could not save this. ${this.trouble ?? ''}`.trim());
  }

  /** @throws HttpError 503 without a ledger. */
  query<T>(read: (database: SqlDatabase) => T): T {
    if (this.ledger) return this.ledger.query(read);
    const why = this.trouble ?? 'It is not open yet';
    throw new HttpError(503, 'api_error', 'ledger_unavailable', `The ledger cannot be read. ${why}`);
  }

  /** What happened in the window that ends now (ms since the epoch), read a little at a time. @throws HttpError 503. */
  async analytics(query: AnalyticsQuery, nowMs: number): Promise<LedgerAnalytics> {
    return await readAnalyticsInTurns(this, query, nowMs, this.daySums);
  }

  async close(): Promise<void> {
    await this.reopening?.stop();
    const { ledger } = this;
    this.cancelKeeping();
    this.ledger = null;
    await ledger?.close();
  }
}
