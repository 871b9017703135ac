import type { AnalyticsFigures, AnalyticsPoint, Percentiles } from '../../protocol/analytics.js';
import { Histogram } from './histogram.js';
import {
  addColumns,
  addCounts,
  HISTOGRAMS_AT,
  type Measured,
  measuredBuckets,
  noCounts,
  type RollupCounts,
  SPEED_SCALE,
} from './rollups.js';
import type { SqlValue } from './sqlite.js';

/** The sum of several roll-up rows, or of requests. */
export class Sums {
  private readonly counts = noCounts();
  private readonly latency = new Histogram();
  private readonly firstToken = new Histogram();
  private readonly speed = new Histogram();

  /** Takes a row with `ROLLUP_COLUMNS` from column `first` on. */
  add(columns: readonly SqlValue[], first: number): void {
    addColumns(this.counts, columns, first);
    let at = first + HISTOGRAMS_AT;
    for (const histogram of [this.latency, this.firstToken, this.speed]) {
      const blob = columns[at++];
      if (blob) histogram.merge(blob as Uint8Array);
    }
  }

  addAll(other: Sums): void {
    addCounts(this.counts, other.counts);
    this.latency.addAll(other.latency);
    this.firstToken.addAll(other.firstToken);
    this.speed.addAll(other.speed);
  }

  addSome(counts: Partial<RollupCounts>): void {
    addCounts(this.counts, { ...noCounts(), ...counts });
  }

  addMeasured(measured: Measured): void {
    const { latency, firstToken, speed } = measuredBuckets(measured);
    if (latency !== null) this.latency.add(latency);
    if (firstToken !== null) this.firstToken.add(firstToken);
    if (speed !== null) this.speed.add(speed);
  }

  figures(): AnalyticsFigures {
    const judged = this.counts.successes + this.counts.errors;
    return {
      ...this.counts,
      successRate: judged === 0 ? null : this.counts.successes / judged,
      latencyMs: percentilesOf(this.latency, 1),
      firstTokenMs: percentilesOf(this.firstToken, 1),
      tokensPerSecond: percentilesOf(this.speed, SPEED_SCALE),
    };
  }

  point(span: { from: number; to: number }): AnalyticsPoint {
    const { fallbacks, failedAttempts, ...counts } = this.counts;
    const [latencyP50Ms = null, latencyP95Ms = null] = this.latency.percentiles([50, 95]);
    const [firstTokenP50Ms = null, firstTokenP95Ms = null] = this.firstToken.percentiles([50, 95]);
    return { ...span, ...counts, latencyP50Ms, latencyP95Ms, firstTokenP50Ms, firstTokenP95Ms };
  }
}

function percentilesOf(histogram: Histogram, scale: number): Percentiles {
  const [p50, p95, p99] = histogram.percentiles([50, 95, 99]);
  if (p50 === undefined || p95 === undefined || p99 === undefined) return null;
  return { p50: p50 / scale, p95: p95 / scale, p99: p99 / scale };
}
