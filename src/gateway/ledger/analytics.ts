import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  Analytics,
  AnalyticsFigures,
  AnalyticsPoint,
  AnalyticsWindow,
  Percentiles,
} from '../../protocol/analytics.js';
import { Histogram } from './histogram.js';
import {
  addColumns,
  addCounts,
  DAY_MS,
  HISTOGRAMS_AT,
  HOUR_MS,
  noCounts,
  ROLLUP_COLUMNS,
  SPEED_SCALE,
} from './rollups.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';

const DAYS: Record<AnalyticsWindow, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 };

/** A span of time, its start in it and its end not. */
interface Span {
  from: number;
  to: number;
}

const MEASURED = `
  SELECT value, ${ROLLUP_COLUMNS} FROM rollups WHERE grain = ? AND dimension = ? AND start >= ? AND start < ?`;
const TOTAL = `
  SELECT start, ${ROLLUP_COLUMNS} FROM rollups WHERE grain = ? AND dimension = 'total' AND start >= ? AND start < ?`;
const REQUESTS = `
  SELECT sum(requests), sum(failed_attempts) FROM rollups
  WHERE grain = 'day' AND dimension = 'total' AND start >= ? AND start < ?`;
const COUNTED = `
  SELECT dimension, value, sum(requests), sum(failed_attempts) FROM rollups
  WHERE grain = ? AND dimension IN ('kind', 'code') AND start >= ? AND start < ? GROUP BY dimension, value`;

/** Whole days read in one step: with some fifty models a few milliseconds. */
const DAYS_A_STEP = 3;

/** Where a ledger can be read. */
export interface LedgerReader {
  /** @throws what its owner throws when there is no ledger (any more). */
  query<T>(read: (database: SqlDatabase) => T): T;
}

/**
 * The sums of the whole days of the windows that were asked for: those days are over, so a page that is opened again, or
 * redrawn while requests run, reads only today's hours. A day that did get another request is noticed by its count.
 */
export class DaySums {
  private readonly kept = new Map<string, { requests: string; groups: Groups }>();

  /** null when they are not kept, or a request was added to one of these days since. */
  get(database: SqlDatabase, days: Span): Groups | null {
    const kept = this.kept.get(nameOf(days));
    return kept && kept.requests === requestsIn(database, days) ? kept.groups : null;
  }

  /** `requests`: `requestsIn` these days, of before the first of the reads that the sums are from. */
  keep(database: SqlDatabase, days: Span, requests: string, groups: Groups): void {
    // Others run in between the reads: a request that was added meanwhile may be in some of the sums only.
    if (requestsIn(database, days) !== requests) return;
    // Each window once: what ended with another day is yesterday's.
    for (const name of this.kept.keys()) if (!name.endsWith(` ${days.to}`)) this.kept.delete(name);
    this.kept.set(nameOf(days), { requests, groups });
  }
}

function nameOf({ from, to }: Span): string {
  return `${from} ${to}`;
}

/** Changes with every request of these days. */
function requestsIn(database: SqlDatabase, { from, to }: Span): string {
  return String(database.row(REQUESTS, [from, to]));
}

/** All of `analyticsSteps`, with a turn of the loop for others after each. */
export async function readAnalyticsInTurns(
  ledger: LedgerReader,
  window: AnalyticsWindow,
  nowMs: number,
  daySums: DaySums,
): Promise<Analytics> {
  const steps = ledger.query((database) => analyticsSteps(database, window, nowMs, daySums));
  for (;;) {
    const step = ledger.query(() => steps.next());
    if (step.done) return step.value;
    await nextTurn();
  }
}

/**
 * What happened in the window that ends with the hour of `nowMs`, from the roll-ups alone: the same whether the requests'
 * own rows are still there or not. Whole days (UTC) are read from the daily sums, the hours before and after from the
 * hourly ones, so that the window is exact to the hour. It yields every few milliseconds, so that others may run.
 */
export function* analyticsSteps(
  database: SqlDatabase,
  window: AnalyticsWindow,
  nowMs: number,
  daySums = new DaySums(),
): Generator<void, Analytics> {
  const to = Math.floor(nowMs / HOUR_MS) * HOUR_MS + HOUR_MS;
  const range: Span = { from: to - DAYS[window] * DAY_MS, to };
  const isHourly = window === '24h' || window === '7d';
  const groups = yield* readGroups(database, range, daySums);
  const { totals, series } = readTotal(database, range, isHourly);
  yield;
  const counted = readCounted(database, range);
  return {
    window,
    from: range.from,
    to: range.to,
    totals,
    series,
    byProvider: ranked(providersOf(groups.model)).map(([provider, figures]) => ({ provider, ...figures })),
    byModel: ranked(groups.model)
      // A provider that answered without saying with which model.
      .filter(([model]) => !model.endsWith('/'))
      .map(([model, figures]) => ({ model, ...figures })),
    byKey: ranked(groups.key).map(([keyId, figures]) => ({ keyId, ...figures })),
    byClient: ranked(groups.client).map(([client, figures]) => ({ client: client || null, ...figures })),
    byProfile: ranked(groups.profile).map(([profile, figures]) => ({ profile, ...figures })),
    errorsByKind: counted.kind.map(([kind, count]) => ({ kind, count })),
    errorsByCode: counted.code.map(([code, count]) => ({ code, count })),
  };
}

