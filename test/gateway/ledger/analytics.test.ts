import assert from 'node:assert/strict';
import fc from 'fast-check';
import { analyticsSteps, DaySums } from '../../../src/gateway/ledger/analytics.js';
import type { RequestRow } from '../../../src/gateway/ledger/changes.js';
import { createRetention } from '../../../src/gateway/ledger/retention.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import type { AnalyticsWindow } from '../../../src/protocol/analytics.js';
import { ALL, expected, GROUPS, MEMBERS, members } from '../../support/analyticsOracle.js';
import {
  attemptRow,
  loadLedgerDatabase,
  type OpenDatabase,
  readAnalytics,
  record,
  requestRow,
} from '../../support/ledgerRows.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WINDOWS: Record<AnalyticsWindow, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 };

/** In the middle of an hour, on borders of hours and days, and around changes of daylight-saving time. */
const NOWS = [
  '2026-11-21T13:27:31.415Z',
  '2026-11-21T00:00:00.000Z',
  '2026-11-20T23:59:59.999Z',
  '2026-11-21T23:00:00.000Z',
  '2026-10-25T00:59:59.999Z',
  '2026-11-01T06:00:00.000Z',
  '2026-03-29T01:30:00.000Z',
].map((text) => Date.parse(text));

function endOf(now: number): number {
  return new Date(now).setUTCMinutes(60, 0, 0);
}

/** Times that lie just before, on and after what a window, a day or an hour begins with, and any. */
function timeAround(now: number): fc.Arbitrary<number> {
  const to = endOf(now);
  const borders = Object.values(WINDOWS).map((days) => to - days * DAY);
  const midnights = [0, 1, 6, 7, 29, 30, 89, 90].map((days) => new Date(now).setUTCHours(0, 0, 0, 0) - days * DAY);
  const hours = [0, 1, 2, 24].map((count) => to - count * HOUR);
  const clocksChange = ['2026-10-25T01:00Z', '2026-11-01T06:00Z', '2026-03-29T01:00Z'].map(Date.parse);
  const border = fc.constantFrom(...borders, ...midnights, ...hours, ...clocksChange);
  const beside = fc.tuple(border, fc.constantFrom(-HOUR, -1, 0, 1, HOUR)).map(([at, by]) => at + by);
  return fc.oneof(beside, fc.integer({ min: to - 95 * DAY, max: to + 2 * HOUR }));
}

const model = fc.constantFrom(
  { provider: 'groq', model: 'llama', keyId: 'key_1' },
  { provider: 'groq', model: 'openai/gpt-oss', keyId: 'key_2' },
  { provider: 'google', model: 'gemini', keyId: 'key_3' },
  { provider: 'custom:lab', model: 'llama', keyId: null },
);
const duration = fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 200_000 }));
const tokens = fc.option(fc.integer({ min: 0, max: 9000 }));
const failedAttempt = fc.tuple(model, fc.constantFrom('rate_limit', 'overloaded', 'slow'));

function row(now: number): fc.Arbitrary<Omit<RequestRow, 'id'>> {
  const facts = fc.record({
    at: timeAround(now),
    client: fc.constantFrom(null, 'curl', 'Cline'),
    isStream: fc.boolean(),
    status: fc.constantFrom(
      'success' as const,
      'success' as const,
      'success' as const,
      'error' as const,
      'canceled' as const,
    ),
    code: fc.constantFrom('all_cooling', 'upstream_failed'),
    served: fc.option(model, { freq: 6 }),
    failed: fc.array(failedAttempt, { maxLength: 3 }),
    first: fc.option(duration),
    rest: duration,
    promptTokens: tokens,
    completionTokens: tokens,
  });
  return facts.map(({ served, failed, code, first, rest, ...more }) => {
    const attempts = failed.map(([who, kind]) => attemptRow({ ...who, kind, httpStatus: 429 }));
    const answer = served === null ? [] : [attemptRow({ ...served, kind: more.status === 'error' ? 'network' : null })];
    return requestRow({
      id: '',
      ...more,
      errorCode: more.status === 'error' ? code : null,
      provider: served?.provider ?? null,
      servedModel: served?.model ?? null,
      keyId: served?.keyId ?? null,
      firstTokenMs: first,
      totalMs: (first ?? 0) + rest,
      attempts: [...attempts, ...answer],
    });
  });
}

