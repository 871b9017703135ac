import type { AnalyticsFigures, AnalyticsPoint, Percentiles } from '../../protocol/analytics.js';
import { Histogram } from './histogram.js';
import { addColumns, addCounts, HISTOGRAMS_AT, noCounts, SPEED_SCALE } from './rollups.js';
import type { SqlValue } from './sqlite.js';

/** A span of time, its start in it and its end not. */
export interface Span {
  from: number;
  to: number;
}

/** The sum of several roll-up rows. */
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

  point(span: Span): AnalyticsPoint {
    const { fallbacks, failedAttempts, ...counts } = this.counts;
    return {
      ...span,
      ...counts,
      latencyP50Ms: this.latency.percentiles([50])[0] ?? null,
      firstTokenP50Ms: this.firstToken.percentiles([50])[0] ?? null,
    };
  }
}

function percentilesOf(histogram: Histogram, scale: number): Percentiles {
  const [p50, p95, p99] = histogram.percentiles([50, 95, 99]);
  if (p50 === undefined || p95 === undefined || p99 === undefined) return null;
  return { p50: p50 / scale, p95: p95 / scale, p99: p99 / scale };
}
