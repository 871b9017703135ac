import assert from 'node:assert/strict';
import { Rollups } from '../../../src/gateway/ledger/rollups.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import {
  attemptRow,
  loadLedgerDatabase,
  type OpenDatabase,
  readAnalytics,
  record,
  requestRow,
} from '../../support/ledgerRows.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');

describe('roll-ups', () => {
  let open: OpenDatabase;
  before(async () => {
    open = await loadLedgerDatabase();
  });

  it('counts a request under who answered and a failed attempt under who failed', () => {
    const database = open();
    const failed = attemptRow({ provider: 'google', model: 'gemini', keyId: 'key_2', kind: 'rate_limit' });
    record(database, [requestRow({ id: 'a', at: NOW, attempts: [failed, attemptRow({})] })]);
    const { totals, byProvider, byKey, errorsByKind } = readAnalytics(database, '24h', NOW);
    const brief = byProvider.map((each) => [each.provider, each.requests, each.fallbacks, each.failedAttempts]);
    assert.deepEqual(brief, [
      ['groq', 1, 1, 0],
      ['google', 0, 0, 1],
    ]);
    assert.deepEqual(
      byKey.map(({ keyId, latencyMs }) => [keyId, latencyMs?.p50]),
      [
        ['key_1', 1500],
        ['key_2', undefined],
      ],
    );
    assert.deepEqual(
      [totals.requests, totals.failedAttempts, errorsByKind],
      [1, 1, [{ kind: 'rate_limit', count: 1 }]],
    );
    database.close();
  });

  it('measures the first token and the speed of streams only, and the latency of successes only', () => {
    const database = open();
    record(database, [
      requestRow({ id: 'plain', at: NOW, isStream: false, totalMs: 3000, firstTokenMs: 3000 }),
      requestRow({
        id: 'broken',
        at: NOW,
        status: 'error',
        errorCode: 'upstream_failed',
        totalMs: 9000,
        completionTokens: null,
      }),
      requestRow({ id: 'slow', at: NOW, firstTokenMs: 200, totalMs: 10_200, completionTokens: 34 }),
    ]);
    const { latencyMs, firstTokenMs, tokensPerSecond } = readAnalytics(database, '24h', NOW).totals;
    assert.deepEqual(latencyMs, { p50: 3000, p95: 10_200, p99: 10_200 });
    assert.deepEqual(firstTokenMs, { p50: 200, p95: 500, p99: 500 });
    assert.deepEqual(tokensPerSecond, { p50: 3.4, p95: 3.4, p99: 3.4 });
    database.close();
  });

  it('costs the rows that a batch touches, not its requests', () => {
    const database = open();
    let runs = 0;
    const counting: SqlDatabase = {
      ...database,
      run(sql, params) {
        runs += 1;
        database.run(sql, params);
      },
      row: (sql, params) => database.row(sql, params),
    };
    const rollups = new Rollups();
    for (let id = 0; id < 500; id++) rollups.add(requestRow({ id: `r${id}`, at: NOW }));
    rollups.flush(counting);
    // Total, model, key and client, each for the hour and the day.
    assert.equal(runs, 8);
    assert.equal(readAnalytics(database, '24h', NOW).totals.requests, 500);
    database.close();
  });

  it('serves one transaction: a second use of it is an error, never a double count', () => {
    const database = open();
    const rollups = new Rollups();
    rollups.add(requestRow({ id: 'a', at: NOW }));
    rollups.flush(database);
    assert.throws(() => rollups.add(requestRow({ id: 'b', at: NOW })));
    assert.throws(() => rollups.flush(database));
    assert.equal(readAnalytics(database, '24h', NOW).totals.requests, 1);
    database.close();
  });
});