/** A set of rows, the transactions they come in, and what befalls those. */
const scene = fc.constantFrom(...NOWS).chain((now) =>
  fc.record({
    now: fc.constant(now),
    batches: fc.array(
      fc.record({
        rows: fc.array(row(now), { maxLength: 12 }),
        isRolledBackFirst: fc.boolean(),
        isReopenedAfter: fc.boolean(),
      }),
      { maxLength: 8 },
    ),
  }),
);
type Batch = { rows: Omit<RequestRow, 'id'>[]; isRolledBackFirst: boolean; isReopenedAfter: boolean };

function build(open: OpenDatabase, batches: readonly Batch[]): SqlDatabase {
  let database = open();
  let count = 0;
  for (const batch of batches) {
    const rows = batch.rows.map((facts) => ({ ...facts, id: `req_${(count++ * 7919) % 1009}` }));
    if (batch.isRolledBackFirst) record(database, rows, true);
    record(database, rows);
    if (batch.isReopenedAfter) {
      const image = database.image();
      database.close();
      database = open(image);
    }
  }
  return database;
}

function checkWindow(database: SqlDatabase, window: AnalyticsWindow, now: number): void {
  const answer = readAnalytics(database, window, now);
  const to = endOf(now);
  const from = to - WINDOWS[window] * DAY;
  assert.deepEqual([answer.window, answer.from, answer.to], [window, from, to]);
  assert.deepEqual(answer.totals, expected(database, from, to, ALL));
  checkSeries(database, answer.series, { from, to, isHourly: WINDOWS[window] <= 7 });
  const groups = {
    byProvider: answer.byProvider.map(({ provider, ...figures }) => ({ name: provider, figures })),
    byModel: answer.byModel.map(({ model: name, ...figures }) => ({ name, figures })),
    byKey: answer.byKey.map(({ keyId, ...figures }) => ({ name: keyId, figures })),
    byClient: answer.byClient.map(({ client, ...figures }) => ({ name: client ?? '', figures })),
  };
  for (const name of ['byProvider', 'byModel', 'byKey', 'byClient'] as const) {
    const group = groups[name];
    assert.deepEqual(group.map((entry) => entry.name).sort(), members(database, from, to, MEMBERS[name]), name);
    for (const entry of group) {
      const selection = { ...GROUPS[name], params: [entry.name] };
      assert.deepEqual(entry.figures, expected(database, from, to, selection), `${name} ${entry.name}`);
    }
    const counts = group.map(({ figures }) => figures.requests);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => b - a),
    );
  }
  const kinds = database.rows(
    `SELECT a.kind, count(*) FROM attempts a JOIN requests r ON r.id = a.request_id
     WHERE r.at >= ? AND r.at < ? AND a.kind IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`,
    [from, to],
  );
  assert.deepEqual(
    answer.errorsByKind.map(({ kind, count }) => [kind, count]),
    kinds,
  );
  const codes = database.rows(
    `SELECT error_code, count(*) FROM requests
     WHERE at >= ? AND at < ? AND error_code IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1`,
    [from, to],
  );
  assert.deepEqual(
    answer.errorsByCode.map(({ code, count }) => [code, count]),
    codes,
  );
}

function checkSeries(
  database: SqlDatabase,
  series: ReturnType<typeof readAnalytics>['series'],
  { from, to, isHourly }: { from: number; to: number; isHourly: boolean },
): void {
  let at = from;
  for (const point of series) {
    const next = isHourly ? at + HOUR : new Date(at).setUTCHours(24, 0, 0, 0);
    const end = Math.min(next, to);
    const { latencyMs, firstTokenMs, successRate, fallbacks, failedAttempts, tokensPerSecond, ...counts } = expected(
      database,
      at,
      end,
      ALL,
    );
    const percentiles = {
      latencyP50Ms: latencyMs?.p50 ?? null,
      latencyP95Ms: latencyMs?.p95 ?? null,
      firstTokenP50Ms: firstTokenMs?.p50 ?? null,
      firstTokenP95Ms: firstTokenMs?.p95 ?? null,
    };
    assert.deepEqual(point, { from: at, to: end, ...counts, ...percentiles });
    at = end;
  }
  assert.equal(at, to);
}

