import type { AnalyticsPoint } from '../../../src/protocol/analytics.js';

export interface DayBar {
  from: number;
  requests: number;
  failed: number;
  /** Of 48. */
  height: number;
  /** Its lower part. */
  failedHeight: number;
}

const HEIGHT = 48;
/** What happened at all can be seen. */
const LEAST = 2;

/** A bar an hour, the fullest of them the whole height; its share that failed below. */
export function barsOf(series: readonly AnalyticsPoint[]): DayBar[] {
  const most = Math.max(1, ...series.map(({ requests }) => requests));
  return series.map(({ from, requests, errors }) => {
    const height = requests === 0 ? 0 : Math.max(LEAST, (requests / most) * HEIGHT);
    const failedHeight = errors === 0 ? 0 : Math.max(LEAST, (errors / requests) * height);
    return { from, requests, failed: errors, height, failedHeight: Math.min(failedHeight, height) };
  });
}
