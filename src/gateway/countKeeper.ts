import type { EventBus } from './eventBus.js';
import type { ActiveRequests } from './http/activeRequests.js';
import type { Bookkeeping } from './ledger/bookkeeping.js';
import type { Clock } from './ports.js';
import type { Router } from './routing/router.js';

/** How long counts of quota may wait for the ledger. */
const QUOTA_MS = 50;
/** How often at most measurements go to the ledger. */
const MEASUREMENTS_MS = 60_000;

export interface CountSources extends Pick<Router, 'quota' | 'measurements'> {
  books: Bookkeeping;
  events: EventBus;
  active: ActiveRequests;
  clock: Clock;
}

/** Brings what was counted to the ledger and to those who listen, in batches, well within the 250 ms that a kill may cost. */
export class CountKeeper {
  private isArmed = false;
  private measuredAt = 0;

  constructor(private readonly sources: CountSources) {}

  /** Something was counted. */
  keepSoon(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    this.sources.clock.after(QUOTA_MS, () => this.keep());
  }

  /** The gateway closes. */
  keepAll(): void {
    this.keepQuota();
    this.keepMeasurements(0);
  }

  private keep(): void {
    this.isArmed = false;
    this.keepQuota();
    this.keepMeasurements(MEASUREMENTS_MS);
    // While answers run, what they hold may come into a new day.
    if (this.sources.active.inFlight > 0) this.keepSoon();
  }

  private keepQuota(): void {
    const { quota, books, events } = this.sources;
    const { rows, limits, uses } = quota.changed();
    for (const change of limits) books.append(change);
    if (rows.length === 0) return;
    books.append({ type: 'quota', windows: rows });
    if (events.isHeard) events.emitTransient({ type: 'quota.changed', windows: uses() });
  }

  /** How models did goes to the ledger now and then: a kill may cost a minute of it. */
  private keepMeasurements(minAgeMs: number): void {
    const now = this.sources.clock.now();
    if (now - this.measuredAt < minAgeMs) return;
    this.measuredAt = now;
    const rows = this.sources.measurements.takeChanged();
    if (rows.length > 0) this.sources.books.append({ type: 'measurements', rows });
  }
}