describe('analytics', function () {
  // Hundreds of databases, on machines that do something else meanwhile.
  this.timeout(60_000);

  let open: OpenDatabase;
  before(async () => {
    open = await loadLedgerDatabase();
  });
  const windows = Object.keys(WINDOWS) as AnalyticsWindow[];

  it('has every figure of every window as the rows have it, over rollbacks and reopening', () => {
    fc.assert(
      fc.property(scene, ({ now, batches }) => {
        const database = build(open, batches);
        for (const window of windows) checkWindow(database, window, now);
        database.close();
      }),
      { numRuns: 30 },
    );
  });

  it('changes no figure when rows and old hours are folded', () => {
    fc.assert(
      fc.property(scene, ({ now, batches }) => {
        const database = build(open, batches);
        const before = windows.map((window) => readAnalytics(database, window, now));
        const retention = createRetention({ retentionDays: () => 1, now: () => now, elapsed: () => 0 });
        while (retention.step(database));
        assert.equal(database.row('SELECT count(*) FROM requests WHERE at < ?', [now - DAY])?.[0], 0);
        assert.deepEqual(
          windows.map((window) => readAnalytics(database, window, now)),
          before,
        );
        database.close();
      }),
      { numRuns: 30 },
    );
  });

  it('says the same from kept days as from all of them, whatever is added and however time goes on', () => {
    fc.assert(
      fc.property(scene, fc.array(fc.integer({ min: 0, max: 40 })), ({ now, batches }, hours) => {
        const database = open();
        const sums = new DaySums();
        let at = now;
        for (const [index, batch] of batches.entries()) {
          record(
            database,
            batch.rows.map((facts, number) => ({ ...facts, id: `req_${index}_${number}` })),
          );
          at += (hours[index] ?? 0) * 3_600_000;
          for (const window of ['7d', '30d'] as const) {
            const fresh = readAnalytics(database, window, at);
            assert.deepEqual(readAnalytics(database, window, at, sums), fresh);
            assert.deepEqual(readAnalytics(database, window, at, sums), fresh);
          }
        }
        database.close();
      }),
      { numRuns: 12 },
    );
  });

  it('keeps no sums of days that got another request between its reads', () => {
    const database = open();
    const now = Date.parse('2026-11-21T13:27:00Z');
    const at = now - DAY;
    record(database, [requestRow({ at, id: 'req_1' })]);
    const sums = new DaySums();
    const steps = analyticsSteps(database, { window: '7d' }, now, sums);
    for (let step = 1; step <= 5; step++) assert.equal(steps.next().done, false);
    record(database, [requestRow({ at, id: 'req_2' })]);
    while (!steps.next().done);
    assert.deepEqual(readAnalytics(database, '7d', now, sums), readAnalytics(database, '7d', now));
    database.close();
  });

  it('fills an empty window with zeros and claims nothing', () => {
    const database = open();
    const answer = readAnalytics(database, '30d', Date.parse('2026-11-21T13:27:00Z'));
    assert.equal(answer.series.length, 31);
    assert.deepEqual(answer.series[0], {
      from: Date.parse('2026-10-22T14:00Z'),
      to: Date.parse('2026-10-23T00:00Z'),
      requests: 0,
      successes: 0,
      errors: 0,
      canceled: 0,
      promptTokens: 0,
      completionTokens: 0,
      latencyP50Ms: null,
      latencyP95Ms: null,
      firstTokenP50Ms: null,
      firstTokenP95Ms: null,
    });
    const { successRate, latencyMs, tokensPerSecond } = answer.totals;
    assert.deepEqual([successRate, latencyMs, tokensPerSecond, answer.byModel], [null, null, null, []]);
    database.close();
  });
});