/** The reads that cover the range with as few rows as can be. */
function* reads({ from, to }: Span, isHourly: boolean): Generator<readonly ['hour' | 'day', number, number]> {
  const firstDay = Math.ceil(from / DAY_MS) * DAY_MS;
  const lastDay = Math.floor(to / DAY_MS) * DAY_MS;
  if (isHourly) {
    yield ['hour', from, to];
    return;
  }
  if (from < firstDay) yield ['hour', from, firstDay];
  for (let day = firstDay; day < lastDay; day += DAYS_A_STEP * DAY_MS) {
    yield ['day', day, Math.min(day + DAYS_A_STEP * DAY_MS, lastDay)];
  }
  if (lastDay < to) yield ['hour', lastDay, to];
}

const MEASURED_DIMENSIONS = ['model', 'key', 'client', 'profile'] as const;
type Group = Map<string, Sums>;
type Groups = Record<(typeof MEASURED_DIMENSIONS)[number], Group>;

function* readGroups(database: SqlDatabase, range: Span, daySums: DaySums): Generator<void, Groups> {
  const days = wholeDays(range);
  let sums = days && daySums.get(database, days);
  if (days && !sums) {
    sums = noGroups();
    const requests = requestsIn(database, days);
    yield* addGroups(database, sums, days);
    daySums.keep(database, days, requests, sums);
  }
  const groups = sums ? copied(sums) : noGroups();
  for (const edge of days
    ? [
        { ...range, to: days.from },
        { ...range, from: days.to },
      ]
    : [range]) {
    if (edge.from < edge.to) yield* addGroups(database, groups, edge);
  }
  return groups;
}

function* addGroups(database: SqlDatabase, groups: Groups, range: Span): Generator<void> {
  for (const dimension of MEASURED_DIMENSIONS) {
    for (const [grain, from, to] of reads(range, false)) {
      for (const columns of database.rows(MEASURED, [grain, dimension, from, to])) {
        sumsOf(groups[dimension], columns[0] as string).add(columns, 1);
      }
      yield;
    }
  }
}

/** The days (UTC) that lie in the range as a whole; null when there are none. */
function wholeDays({ from, to }: Span): Span | null {
  const days = { from: Math.ceil(from / DAY_MS) * DAY_MS, to: Math.floor(to / DAY_MS) * DAY_MS };
  return days.from < days.to ? days : null;
}

function noGroups(): Groups {
  return { model: new Map(), key: new Map(), client: new Map(), profile: new Map() };
}

function copied(groups: Groups): Groups {
  const copies = noGroups();
  for (const dimension of MEASURED_DIMENSIONS) {
    for (const [value, sums] of groups[dimension]) sumsOf(copies[dimension], value).addAll(sums);
  }
  return copies;
}

/** Providers' ids have no slash, models' own names may. */
function providersOf(models: Group): Group {
  const providers: Group = new Map();
  for (const [name, sums] of models) sumsOf(providers, name.slice(0, name.indexOf('/'))).addAll(sums);
  return providers;
}

function sumsOf(group: Group, value: string): Sums {
  let sums = group.get(value);
  if (!sums) {
    sums = new Sums();
    group.set(value, sums);
  }
  return sums;
}

function readTotal(database: SqlDatabase, range: Span, isHourly: boolean) {
  const step = isHourly ? HOUR_MS : DAY_MS;
  const first = Math.floor(range.from / step);
  const points = Array.from({ length: Math.ceil(range.to / step) - first }, () => new Sums());
  for (const read of reads(range, isHourly)) {
    for (const columns of database.rows(TOTAL, read)) {
      points[Math.floor((columns[0] as number) / step) - first]?.add(columns, 1);
    }
  }
  const totals = new Sums();
  const series = points.map((sums, index) => {
    totals.addAll(sums);
    const start = (first + index) * step;
    return sums.point({ from: Math.max(start, range.from), to: Math.min(start + step, range.to) });
  });
  return { totals: totals.figures(), series };
}

function readCounted(database: SqlDatabase, range: Span): Record<'kind' | 'code', [string, number][]> {
  const counts = { kind: new Map<string, number>(), code: new Map<string, number>() };
  for (const read of reads(range, false)) {
    for (const [dimension, value, requests, attempts] of database.rows(COUNTED, read)) {
      const isKind = dimension === 'kind';
      const map = isKind ? counts.kind : counts.code;
      const more = (isKind ? attempts : requests) as number;
      map.set(value as string, (map.get(value as string) ?? 0) + more);
    }
  }
  const sorted = (map: Map<string, number>) => [...map].sort((a, b) => b[1] - a[1] || byName(a[0], b[0]));
  return { kind: sorted(counts.kind), code: sorted(counts.code) };
}

function ranked(group: Group): [string, AnalyticsFigures][] {
  return [...group]
    .map(([name, sums]): [string, AnalyticsFigures] => [name, sums.figures()])
    .sort(
      ([a, left], [b, right]) =>
        right.requests - left.requests || right.failedAttempts - left.failedAttempts || byName(a, b),
    );
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
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
