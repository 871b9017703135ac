import { type QuotaDay, quotaDay } from '../routing/dayBoundary.js';

export type CalendarKind = 'utc' | 'pacific' | 'month';

/** The days, or UTC months, of a provider's calendar. Remembers the last ones: a Pacific one costs a millisecond. */
export class Calendar {
  private known: QuotaDay[] = [];

  constructor(private readonly kind: CalendarKind) {}

  /** The period that the moment lies in. */
  periodAt(wall: number): QuotaDay {
    const known = this.known.find(({ startsAt, endsAt }) => wall >= startsAt && wall < endsAt);
    if (known) return known;
    const period = this.kind === 'month' ? month(wall) : quotaDay(this.kind, wall);
    this.known = [period, ...this.known.slice(0, 2)];
    return period;
  }
}

function month(wall: number): QuotaDay {
  const date = new Date(wall);
  const first = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
  return { startsAt: first(0), endsAt: first(1) };
}
