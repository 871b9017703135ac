import type { QuotaKind, QuotaWindowRow } from '../ledger/changes.js';
import type { QuotaDay } from '../routing/dayBoundary.js';
import type { Calendar } from './calendar.js';
import type { QuotaTime } from './timeline.js';
import { type ArrivalTime, type QuotaWindow, TRANSIT_MS, type WindowScope } from './windows.js';

/** The provider's clock and ours may differ by so much. */
export const CLOCK_SKEW_MS = 1000;
/** The row of what others spent begins so many ms after the period: a row of its own, which adds up with the other one. */
const FOREIGN_START = 1;

/**
 * A day or a month of the provider's calendar.
 *
 * Why no strict provider ever sees more. Its midnight may come up to `CLOCK_SKEW_MS` before or after ours. So our day
 * ends that much later than the calendar's, and what may arrive in the last moments before that (from the skew before
 * midnight on, or still on its way) counts in both days.
 *
 * Set back over midnight, the clock was wrong before or is wrong now: what was counted in the later day counts in both.
 * Set forward over one, it is believed: nothing tells that from a machine that slept.
 */
export class FixedWindow implements QuotaWindow {
  readonly id: string;
  readonly provider: string;
  readonly model: string | null;
  readonly keyId: string | null;
  /** None yet: the first look makes it. */
  private period: QuotaDay = { startsAt: 0, endsAt: 0 };
  /** Rows of an earlier life that nobody has looked at yet: finding out what day it is costs time at the start. */
  private pending: QuotaWindowRow[] = [];
  private settled = 0;
  /** Of `settled`, what the provider said that others spent. */
  private foreign = 0;
  private isForeignDirty = false;
  /** Of `settled`, what may belong to the next period. */
  private carried = 0;
  /** What was settled in the period before, in case the clock goes back. */
  private before = 0;
  private open = 0;
  private closedAt = 0;
  private closedUntil = 0;
  private isCarriedDirty = false;
  /** The clock was set back over midnight: whatever arrives may belong to either day. */
  private isUnsure = false;

  constructor(
    scope: WindowScope,
    readonly kind: QuotaKind,
    private readonly calendar: Calendar,
    private readonly onChange: (window: QuotaWindow) => void,
  ) {
    this.id = scope.id;
    this.provider = scope.provider;
    this.model = scope.model;
    this.keyId = scope.keyId;
  }

  refresh(now: QuotaTime): void {
    if (now.wall >= this.period.endsAt + CLOCK_SKEW_MS) this.roll(now);
    else if (now.wall < this.period.startsAt - CLOCK_SKEW_MS) this.goBack(now);
    if (this.pending.length > 0) for (const row of this.pending.splice(0)) this.takeUp(row, now);
    if (now.setBack > 0 && now.wall + now.setBack >= this.period.endsAt - CLOCK_SKEW_MS) this.isUnsure = true;
    // Should we be killed now, what is on its way arrives all the same, perhaps tomorrow.
    if (this.open > 0 && !this.isCarriedDirty && this.isEnding(now.wall + now.setBack + TRANSIT_MS)) {
      this.isCarriedDirty = true;
      this.onChange(this);
    }
  }

  used(now: QuotaTime): number {
    this.refresh(now);
    return this.settled + this.open;
  }

  hasRoom(amount: number, limit: number, now: QuotaTime): boolean {
    this.refresh(now);
    if (now.wall < this.closedUntil) return false;
    return Math.max(this.settled, this.isEnding(now.wall) ? this.carried : 0) + this.open + amount <= limit;
  }

  opensAt(amount: number, limit: number, now: QuotaTime): number {
    if (this.hasRoom(amount, limit, now)) return now.wall;
    const isFull = this.settled + this.open + amount > limit;
    return Math.max(this.closedUntil, isFull ? this.period.endsAt + CLOCK_SKEW_MS : now.wall);
  }

  take(amount: number): void {
    this.open += amount;
    this.onChange(this);
  }

  giveBack(amount: number): void {
    this.open -= amount;
    this.onChange(this);
  }

  arrive(taken: number, real: number, at: ArrivalTime, now: QuotaTime): void {
    this.refresh(now);
    this.giveBack(taken);
    this.settled += real;
    if (this.isEnding(at.wall + now.setBack)) this.carry(real);
  }

  /** Earlier or later in the day is the same; around midnight it has been counted in both, and stays. */
  correct(): void {}

  undo(amount: number, at: ArrivalTime, now: QuotaTime): void {
    this.refresh(now);
    if (at.wall < this.period.startsAt - CLOCK_SKEW_MS) return;
    this.settled = Math.max(0, this.settled - amount);
    this.foreign = Math.min(this.foreign, this.settled);
    if (this.isEnding(at.wall)) this.carry(-Math.min(amount, this.carried));
    this.onChange(this);
  }

