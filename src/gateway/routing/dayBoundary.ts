const DAY_MS = 24 * 60 * 60 * 1000;
const PACIFIC = 'America/Los_Angeles';

/**
 * ms until the provider's quota day ends, in (0, 25 h] before capping, at most 24 h here.
 * `pacific`: midnight in Los Angeles, summer time included (Google); `utc`: midnight UTC; `rolling`: 24 h after use.
 */
export function msToDayBoundary(boundary: 'utc' | 'pacific' | 'rolling', nowMs: number): number {
  if (boundary === 'rolling') return DAY_MS;
  if (boundary === 'utc') return DAY_MS - (nowMs % DAY_MS);
  const local = nowMs + pacificOffsetMs(nowMs);
  const nextMidnight = (Math.floor(local / DAY_MS) + 1) * DAY_MS;
  // The clock changes at 2 o'clock: the offset at the coming midnight is what counts.
  const guess = nextMidnight - pacificOffsetMs(nowMs);
  const at = nextMidnight - pacificOffsetMs(guess);
  return Math.min(at - nowMs, DAY_MS);
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
