import assert from 'node:assert/strict';
import type { RequestRow } from '../../../src/gateway/ledger/changes.js';
import { createRetention } from '../../../src/gateway/ledger/retention.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import type { AnalyticsFigures, AnalyticsQuery, AnalyticsWindow } from '../../../src/protocol/analytics.js';
import { ALL, expected, GROUPS, MEMBERS, members, type Selection } from '../../support/analyticsOracle.js';
import { attemptRow, loadLedgerDatabase, readAnalytics, record, requestRow } from '../../support/ledgerRows.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 90 days before it lie both of the year's changes of clocks in Europe's autumn. */
const NOW = Date.parse('2026-11-21T13:27:31.415Z');
const WINDOWS: AnalyticsWindow[] = ['24h', '7d', '30d', '90d'];
const ROWS = 4_000;

const PROVIDERS = [
  { provider: 'groq', model: 'llama', keyId: 'key_1' },
  { provider: 'groq', model: 'openai/gpt-oss', keyId: 'key_2' },
  { provider: 'groq2', model: 'llama', keyId: 'key_4' },
  { provider: 'google', model: 'gemini', keyId: 'key_3' },
  { provider: 'custom:lab', model: 'llama', keyId: null },
];
const FILTERS: Pick<AnalyticsQuery, 'provider' | 'model' | 'client'>[] = [
  { provider: 'groq' },
  { model: 'groq/openai/gpt-oss' },
  { client: 'Cline' },
  { client: '' },
  { provider: 'groq', client: 'Cline' },
  { model: 'google/gemini', client: 'curl' },
  { provider: 'groq', model: 'groq/llama' },
  { provider: 'nobody' },
];

/** The same rows each time: a linear congruential generator (Numerical Recipes' constants). */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function rowsOf(count: number): RequestRow[] {
  const pick = seeded(7);
  const one = <T>(values: readonly T[]): T => values[pick(values.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    // More of them lately.
    const at = Math.floor(NOW - (pick(1000) / 1000) ** 3 * 92 * DAY) + pick(HOUR);
    const status = one(['success', 'success', 'success', 'success', 'error', 'canceled'] as const);
    const served = status === 'error' && pick(3) > 0 ? null : one(PROVIDERS);
    const failed = Array.from({ length: Math.max(0, pick(5) - 2) }, () =>
      attemptRow({ ...one(PROVIDERS), kind: one(['rate_limit', 'slow', 'overloaded']), httpStatus: 429, startMs: 5 }),
    );
    const ended = { success: null, error: 'network', canceled: 'canceled' }[status];
    const firstTokenMs = pick(4) === 0 ? null : pick(9_000);
    return requestRow({
      id: `req_${index}`,
      at,
      client: one([null, 'curl', 'Cline', 'Cline']),
      isStream: pick(4) > 0,
      status,
      errorCode: status === 'error' ? one(['upstream_error', 'rate_limit_exceeded']) : null,
      provider: served?.provider ?? null,
      servedModel: served?.model ?? null,
      keyId: served?.keyId ?? null,
      firstTokenMs,
      totalMs: (firstTokenMs ?? 0) + pick(60_000),
      promptTokens: pick(6) === 0 ? null : pick(20_000),
      completionTokens: pick(6) === 0 ? null : pick(2_000),
      attempts: [...failed, ...(served === null ? [] : [attemptRow({ ...served, kind: ended })])],
    });
  });
}

function selectionOf({ provider, model, client }: (typeof FILTERS)[number]): Selection {
  const given = [
    [GROUPS.byProvider, provider],
    [GROUPS.byModel, model],
    [GROUPS.byClient, client],
  ] as const;
  return given.reduce(
    (all, [group, value]) => (value === undefined ? all : both(all, { ...group, params: [value] })),
    ALL,
  );
}

function both(a: Selection, b: Selection): Selection {
  return {
    requests: `${a.requests} AND ${b.requests}`,
    attempts: `${a.attempts} AND ${b.attempts}`,
    params: [...a.params, ...b.params],
  };
}

const UNMEASURED = { latencyMs: null, firstTokenMs: null, tokensPerSecond: null };

/** Every figure of the answer as one that is computed here from the rows alone. */
function check(database: SqlDatabase, query: AnalyticsQuery): void {
  const answer = readAnalytics(database, query, NOW);
  const { from, to } = answer;
  const selection = selectionOf(query);
  const said = JSON.stringify(query);
  assert.deepEqual(answer.totals, expected(database, from, to, selection), said);
  checkSeries(database, answer.series, selection);
  checkProviderSeries(database, answer, selection);
  const isFiltered = selection !== ALL;
  const named = {
    byProvider: answer.byProvider.map(({ provider: name, ...figures }) => ({ name, figures })),
    byModel: answer.byModel.map(({ model: name, ...figures }) => ({ name, figures })),
    byKey: answer.byKey.map(({ keyId: name, ...figures }) => ({ name, figures })),
    byClient: answer.byClient.map(({ client, ...figures }) => ({ name: client ?? '', figures })),
  };
  const isByModel = query.client === undefined;
  const isByClient = !isFiltered || (query.provider === undefined && query.model === undefined);
  const measured = { byProvider: isByModel, byModel: isByModel, byKey: !isFiltered, byClient: isByClient };
  for (const name of ['byProvider', 'byModel', 'byKey', 'byClient'] as const) {
    const wanted = wantedGroup(database, name, { from, to }, selection, measured[name]);
    const found = Object.fromEntries(named[name].map((entry) => [entry.name, entry.figures]));
    assert.deepEqual(found, wanted, `${said} ${name}`);
  }
  const params = [from, to, ...selection.params];
  const kinds = database.rows(
    `SELECT a.kind, count(*) FROM attempts a JOIN requests r ON r.id = a.request_id WHERE r.at >= ? AND r.at < ?
       AND a.kind <> 'canceled' AND ${selection.attempts} GROUP BY 1 ORDER BY 2 DESC, 1`,
    params,
  );
  assert.deepEqual(
    answer.errorsByKind.map(({ kind, count }) => [kind, count]),
    kinds,
    said,
  );
  const codes = database.rows(
    `SELECT error_code, count(*) FROM requests r WHERE r.at >= ? AND r.at < ? AND error_code IS NOT NULL
       AND ${selection.requests} GROUP BY 1 ORDER BY 2 DESC, 1`,
    params,
  );
  assert.deepEqual(
    answer.errorsByCode.map(({ code, count }) => [code, count]),
    codes,
    said,
  );
  assert.equal(answer.countedFrom, from);
}

