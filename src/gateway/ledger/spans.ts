import type { AnalyticsWindow } from '../../protocol/analytics.js';
import { DAY_MS, HOUR_MS } from './rollups.js';

/** A span of time, its start in it and its end not. */
export interface Span {
  from: number;
  to: number;
}

const DAYS: Record<AnalyticsWindow, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 };
/** Whole days read in one step: with some fifty models a few milliseconds. */
const DAYS_A_STEP = 3;
/** The shortest day there is where clocks are put forward, with an hour to spare. */
const SHORTEST_DAY_MS = 22 * HOUR_MS;

/** The window that ends with the hour of `nowMs`. */
export function rangeOf(window: AnalyticsWindow, nowMs: number): Span {
  const to = Math.floor(nowMs / HOUR_MS) * HOUR_MS + HOUR_MS;
  return { from: to - DAYS[window] * DAY_MS, to };
}

/** The days (UTC) that lie in the range as a whole; null when there are none. */
export function wholeDays({ from, to }: Span): Span | null {
  const days = { from: Math.ceil(from / DAY_MS) * DAY_MS, to: Math.floor(to / DAY_MS) * DAY_MS };
  return days.from < days.to ? days : null;
}

export type Read = readonly ['hour' | 'day', number, number];

/** The reads that cover the range with as few rows as can be; by hours alone where days are not those of UTC. */
export function* readsOf({ from, to }: Span, isHourly = false): Generator<Read> {
  const firstDay = Math.ceil(from / DAY_MS) * DAY_MS;
  const lastDay = Math.floor(to / DAY_MS) * DAY_MS;
  if (isHourly) {
    yield ['hour', from, to];
    return;
  }
  if (from < firstDay) yield ['hour', from, Math.min(firstDay, to)];
  for (let day = firstDay; day < lastDay; day += DAYS_A_STEP * DAY_MS) {
    yield ['day', day, Math.min(day + DAYS_A_STEP * DAY_MS, lastDay)];
  }
  if (lastDay < to && lastDay >= firstDay) yield ['hour', lastDay, to];
}

/** The points of a series: they cover the range without gaps. */
export class Points {
  /** Of `Span`s that follow each other. */
  readonly spans: readonly Span[];
  /** Their borders lie between days of UTC: days' sums are of one point each. */
  readonly isByDay: boolean;

  constructor(range: Span, window: AnalyticsWindow, zone: string | undefined) {
    const isHourly = window === '24h' || window === '7d';
    this.isByDay = !isHourly && zone === undefined;
    const starts = isHourly ? hoursIn(range) : zone === undefined ? daysIn(range) : zoneDaysIn(range, zone);
    this.spans = starts.map((from, index) => ({ from, to: starts[index + 1] ?? range.to }));
  }

  /** Which point the time belongs to; it must be in the range. */
  indexOf(at: number): number {
    let low = 0;
    let high = this.spans.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.spans[middle]?.from ?? 0) <= at) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function hoursIn({ from, to }: Span): number[] {
  return Array.from({ length: (to - from) / HOUR_MS }, (_, index) => from + index * HOUR_MS);
}

function daysIn({ from, to }: Span): number[] {
  const starts = [from];
  for (let day = Math.floor(from / DAY_MS) * DAY_MS + DAY_MS; day < to; day += DAY_MS) starts.push(day);
  return starts;
}

/** An hour is of the day in which it begins: where clocks are half an hour off, so are these days. */
function zoneDaysIn({ from, to }: Span, timeZone: string): number[] {
  const format = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' });
  const starts = [from];
  let day = format.format(from);
  for (let hour = from + HOUR_MS; hour < to; hour += HOUR_MS) {
    const next = format.format(hour);
    if (next === day) continue;
    starts.push(hour);
    day = next;
    hour += SHORTEST_DAY_MS - HOUR_MS;
  }
  return starts;
}
