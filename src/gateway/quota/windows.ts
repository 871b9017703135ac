import type { QuotaKind, QuotaWindowRow } from '../ledger/changes.js';
import type { ProviderSpec } from '../providers/spec.js';
import { Calendar, type CalendarKind } from './calendar.js';
import { FixedWindow } from './fixedWindow.js';
import { SlidingWindow } from './slidingWindow.js';
import type { QuotaTime } from './timeline.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** After the last byte of a request left us, it reaches the provider within this. */
export const TRANSIT_MS = 2000;

export const QUOTA_KINDS: readonly QuotaKind[] = ['rpm', 'tpm', 'rph', 'rpd', 'tpd', 'rpmonth', 'tpmonth'];

/** Whether the kind counts tokens; the others count requests. */
export function countsTokens(kind: QuotaKind): boolean {
  return kind.startsWith('t');
}

/** What a window is of. */
export interface WindowScope {
  /** Names what shares the window. Stable over restarts. */
  readonly id: string;
  readonly provider: string;
  /** null where the models of a provider share it. */
  readonly model: string | null;
  /** null where the keys of a provider share it. */
  readonly keyId: string | null;
}

/** When a request reached its provider, at the latest, on each of our clocks. */
export type ArrivalTime = Pick<QuotaTime, 'wall' | 'steady' | 'elapsed'>;

/**
 * One counted window. It holds what was settled and what is out (`open`), which may be counted by the provider now or
 * at any moment until it is settled. Amounts are requests or tokens.
 */
export interface QuotaWindow extends WindowScope {
  readonly kind: QuotaKind;
  /** Brings the window to the moment: what has run out is dropped. The others call it themselves. */
  refresh(now: QuotaTime): void;
  /** Settled and open. */
  used(now: QuotaTime): number;
  hasRoom(amount: number, limit: number, now: QuotaTime): boolean;
  /**
   * When it will have room if nothing more is spent, in ms since the epoch; now when it has. What is open is taken to
   * arrive now: given back, it makes room sooner.
   */
  opensAt(amount: number, limit: number, now: QuotaTime): number;
  take(amount: number): void;
  giveBack(amount: number): void;
  /** Of what is open, `taken` has reached the provider, at `at` at the latest, and counts there as `real`. */
  arrive(taken: number, real: number, at: ArrivalTime, now: QuotaTime): void;
  /** It has turned out that what arrived at `from` did so at `to`, earlier. */
  correct(amount: number, from: ArrivalTime, to: ArrivalTime, now: QuotaTime): void;
  /** The provider does not count what arrived at `at`. */
  undo(amount: number, at: ArrivalTime, now: QuotaTime): void;
  /** Somebody else spent it on the same quota. `forMs`: until the provider gives it back, where that is known. */
  addForeign(amount: number, forMs: number | null, now: QuotaTime): void;
  /** No room for so long, whatever the count says; null: until the window's own end. */
  closeFor(ms: number | null, now: QuotaTime): void;
  /** Undoes `closeFor` and `addForeign`: what the provider said is dropped, what we counted stays. */
  reopen(now: QuotaTime): void;
  /** Something of what it holds, or its being closed, is the provider's word. */
  isStated(now: QuotaTime): boolean;
  /** When use first falls out of a sliding window, or a fixed one ends. Never in the past. */
  resetsAt(now: QuotaTime): number;
  /** When at the pace of the window so far `limit` will be used up, in ms since the epoch; null when it will not. */
  lastsUntil(limit: number, now: QuotaTime): number | null;
  /** The rows that changed since the last call, as the ledger keeps them. */
  changedRows(now: QuotaTime): QuotaWindowRow[];
  /** All its rows, changed or not; says nothing to the ledger. */
  allRows(now: QuotaTime): QuotaWindowRow[];
  restore(row: QuotaWindowRow, now: QuotaTime): void;
  /** Nothing is counted, open or closed: the window may be forgotten. */
  isIdle(now: QuotaTime): boolean;
}

/** Makes the windows of one engine. `onChange`: rows have something new to say. */
export class WindowMaker {
  private readonly calendars = new Map<CalendarKind, Calendar>();

  constructor(private readonly onChange: (window: QuotaWindow) => void) {}

  /** The window of this kind, as its provider's day goes. */
  make(scope: WindowScope, kind: QuotaKind, boundary: ProviderSpec['dayBoundary'], now: QuotaTime): QuotaWindow {
    const sliding = (lengthMs: number, bucketMs: number | null, base: 'steady' | 'elapsed') =>
      new SlidingWindow(scope, kind, { lengthMs, bucketMs, base }, now, this.onChange);
    switch (kind) {
      case 'rpm':
      case 'tpm':
        return sliding(MINUTE_MS, null, 'steady');
      case 'rph':
        return sliding(HOUR_MS, HOUR_MS / 12, 'steady');
      case 'rpd':
      case 'tpd':
        if (boundary === 'rolling') return sliding(DAY_MS, HOUR_MS, 'elapsed');
        return new FixedWindow(scope, kind, this.calendar(boundary), this.onChange);
      case 'rpmonth':
      case 'tpmonth':
        return new FixedWindow(scope, kind, this.calendar('month'), this.onChange);
    }
  }

  private calendar(kind: CalendarKind): Calendar {
    const calendar = this.calendars.get(kind) ?? new Calendar(kind);
    this.calendars.set(kind, calendar);
    return calendar;
  }
}