function wantedGroup(
  database: SqlDatabase,
  name: keyof typeof GROUPS,
  { from, to }: { from: number; to: number },
  selection: Selection,
  isMeasured: boolean,
): Record<string, AnalyticsFigures> {
  const wanted: Record<string, AnalyticsFigures> = {};
  for (const value of members(database, from, to, MEMBERS[name])) {
    const figures = expected(database, from, to, both(selection, { ...GROUPS[name], params: [value] }));
    if (figures.requests === 0 && figures.failedAttempts === 0) continue;
    wanted[value] = isMeasured ? figures : { ...figures, ...UNMEASURED };
  }
  return wanted;
}

function checkSeries(
  database: SqlDatabase,
  series: ReturnType<typeof readAnalytics>['series'],
  selection: Selection,
): void {
  for (const point of series) {
    const { latencyMs, firstTokenMs, successRate, fallbacks, failedAttempts, tokensPerSecond, ...counts } = expected(
      database,
      point.from,
      point.to,
      selection,
    );
    assert.deepEqual(point, {
      from: point.from,
      to: point.to,
      ...counts,
      latencyP50Ms: latencyMs?.p50 ?? null,
      latencyP95Ms: latencyMs?.p95 ?? null,
      firstTokenP50Ms: firstTokenMs?.p50 ?? null,
      firstTokenP95Ms: firstTokenMs?.p95 ?? null,
    });
  }
}

function checkProviderSeries(
  database: SqlDatabase,
  { series, providerSeries }: ReturnType<typeof readAnalytics>,
  selection: Selection,
): void {
  for (const [index, { from, to }] of series.entries()) {
    const rows = database.rows(
      `SELECT provider, count(*), total(prompt_tokens), total(completion_tokens) FROM requests r
       WHERE r.at >= ? AND r.at < ? AND provider IS NOT NULL AND ${selection.requests} GROUP BY 1 ORDER BY 1`,
      [from, to, ...selection.params],
    );
    const found = providerSeries
      .map((part) => [part.provider, part.requests[index], part.promptTokens[index], part.completionTokens[index]])
      .filter(([, requests]) => requests !== 0)
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
    assert.deepEqual(found, rows);
  }
}

describe('analytics with filters and time zones', function () {
  this.timeout(120_000);

  let database: SqlDatabase;
  before(async () => {
    database = (await loadLedgerDatabase())();
    record(database, rowsOf(ROWS));
  });
  after(() => database.close());

  for (const window of WINDOWS) {
    it(`has every figure of ${window} as the rows have it, whatever is filtered`, () => {
      check(database, { window });
      for (const filter of FILTERS) check(database, { window, ...filter });
    });
  }

  for (const zone of ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Chatham', 'UTC']) {
    it(`has the days of ${zone}, also where clocks change`, () => {
      const format = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' });
      for (const window of ['30d', '90d'] as const) {
        check(database, { window, zone });
        check(database, { window, zone, provider: 'groq' });
        const { series, from, to } = readAnalytics(database, { window, zone }, NOW);
        assert.equal(series[0]?.from, from);
        assert.equal(series.at(-1)?.to, to);
        const days = series.map((point) => format.format(point.from));
        assert.equal(new Set(days).size, days.length, 'a day is one point');
        for (const [index, point] of series.entries()) {
          assert.equal(format.format(point.to - HOUR), days[index], 'it has its last hour');
          if (index > 0) assert.equal(series[index - 1]?.to, point.from);
        }
      }
    });
  }

  it('has 25 hours in the day on which clocks go back, and days alone in the long windows', () => {
    const { series } = readAnalytics(database, { window: '30d', zone: 'Europe/Berlin' }, NOW);
    const lengths = series.slice(1, -1).map(({ from, to }) => (to - from) / HOUR);
    assert.deepEqual(
      [lengths.filter((hours) => hours === 25).length, lengths.filter((hours) => hours === 24).length],
      [1, 28],
    );
    const week = readAnalytics(database, { window: '7d', zone: 'Europe/Berlin' }, NOW);
    assert.deepEqual(week, readAnalytics(database, { window: '7d' }, NOW));
  });

  it('says since when it counted where older requests were removed; the sums stay', () => {
    const copy = () => readAnalytics(database, { window: '90d', provider: 'groq' }, NOW);
    const before = copy();
    const retention = createRetention({ retentionDays: () => 3, now: () => NOW, elapsed: () => 0 });
    while (retention.step(database));
    const after = copy();
    assert.deepEqual([after.totals, after.series, after.byModel], [before.totals, before.series, before.byModel]);
    assert.deepEqual(after.providerSeries, before.providerSeries);
    assert.equal(after.countedFrom, database.row('SELECT min(at) FROM requests')?.[0]);
    assert.ok(after.countedFrom > NOW - 3 * DAY - HOUR);
  });
});
