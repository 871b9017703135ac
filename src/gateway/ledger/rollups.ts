import type { RequestRow } from './changes.js';
import { addToBlob, bucketOf } from './histogram.js';
import type { SqlDatabase, SqlValue } from './sqlite.js';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The speed histogram counts tenths of a token a second: slow answers keep a digit. */
export const SPEED_SCALE = 10;

/**
 * What sums are kept of: everything; who answered (`provider/model`, key id), which is also where failed attempts are
 * blamed; the client (empty where unknown); the profile that was asked for; a failed attempt's kind; an error's code. A provider is the sum of its models.
 */
export type RollupDimension = 'total' | 'model' | 'key' | 'client' | 'profile' | 'kind' | 'code';

/** What is counted, with its column; the order is that of the columns. */
const COUNTS = [
  ['requests', 'requests'],
  ['successes', 'successes'],
  ['errors', 'errors'],
  ['canceled', 'canceled'],
  ['fallbacks', 'fallbacks'],
  ['failedAttempts', 'failed_attempts'],
  ['promptTokens', 'prompt_tokens'],
  ['completionTokens', 'completion_tokens'],
] as const;
const COLUMNS = COUNTS.map(([, column]) => column);

export type RollupCounts = Record<(typeof COUNTS)[number][0], number>;

/** The columns that `addColumns` and the histograms are read from, in this order. */
export const ROLLUP_COLUMNS = `${COLUMNS.join(', ')}, latency, first_token, speed`;
export const HISTOGRAMS_AT = COLUMNS.length;

const READ = `
  SELECT latency, first_token, speed FROM rollups WHERE grain = ? AND dimension = ? AND start = ? AND value = ?`;
const WRITE = `
  INSERT INTO rollups (grain, dimension, start, value, ${ROLLUP_COLUMNS})
  VALUES (?, ?, ?, ?, ${COLUMNS.map(() => '?').join(', ')}, ?, ?, ?)
  ON CONFLICT (grain, dimension, start, value) DO UPDATE SET
    ${COLUMNS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')},
    latency = excluded.latency, first_token = excluded.first_token, speed = excluded.speed`;

export function noCounts(): RollupCounts {
  return {
    requests: 0,
    successes: 0,
    errors: 0,
    canceled: 0,
    fallbacks: 0,
    failedAttempts: 0,
    promptTokens: 0,
    completionTokens: 0,
  };
}

export function addCounts(counts: RollupCounts, more: RollupCounts): void {
  for (const [name] of COUNTS) counts[name] += more[name];
}

/** Adds the counts of a row that was read as `ROLLUP_COLUMNS` lists them, from column `first` on. */
export function addColumns(counts: RollupCounts, columns: readonly SqlValue[], first: number): void {
  let at = first;
  for (const [name] of COUNTS) counts[name] += columns[at++] as number;
}

/** What one transaction adds to one row. */
class Cell {
  readonly counts = noCounts();
  /** Buckets, one for each value. */
  readonly latency: number[] = [];
  readonly firstToken: number[] = [];
  readonly speed: number[] = [];

  constructor(
    readonly dimension: RollupDimension,
    readonly value: string,
  ) {}

  count(facts: RequestFacts): void {
    const { row } = facts;
    const { counts } = this;
    counts.requests += 1;
    if (row.status === 'success') counts.successes += 1;
    else if (row.status === 'error') counts.errors += 1;
    else counts.canceled += 1;
    if (facts.isFallback) counts.fallbacks += 1;
    counts.promptTokens += row.promptTokens ?? 0;
    counts.completionTokens += row.completionTokens ?? 0;
    if (facts.latency !== null) this.latency.push(facts.latency);
    if (facts.firstToken !== null) this.firstToken.push(facts.firstToken);
    if (facts.speed !== null) this.speed.push(facts.speed);
  }

  addAll(other: Cell): void {
    addCounts(this.counts, other.counts);
    for (const bucket of other.latency) this.latency.push(bucket);
    for (const bucket of other.firstToken) this.firstToken.push(bucket);
    for (const bucket of other.speed) this.speed.push(bucket);
  }
}

interface Buckets {
  latency: number | null;
  firstToken: number | null;
  speed: number | null;
}

interface RequestFacts extends Buckets {
  row: RequestRow;
  isFallback: boolean;
}

/** What a request's measurements are made of. */
export interface Measured {
  isSuccess: boolean;
  isStream: boolean;
  firstTokenMs: number | null;
  totalMs: number;
  completionTokens: number | null;
}

/** The cells of one hour or day, by dimension and value. */
type Cells = Map<string, Cell>;

/**
 * What the request rows of ONE transaction add to the hourly and daily sums. Make a new one in each transaction, `add`
 * every row that is new, `flush` before the transaction ends, and drop it. It keeps nothing in between: sums live in the
 * database alone, so a transaction that is rolled back takes its rows and their sums with it, and whoever applies the
 * rows again counts them again, once.
 */