  addForeign(amount: number, forMs: number | null, now: QuotaTime): void {
    this.refresh(now);
    // Given back before the period ends: the provider does not count by the calendar (Groq's days are buckets that refill).
    if (forMs !== null && now.wall + forMs < this.period.endsAt - CLOCK_SKEW_MS) return;
    this.settled += amount;
    this.foreign += amount;
    this.isForeignDirty = true;
    this.onChange(this);
  }

  closeFor(ms: number | null, now: QuotaTime): void {
    this.refresh(now);
    const until = ms === null ? this.period.endsAt + CLOCK_SKEW_MS : now.wall + ms;
    if (until <= this.closedUntil) return;
    this.closedAt = now.wall;
    this.closedUntil = until;
  }

  reopen(now: QuotaTime): void {
    this.closedUntil = 0;
    this.refresh(now);
    if (this.foreign === 0) return;
    this.settled = Math.max(0, this.settled - this.foreign);
    this.foreign = 0;
    this.isForeignDirty = true;
    this.onChange(this);
  }

  isStated(now: QuotaTime): boolean {
    this.refresh(now);
    return this.foreign > 0 || now.wall < this.closedUntil;
  }

  resetsAt(now: QuotaTime): number {
    this.refresh(now);
    return Math.max(this.period.endsAt, now.wall);
  }

  lastsUntil(limit: number, now: QuotaTime): number | null {
    const used = this.used(now);
    if (used >= limit) return now.wall;
    if (used === 0) return null;
    const pace = used / Math.max(now.wall - this.period.startsAt, 1000);
    const until = Math.round(now.wall + (limit - used) / pace);
    return until < this.period.endsAt ? until : null;
  }

  changedRows(now: QuotaTime): QuotaWindowRow[] {
    this.refresh(now);
    const rows = this.rows(this.isCarriedDirty, this.isForeignDirty);
    this.isCarriedDirty = false;
    this.isForeignDirty = false;
    return rows;
  }

  allRows(now: QuotaTime): QuotaWindowRow[] {
    this.refresh(now);
    return this.rows(this.carried > 0, this.foreign > 0);
  }

  restore(row: QuotaWindowRow): void {
    this.pending.push(row);
  }

  isIdle(now: QuotaTime): boolean {
    return this.used(now) === 0 && this.carried === 0 && this.before === 0 && now.wall >= this.closedUntil;
  }

  /** Whether a request of that moment may be counted in the next period. */
  private isEnding(wall: number): boolean {
    return this.isUnsure || wall >= this.period.endsAt - CLOCK_SKEW_MS;
  }

  private takeUp(row: QuotaWindowRow, now: QuotaTime): void {
    if (row.endsAt - CLOCK_SKEW_MS <= this.period.startsAt || row.used <= 0) return;
    const isNext = row.startsAt >= this.period.endsAt;
    if (isNext) this.carry(row.used);
    // A row of tomorrow is the other half of one of today when that is about to end; else the clock went back.
    if (!isNext || !this.isEnding(now.wall + TRANSIT_MS)) this.settled += row.used;
    if (row.startsAt === this.period.startsAt + FOREIGN_START) this.foreign += row.used;
    this.onChange(this);
  }

  private roll(now: QuotaTime): void {
    const next = this.calendar.periodAt(now.wall - CLOCK_SKEW_MS);
    const isNext = next.startsAt === this.period.endsAt;
    this.before = isNext ? this.settled : 0;
    this.settled = isNext ? this.carried : 0;
    this.carried = 0;
    this.foreign = 0;
    this.isCarriedDirty = false;
    this.isForeignDirty = false;
    this.isUnsure = false;
    this.period = next;
    if (this.open > 0) this.onChange(this);
  }

  private goBack(now: QuotaTime): void {
    this.period = this.calendar.periodAt(now.wall);
    // Never for longer than it was closed for: the clock may have been years ahead.
    this.closedUntil = Math.min(this.closedUntil, now.wall + this.closedUntil - this.closedAt);
    this.closedAt = now.wall;
    this.carried = this.settled;
    this.settled += this.before;
    // Whose it was is not remembered of an earlier day.
    this.foreign = 0;
    this.isForeignDirty = true;
    this.isUnsure = true;
    this.isCarriedDirty = true;
    this.onChange(this);
  }

  private carry(amount: number): void {
    this.carried += amount;
    this.isCarriedDirty = true;
  }

  private rows(withNext: boolean, withForeign: boolean): QuotaWindowRow[] {
    const rows = [this.row(this.period, this.settled - this.foreign + this.open)];
    if (withForeign) {
      const { startsAt, endsAt } = this.period;
      rows.push(this.row({ startsAt: startsAt + FOREIGN_START, endsAt }, this.foreign));
    }
    if (withNext) rows.push(this.row(this.calendar.periodAt(this.period.endsAt), this.carried + this.open));
    return rows;
  }

  private row({ startsAt, endsAt }: QuotaDay, used: number): QuotaWindowRow {
    const { id, kind, provider, model, keyId } = this;
    // As long as it counts here: the ledger gives back what has not ended.
    return { id, kind, provider, model, keyId, startsAt, endsAt: endsAt + CLOCK_SKEW_MS, used };
  }
}
