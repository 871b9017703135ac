import type { AnalyticsWindow } from '../../../src/protocol/analytics.js';
import { locale, t } from '../l10n.js';

const HOUR = 3_600_000;

interface Span {
  from: number;
  to: number;
}

/** The user's time zone. */
export function ownZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** How the points of a chart are named, in a time zone and a language. Days and hours are the wall clock's. */
export class TimeWords {
  private readonly clock: Intl.DateTimeFormat;
  private readonly day: Intl.DateTimeFormat;
  private readonly shortDay: Intl.DateTimeFormat;
  private readonly hour: Intl.DateTimeFormat;
  private readonly moment: Intl.DateTimeFormat;

  constructor(timeZone: string | undefined = undefined, language: string = locale) {
    const zone = timeZone === undefined ? {} : { timeZone };
    const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language, { ...zone, ...options });
    this.clock = format({ hour: '2-digit', minute: '2-digit' });
    this.day = format({ weekday: 'short', day: 'numeric', month: 'short' });
    this.shortDay = format({ day: 'numeric', month: 'short' });
    this.hour = format({ hour: 'numeric', hourCycle: 'h23' });
    this.moment = format({ day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  }

  /** A point by its whole name: `Sat, Nov 21, 14:00 – 15:00`, `Sat, Nov 21`. */
  pointName({ from, to }: Span, isHourly: boolean): string {
    if (!isHourly) return this.day.format(from);
    return t('{0}, {1} – {2}', this.day.format(from), this.clock.format(from), this.clock.format(to));
  }

  /** A row of the request log. */
  rowTime(at: number): string {
    return this.moment.format(at);
  }

  /** `16:40` today, `tomorrow 09:00`, else with the day. */
  whenNext(at: number, now: number): string {
    if (this.day.format(at) === this.day.format(now)) return this.clock.format(at);
    if (this.day.format(at) === this.day.format(now + 24 * HOUR)) return t('tomorrow {0}', this.clock.format(at));
    return t('{0}, {1}', this.day.format(at), this.clock.format(at));
  }

  /** Which points get a word under the axis, and which. */
  ticks(points: readonly Span[], window: AnalyticsWindow): { index: number; words: string }[] {
    if (window === '24h') {
      return this.pick(
        points,
        ({ from }) => this.hourOf(from) % 4 === 0,
        (at) => this.clock.format(at),
      );
    }
    if (window === '7d') {
      return this.pick(
        points,
        ({ from }) => this.hourOf(from) === 0,
        (at) => this.shortDay.format(at),
      );
    }
    const every = window === '30d' ? 5 : 15;
    // From the newest back, so that it has one.
    return points.flatMap(({ from }, index) =>
      (points.length - 1 - index) % every === 0 ? [{ index, words: this.shortDay.format(from) }] : [],
    );
  }

  private pick(points: readonly Span[], isOne: (point: Span) => boolean, words: (at: number) => string) {
    return points.flatMap((point, index) => (isOne(point) ? [{ index, words: words(point.from) }] : []));
  }

  private hourOf(at: number): number {
    return Number.parseInt(this.hour.format(at), 10);
  }
}
