import type { AnalyticsFigures, AnalyticsPoint, AnalyticsQuery, ProviderSeries } from '../../protocol/analytics.js';
import { HOUR_MS, ROLLUP_COLUMNS } from './rollups.js';
import { type Points, readsOf, type Span } from './spans.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';
import { Sums } from './sums.js';

/** Who answered, or who asked. */
export type Filter = Pick<AnalyticsQuery, 'provider' | 'model' | 'client'>;

/** Part of a statement, with its parameters. */
export interface Term {
  sql: string;
  params: SqlValue[];
}

/** The roll-ups that tell of the filter, which is of who answered or of the client, not of both. */
export function rollupsOf({ provider, model, client }: Filter): Term {
  if (client !== undefined) return { sql: "dimension = 'client' AND value = ?", params: [client] };
  if (provider === undefined && model === undefined) return { sql: "dimension = 'total'", params: [] };
  return answeredBy({ provider, model });
}

/** The models' roll-ups of this provider, of this one model, or all. */
export function answeredBy({ provider, model }: { provider: string | undefined; model: string | undefined }): Term {
  const terms = ["dimension = 'model'"];
  const params: SqlValue[] = [];
  if (provider !== undefined) {
    // '0' follows '/': everything that begins with `provider/`, by the index.
    terms.push('value >= ? AND value < ?');
    params.push(`${provider}/`, `${provider}0`);
  }
  if (model !== undefined) {
    terms.push('value = ?');
    params.push(model);
  }
  return { sql: terms.join(' AND '), params };
}

/** The totals and their course, of what the roll-ups of the filter have. */
export function readTotal(database: SqlDatabase, range: Span, points: Points, filter: Filter) {
  const { sql, params } = rollupsOf(filter);
  const sums = points.spans.map(() => new Sums());
  for (const [grain, from, to] of readsOf(range, !points.isByDay)) {
    const rows = database.rows(
      `SELECT start, ${ROLLUP_COLUMNS} FROM rollups WHERE grain = ? AND start >= ? AND start < ? AND ${sql}`,
      [grain, from, to, ...params],
    );
    for (const columns of rows) sums[points.indexOf(columns[0] as number)]?.add(columns, 1);
  }
  return summedUp(sums, points);
}

/** A series of sums and what they come to. */
export function summedUp(
  sums: readonly Sums[],
  { spans }: Points,
): { totals: AnalyticsFigures; series: AnalyticsPoint[] } {
  const totals = new Sums();
  const series = spans.map((span, index) => {
    const point = sums[index] ?? new Sums();
    totals.addAll(point);
    return point.point(span);
  });
  return { totals: totals.figures(), series };
}

/** Who answered how much of each point, from the roll-ups. */
export function* readProviderSeries(
  database: SqlDatabase,
  range: Span,
  points: Points,
  { provider, model }: Filter,
): Generator<void, ProviderSeries[]> {
  const series = new ProviderTable(points);
  const { sql, params } = answeredBy({ provider, model });
  for (const [grain, from, to] of inSteps(readsOf(range, !points.isByDay))) {
    const rows = database.rows(
      `SELECT start, substr(value, 1, instr(value, '/') - 1) AS provider, sum(requests), sum(prompt_tokens),
         sum(completion_tokens) FROM rollups
       WHERE grain = ? AND start >= ? AND start < ? AND ${sql} GROUP BY start, provider HAVING sum(requests) > 0`,
      [grain, from, to, ...params],
    );
    for (const row of rows) series.add(row);
    yield;
  }
  return series.ranked();
}

/** Hours read in one step. */
const HOURS_A_STEP = 10 * 24;

function* inSteps(reads: Iterable<readonly ['hour' | 'day', number, number]>) {
  for (const [grain, from, to] of reads) {
    const step = grain === 'hour' ? HOURS_A_STEP * HOUR_MS : to - from;
    for (let at = from; at < to; at += step) yield [grain, at, Math.min(at + step, to)] as const;
  }
}

/** Rows of time, provider, requests, prompt tokens and completion tokens, as series. */
export class ProviderTable {
  private readonly providers = new Map<string, ProviderSeries>();

  constructor(private readonly points: Points) {}

  add([at, provider, requests, promptTokens, completionTokens]: readonly SqlValue[]): void {
    const index = this.points.indexOf(Number(at));
    const series = this.seriesOf(String(provider));
    series.requests[index] = (series.requests[index] ?? 0) + Number(requests);
    series.promptTokens[index] = (series.promptTokens[index] ?? 0) + Number(promptTokens);
    series.completionTokens[index] = (series.completionTokens[index] ?? 0) + Number(completionTokens);
  }

  /** The busiest first. */
  ranked(): ProviderSeries[] {
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    return [...this.providers.values()]
      .map((series) => ({ series, all: sum(series.requests) }))
      .sort((a, b) => b.all - a.all || (a.series.provider < b.series.provider ? -1 : 1))
      .map(({ series }) => series);
  }

  private seriesOf(provider: string): ProviderSeries {
    let series = this.providers.get(provider);
    if (!series) {
      const zeros = () => this.points.spans.map(() => 0);
      series = { provider, requests: zeros(), promptTokens: zeros(), completionTokens: zeros() };
      this.providers.set(provider, series);
    }
    return series;
  }
}
