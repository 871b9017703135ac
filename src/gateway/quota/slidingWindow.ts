import type { QuotaKind, QuotaWindowRow } from '../ledger/changes.js';
import type { QuotaTime } from './timeline.js';
import { UseLog } from './useLog.js';
import { type ArrivalTime, type QuotaWindow, TRANSIT_MS, type WindowScope } from './windows.js';

export interface SlidingShape {
  lengthMs: number;
  /** Rows are kept by spans of this length; null: one row for all, which is right for windows of a minute. */
  bucketMs: number | null;
  base: 'steady' | 'elapsed';
}

/** Clocks run differently fast: NTP slews by 0.05 %, and both ends round to the millisecond. */
const CLOCK_RATE_SLACK = 0.001;
/** A row of what is still out: it ends long after any request does. Restoring cuts it to the window's length. */
const OPEN_ROW_MS = 60 * 60 * 1000;
/** What providers said of others is remembered apart so many times; beyond, it counts like our own. */
const MAX_FOREIGN = 256;
/** `startsAt` of a row that has no start of its own: what is open, or all of a minute. */
const NO_START = 0;

/**
 * At most `limit` in any stretch of `lengthMs`, as the provider sees it.
 *
 * Why no strict provider ever sees more. We do not know when a request reaches the provider, only that it is after we
 * sent it and before the answer's headers came. So a request counts from its lease on, for as long as it may still be
 * on its way, and then until the window's length after the last moment at which it can have arrived (`arrive`). Take
 * any limit + 1 requests, and of them the one leased last. There was room for it, so one of the others had been
 * dropped: that one arrived at least a window's length before the last was even sent. The limit + 1 are never within
 * one window. That holds wherever the provider's windows begin, so for windows that slide and for fixed minutes.
 *
 * Why no slot stays unused. A slot is given out again at the first moment at which the above can be known: whoever
 * knows earlier when a request arrived (its last byte was written, its headers came) says so, and the length is
 * lengthened only by a thousandth, for clocks that run differently fast.
 */
export class SlidingWindow implements QuotaWindow {
  readonly id: string;
  readonly provider: string;
  readonly model: string | null;
  readonly keyId: string | null;
  private readonly log = new UseLog();
  private readonly spanMs: number;
  private readonly base: 'steady' | 'elapsed';
  /** Turns the window's own time into a time of day for rows; fixed, so that a row keeps its name. */
  private readonly origin: number;
  private readonly dirtyBuckets = new Set<number>();
  private open = 0;
  private closedUntil = Number.NEGATIVE_INFINITY;
  private isOpenDirty = false;
  /** Of the log, what the provider said that others spent. */
  private foreign: { time: number; amount: number }[] = [];

  constructor(
    scope: WindowScope,
    readonly kind: QuotaKind,
    private readonly shape: SlidingShape,
    now: QuotaTime,
    private readonly onChange: (window: QuotaWindow) => void,
  ) {
    this.id = scope.id;
    this.provider = scope.provider;
    this.model = scope.model;
    this.keyId = scope.keyId;
    this.base = shape.base;
    this.spanMs = shape.lengthMs * (1 + CLOCK_RATE_SLACK);
    this.origin = now.wall - now[shape.base];
  }

  refresh(now: QuotaTime): void {
    this.log.expire(now[this.base] - this.spanMs);
  }

  used(now: QuotaTime): number {
    this.refresh(now);
    return this.log.total + this.open;
  }

  hasRoom(amount: number, limit: number, now: QuotaTime): boolean {
    this.refresh(now);
    return now[this.base] >= this.closedUntil && this.log.total + this.open + amount <= limit;
  }

  opensAt(amount: number, limit: number, now: QuotaTime): number {
    const at = now[this.base];
    const excess = this.used(now) + amount - limit;
    let opens = Math.max(at, this.closedUntil);
    if (excess > 0) {
      const freeing = this.log.timeFreeing(excess);
      opens = Math.max(opens, (freeing ?? at) + this.spanMs);
    }
    // Up: a wait that ends a fraction too soon would end in another one.
    return now.wall + Math.ceil(opens - at);
  }

  take(amount: number): void {
    this.open += amount;
    this.openChanged();
  }

  giveBack(amount: number): void {
    this.open -= amount;
    this.openChanged();
  }

  arrive(taken: number, real: number, at: ArrivalTime, _now: QuotaTime): void {
    this.giveBack(taken);
    this.spend(at[this.base], real);
  }

  correct(amount: number, from: ArrivalTime, to: ArrivalTime, _now: QuotaTime): void {
    if (!this.log.remove(from[this.base], amount)) return;
    this.markBucket(from[this.base]);
    this.spend(to[this.base], amount);
  }

  undo(amount: number, at: ArrivalTime, _now: QuotaTime): void {
    if (this.log.remove(at[this.base], amount)) this.markBucket(at[this.base]);
  }

  addForeign(amount: number, forMs: number | null, now: QuotaTime): void {
    // What the provider says of its own reset needs no slack.
    const lasts = Math.min(forMs ?? this.spanMs, this.spanMs);
    const time = now[this.base] - this.spanMs + lasts;
    this.forgetForeign(now);
    if (this.foreign.length < MAX_FOREIGN) this.foreign.push({ time, amount });
    this.spend(time, amount);
  }

