import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Analytics, AnalyticsFigures, AnalyticsQuery } from '../../protocol/analytics.js';
import { readFiltered } from './filteredAnalytics.js';
import { ROLLUP_COLUMNS } from './rollups.js';
import { readProviderSeries, readTotal } from './series.js';
import { Points, rangeOf, readsOf, type Span, wholeDays } from './spans.js';
import type { SqlDatabase } from './sqlite.js';
import { Sums } from './sums.js';

const MEASURED = `
  SELECT value, ${ROLLUP_COLUMNS} FROM rollups WHERE grain = ? AND dimension = ? AND start >= ? AND start < ?`;
const REQUESTS = `
  SELECT sum(requests), sum(failed_attempts) FROM rollups
  WHERE grain = 'day' AND dimension = 'total' AND start >= ? AND start < ?`;
const COUNTED = `
  SELECT dimension, value, sum(requests), sum(failed_attempts) FROM rollups
  WHERE grain = ? AND dimension IN ('kind', 'code') AND start >= ? AND start < ? GROUP BY dimension, value`;

/** What the ledger alone can tell: it knows no prices. */
export type LedgerAnalytics = Omit<Analytics, 'saved' | 'byModel'> & {
  byModel: Omit<Analytics['byModel'][number], 'savedUsd'>[];
};

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
  query: AnalyticsQuery,
  nowMs: number,
  daySums: DaySums,
): Promise<LedgerAnalytics> {
  const steps = ledger.query((database) => analyticsSteps(database, query, nowMs, daySums));
  for (;;) {
    const step = ledger.query(() => steps.next());
    if (step.done) return step.value;
    await nextTurn();
  }
}

/**
 * What happened in the window that ends with the hour of `nowMs`, from the roll-ups alone: the same whether the requests'
 * own rows are still there or not. Whole days (UTC) are read from the daily sums, the hours before and after from the
 * hourly ones, so that the window is exact to the hour. With a filter, what the roll-ups have no dimension for is counted
 * from the rows. It yields every few milliseconds, so that others may run.
 */
export function* analyticsSteps(
  database: SqlDatabase,
  query: AnalyticsQuery,
  nowMs: number,
  daySums = new DaySums(),
): Generator<void, LedgerAnalytics> {
  const { window, zone } = query;
  const range = rangeOf(window, nowMs);
  const points = new Points(range, window, zone);
  const isFiltered = query.provider !== undefined || query.model !== undefined || query.client !== undefined;
  const found = isFiltered
    ? yield* readFiltered(database, range, points, query)
    : yield* readAll(database, range, points, daySums);
  const { groups, totals, series, providerSeries, counted, countedFrom } = found;
  return {
    window,
    ...range,
    totals,
    series,
    providerSeries,
    byProvider: ranked(providersOf(groups.model)).map(([provider, figures]) => ({ provider, ...figures })),
    byModel: ranked(groups.model)
      // A provider that answered without saying with which model.
      .filter(([model]) => !model.endsWith('/'))
      .map(([model, figures]) => ({ model, ...figures })),
    byKey: ranked(groups.key).map(([keyId, figures]) => ({ keyId, ...figures })),
    byClient: ranked(groups.client).map(([client, figures]) => ({ client: client || null, ...figures })),
    byProfile: ranked(groups.profile).map(([profile, figures]) => ({ profile, ...figures })),
    errorsByKind: sorted(counted.kind).map(([kind, count]) => ({ kind, count })),
    errorsByCode: sorted(counted.code).map(([code, count]) => ({ code, count })),
    countedFrom,
  };
}

/** What the answer is made of. */
export interface Found extends ReturnType<typeof readTotal> {
  groups: Groups;
  providerSeries: Analytics['providerSeries'];
  counted: Counted;
  countedFrom: number;
}

function* readAll(database: SqlDatabase, range: Span, points: Points, daySums: DaySums): Generator<void, Found> {
  const groups = yield* readGroups(database, range, daySums);
  const total = readTotal(database, range, points, {});
  yield;
  const providerSeries = yield* readProviderSeries(database, range, points, {});
  const counted = readCounted(database, range);
  return { groups, ...total, providerSeries, counted, countedFrom: range.from };
}

const MEASURED_DIMENSIONS = ['model', 'key', 'client', 'profile'] as const;
export type Group = Map<string, Sums>;
export type Groups = Record<(typeof MEASURED_DIMENSIONS)[number], Group>;

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
    for (const [grain, from, to] of readsOf(range)) {
      for (const columns of database.rows(MEASURED, [grain, dimension, from, to])) {
        sumsOf(groups[dimension], columns[0] as string).add(columns, 1);
      }
      yield;
    }
  }
}

export function noGroups(): Groups {
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

export function sumsOf(group: Group, value: string): Sums {
  let sums = group.get(value);
  if (!sums) {
    sums = new Sums();
    group.set(value, sums);
  }
  return sums;
}

/** Failed attempts by kind, and failed requests by code. */
export type Counted = Record<'kind' | 'code', Map<string, number>>;

function readCounted(database: SqlDatabase, range: Span): Counted {
  const counts: Counted = { kind: new Map(), code: new Map() };
  for (const read of readsOf(range)) {
    for (const [dimension, value, requests, attempts] of database.rows(COUNTED, read)) {
      const isKind = dimension === 'kind';
      const map = isKind ? counts.kind : counts.code;
      const more = (isKind ? attempts : requests) as number;
      map.set(value as string, (map.get(value as string) ?? 0) + more);
    }
  }
  return counts;
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || byName(a[0], b[0]));
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
