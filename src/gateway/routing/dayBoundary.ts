const DAY_MS = 24 * 60 * 60 * 1000;
const PACIFIC = 'America/Los_Angeles';

/**
 * ms until the provider's quota day ends, in (0, 25 h] before capping, at most 24 h here.
 * `pacific`: midnight in Los Angeles, summer time included (Google); `utc`: midnight UTC; `rolling`: 24 h after use.
 */
export function msToDayBoundary(boundary: 'utc' | 'pacific' | 'rolling', nowMs: number): number {
  return Math.min(quotaDay(boundary, nowMs).endsAt - nowMs, DAY_MS);
}

export interface QuotaDay {
  /** ms since the epoch; the day is [startsAt, endsAt). */
  startsAt: number;
  endsAt: number;
}

/** The provider's day that this moment lies in: 23, 24 or 25 hours. A rolling one begins at this moment. */
export function quotaDay(boundary: 'utc' | 'pacific' | 'rolling', nowMs: number): QuotaDay {
  if (boundary === 'rolling') return { startsAt: nowMs, endsAt: nowMs + DAY_MS };
  if (boundary === 'utc') {
    const startsAt = nowMs - (nowMs % DAY_MS);
    return { startsAt, endsAt: startsAt + DAY_MS };
  }
  const midnight = Math.floor((nowMs + pacificOffsetMs(nowMs)) / DAY_MS) * DAY_MS;
  return { startsAt: fromPacific(midnight), endsAt: fromPacific(midnight + DAY_MS) };
}

/** The moment at which a clock in Los Angeles shows this. Its clock changes at 2 o'clock, so a midnight is unambiguous. */
function fromPacific(localMs: number): number {
  const guess = localMs - pacificOffsetMs(localMs);
  return localMs - pacificOffsetMs(guess);
}

/** What Los Angeles' clock is ahead of UTC (negative), in ms. */
function pacificOffsetMs(atMs: number): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: PACIFIC,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const parts: Record<string, number> = {};
  for (const part of format.formatToParts(atMs)) parts[part.type] = Number(part.value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}