  closeFor(ms: number | null, now: QuotaTime): void {
    this.closedUntil = Math.max(this.closedUntil, now[this.base] + (ms ?? this.spanMs));
  }

  reopen(now: QuotaTime): void {
    this.closedUntil = Number.NEGATIVE_INFINITY;
    this.refresh(now);
    for (const { time, amount } of this.foreign) if (this.log.remove(time, amount)) this.markBucket(time);
    this.foreign = [];
  }

  isStated(now: QuotaTime): boolean {
    this.forgetForeign(now);
    return this.foreign.length > 0 || now[this.base] < this.closedUntil;
  }

  resetsAt(now: QuotaTime): number {
    this.refresh(now);
    const oldest = this.log.timeFreeing(Number.MIN_VALUE);
    const opens = Math.max(
      oldest === null ? 0 : oldest + this.spanMs - now[this.base],
      this.closedUntil - now[this.base],
    );
    return now.wall + Math.max(0, Math.ceil(opens));
  }

  /** What falls out makes room as fast as it came: only a pace above the limit's own uses a sliding window up. */
  lastsUntil(limit: number, now: QuotaTime): number | null {
    const used = this.used(now);
    const oldest = this.log.timeFreeing(Number.MIN_VALUE);
    if (used >= limit) return now.wall;
    if (oldest === null) return null;
    const stretch = Math.max(now[this.base] - oldest, 1000);
    const pace = used / stretch;
    return pace * this.shape.lengthMs <= limit ? null : Math.round(now.wall + (limit - used) / pace);
  }

  changedRows(now: QuotaTime): QuotaWindowRow[] {
    const rows = this.rows(this.dirtyBuckets, this.isOpenDirty, now);
    this.isOpenDirty = false;
    this.dirtyBuckets.clear();
    return rows;
  }

  allRows(now: QuotaTime): QuotaWindowRow[] {
    this.refresh(now);
    const { bucketMs } = this.shape;
    const buckets = new Set<number>();
    if (bucketMs !== null) {
      this.log.forEach((time) => {
        buckets.add(this.bucketOf(time, bucketMs));
      });
    }
    return this.rows(buckets, true, now);
  }

  /** All of a row counts until the newest of it ends, so that a restart frees nothing early. */
  restore(row: QuotaWindowRow, now: QuotaTime): void {
    // What was open may still be on its way to the provider.
    const lasts = Math.min(row.endsAt - now.wall, this.spanMs + TRANSIT_MS);
    // The row of what was open is no longer true: it is written anew.
    if (row.startsAt === NO_START) this.isOpenDirty = true;
    if (lasts > 0 && row.used > 0) this.spend(now[this.base] - this.spanMs + lasts, row.used);
  }

  isIdle(now: QuotaTime): boolean {
    return this.used(now) === 0 && now[this.base] >= this.closedUntil;
  }

  private forgetForeign(now: QuotaTime): void {
    if (this.foreign.length === 0) return;
    this.foreign = this.foreign.filter(({ time }) => time > now[this.base] - this.spanMs);
  }

  private spend(time: number, amount: number): void {
    this.log.add(time, amount);
    this.markBucket(time);
  }

  private openChanged(): void {
    this.isOpenDirty = true;
    this.onChange(this);
  }

  private markBucket(time: number): void {
    if (this.shape.bucketMs !== null) this.dirtyBuckets.add(this.bucketOf(time, this.shape.bucketMs));
    this.onChange(this);
  }

  private bucketOf(time: number, bucketMs: number): number {
    return Math.floor((time + this.origin) / bucketMs);
  }

  private rows(buckets: ReadonlySet<number>, withOpen: boolean, now: QuotaTime): QuotaWindowRow[] {
    this.refresh(now);
    const { bucketMs } = this.shape;
    if (bucketMs === null) return [this.row(NO_START, this.newestEnd(now), this.log.total + this.open)];
    const rows = [...buckets].map((bucket) => this.bucketRow(bucket, bucketMs, now));
    if (withOpen) rows.push(this.row(NO_START, this.openEnd(now), this.open));
    return rows;
  }

  private row(startsAt: number, endsAt: number, used: number): QuotaWindowRow {
    const { id, kind, provider, model, keyId } = this;
    return { id, kind, provider, model, keyId, startsAt, endsAt, used };
  }

  private bucketRow(bucket: number, bucketMs: number, now: QuotaTime): QuotaWindowRow {
    let used = 0;
    let newest = bucket * bucketMs - this.origin;
    this.log.forEach((time, amount) => {
      if (this.bucketOf(time, bucketMs) !== bucket) return;
      used += amount;
      newest = time;
    });
    return this.row(bucket * bucketMs, this.wallEnd(newest, now), used);
  }

  private newestEnd(now: QuotaTime): number {
    const { newest } = this.log;
    return Math.max(this.openEnd(now), newest === null ? now.wall : this.wallEnd(newest, now));
  }

  private openEnd(now: QuotaTime): number {
    return this.open > 0 ? Math.ceil(now.wall + this.spanMs + OPEN_ROW_MS) : now.wall;
  }

  private wallEnd(time: number, now: QuotaTime): number {
    return Math.ceil(now.wall + time + this.spanMs - now[this.base]);
  }
}