export class Rollups {
  private readonly hours = new Map<number, Cells>();
  private isFlushed = false;

  /** Counts a request in memory. @throws Error after `flush`. */
  add(row: RequestRow): void {
    if (this.isFlushed) throw new Error('These roll-ups are written: the next transaction needs its own');
    const start = Math.floor(row.at / HOUR_MS) * HOUR_MS;
    let cells = this.hours.get(start);
    if (!cells) {
      cells = new Map();
      this.hours.set(start, cells);
    }
    addRequest(cells, row);
  }

  /** Adds it all to the database, inside the caller's transaction: one statement or two for each row that changes. */
  flush(database: SqlDatabase): void {
    if (this.isFlushed) throw new Error('These roll-ups are written already');
    this.isFlushed = true;
    const days = new Map<number, Cells>();
    for (const [start, cells] of this.hours) {
      const day = Math.floor(start / DAY_MS) * DAY_MS;
      let dayCells = days.get(day);
      if (!dayCells) {
        dayCells = new Map();
        days.set(day, dayCells);
      }
      for (const [name, cell] of cells) {
        write(database, 'hour', start, cell);
        cellOf(dayCells, name, cell.dimension, cell.value).addAll(cell);
      }
    }
    for (const [start, cells] of days) {
      for (const cell of cells.values()) write(database, 'day', start, cell);
    }
  }
}

function addRequest(cells: Cells, row: RequestRow): void {
  const facts = factsOf(row);
  const total = at(cells, 'total', '');
  total.count(facts);
  at(cells, 'client', row.client ?? '').count(facts);
  if (row.profile !== undefined) at(cells, 'profile', row.profile).count(facts);
  if (row.provider !== null) {
    at(cells, 'model', `${row.provider}/${row.servedModel ?? ''}`).count(facts);
    if (row.keyId !== null) at(cells, 'key', row.keyId).count(facts);
  }
  if (row.errorCode !== null) at(cells, 'code', row.errorCode).counts.requests += 1;
  for (const attempt of row.attempts) {
    // A client that left is nobody's failure.
    if (attempt.kind === null || attempt.kind === 'canceled') continue;
    total.counts.failedAttempts += 1;
    at(cells, 'client', row.client ?? '').counts.failedAttempts += 1;
    if (row.profile !== undefined) at(cells, 'profile', row.profile).counts.failedAttempts += 1;
    at(cells, 'model', `${attempt.provider}/${attempt.model}`).counts.failedAttempts += 1;
    if (attempt.keyId !== null) at(cells, 'key', attempt.keyId).counts.failedAttempts += 1;
    at(cells, 'kind', attempt.kind).counts.failedAttempts += 1;
  }
}

function factsOf(row: RequestRow): RequestFacts {
  const isSuccess = row.status === 'success';
  const isFallback = isSuccess && row.attempts.some(({ kind }) => kind !== null);
  const { isStream, firstTokenMs, totalMs, completionTokens } = row;
  return { row, isFallback, ...measuredBuckets({ isSuccess, isStream, firstTokenMs, totalMs, completionTokens }) };
}

/** The buckets of a request's measurements; null for what it does not have. */
export function measuredBuckets({ isSuccess, isStream, totalMs, ...request }: Measured): Buckets {
  // Without a stream the first byte is the whole answer's: it says nothing of the model's first token.
  const firstTokenMs = isStream ? request.firstTokenMs : null;
  const answeringMs = firstTokenMs === null ? 0 : totalMs - firstTokenMs;
  const tokens = request.completionTokens ?? 0;
  const hasSpeed = answeringMs > 0 && tokens > 0;
  return {
    latency: isSuccess ? bucketOf(totalMs) : null,
    firstToken: firstTokenMs === null ? null : bucketOf(firstTokenMs),
    speed: hasSpeed ? bucketOf((tokens * 1000 * SPEED_SCALE) / answeringMs) : null,
  };
}

function at(cells: Cells, dimension: RollupDimension, value: string): Cell {
  return cellOf(cells, `${dimension} ${value}`, dimension, value);
}

function cellOf(cells: Cells, name: string, dimension: RollupDimension, value: string): Cell {
  let cell = cells.get(name);
  if (!cell) {
    cell = new Cell(dimension, value);
    cells.set(name, cell);
  }
  return cell;
}

function write(database: SqlDatabase, grain: 'hour' | 'day', start: number, cell: Cell): void {
  const { latency, firstToken, speed } = cell;
  const key = [grain, cell.dimension, start, cell.value] as const;
  // Kinds and codes have no measurements at all.
  const isCounted = cell.dimension === 'kind' || cell.dimension === 'code';
  const before = isCounted ? null : database.row(READ, key);
  const merged = [latency, firstToken, speed].map((buckets, column) => {
    return addToBlob((before?.[column] ?? null) as Uint8Array | null, buckets);
  });
  database.run(WRITE, [...key, ...COUNTS.map(([name]) => cell.counts[name]), ...merged]);
}
