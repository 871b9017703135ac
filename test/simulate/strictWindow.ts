/** What a strict provider counts in one window. Written apart from src/gateway/quota, by the provider's side of it. */
export interface StrictWindow {
  readonly kind: string;
  readonly limit: number;
  readonly countsTokens: boolean;
  used(now: number): number;
  add(now: number, amount: number): void;
  /** ms until `amount` fits if nothing more comes. */
  waitFor(now: number, amount: number): number;
  /** What was counted from `from` on. */
  countSince(from: number): number;
  /** How long it is, in ms; null for a day or month of a calendar. */
  readonly lengthMs: number | null;
}

interface WindowFacts {
  kind: string;
  limit: number;
  countsTokens: boolean;
}

/** Counts what came in the last `lengthMs`, to the millisecond. */
export class SlidingStrictWindow implements StrictWindow {
  readonly kind: string;
  readonly limit: number;
  readonly countsTokens: boolean;
  private readonly times: number[] = [];
  private readonly amounts: number[] = [];
  private first = 0;
  private sum = 0;

  constructor(
    facts: WindowFacts,
    readonly lengthMs: number,
  ) {
    this.kind = facts.kind;
    this.limit = facts.limit;
    this.countsTokens = facts.countsTokens;
  }

  used(now: number): number {
    while (this.first < this.times.length && this.times[this.first]! <= now - this.lengthMs) {
      this.sum -= this.amounts[this.first++]!;
    }
    return this.sum;
  }

  add(now: number, amount: number): void {
    this.times.push(now);
    this.amounts.push(amount);
    this.sum += amount;
  }

  waitFor(now: number, amount: number): number {
    let excess = this.used(now) + amount - this.limit;
    let at = this.first;
    while (excess > 0 && at < this.times.length) excess -= this.amounts[at++]!;
    return at === this.first ? 0 : this.times[at - 1]! + this.lengthMs - now;
  }

  countSince(from: number): number {
    let count = 0;
    for (let at = this.times.length - 1; at >= 0 && this.times[at]! > from; at--) count += this.amounts[at]!;
    return count;
  }
}

/** Counts a day, or a month, of the provider's own calendar. */
export class CalendarStrictWindow implements StrictWindow {
  readonly kind: string;
  readonly limit: number;
  readonly countsTokens: boolean;
  readonly lengthMs = null;
  private period = '';
  private count = 0;

  /** @param nameOf the day or month that a moment lies in, by the provider's own clock */
  constructor(
    facts: WindowFacts,
    private readonly nameOf: (now: number) => string,
  ) {
    this.kind = facts.kind;
    this.limit = facts.limit;
    this.countsTokens = facts.countsTokens;
  }

  used(now: number): number {
    const period = this.nameOf(now);
    if (period !== this.period) {
      this.period = period;
      this.count = 0;
    }
    return this.count;
  }

  add(now: number, amount: number): void {
    this.used(now);
    this.count += amount;
  }

  waitFor(now: number, amount: number): number {
    if (this.used(now) + amount <= this.limit) return 0;
    let hours = 1;
    while (hours < 24 * 32 && this.nameOf(now + hours * 3_600_000) === this.period) hours++;
    let from = now + (hours - 1) * 3_600_000;
    let to = now + hours * 3_600_000;
    while (to - from > 1) {
      const middle = Math.floor((from + to) / 2);
      if (this.nameOf(middle) === this.period) from = middle;
      else to = middle;
    }
    return to - now;
  }

  countSince(): number {
    return this.count;
  }
}

/** Days of a time zone by their names, remembered by the hour: the formatter is slow. */
export function daysOf(timeZone: string, skewMs: number): (now: number) => string {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const known = new Map<number, string>();
  return (now) => {
    const hour = Math.floor((now + skewMs) / 3_600_000);
    let day = known.get(hour);
    if (day === undefined) {
      day = format.format(hour * 3_600_000);
      known.set(hour, day);
    }
    return day;
  };
}
