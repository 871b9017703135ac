import assert from 'node:assert/strict';
import { createRetention, HOURLY_DAYS, MAX_REQUESTS } from '../../../src/gateway/ledger/retention.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import {
  attemptRow,
  insertRequest,
  loadLedgerDatabase,
  type OpenDatabase,
  readAnalytics,
  record,
  requestRow,
} from '../../support/ledgerRows.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');
const DAY = 86_400_000;

describe('retention', () => {
  let open: OpenDatabase;
  before(async () => {
    open = await loadLedgerDatabase();
  });
  const numberOf = (database: SqlDatabase, sql: string) => Number(database.row(sql)?.[0]);
  const requests = (database: SqlDatabase) => numberOf(database, 'SELECT count(*) FROM requests');

  it('removes what is older than the setting, with its attempts, and nothing else', () => {
    const database = open();
    const ages = [0, 29, 30, 31, 200];
    record(
      database,
      ages.map((age) =>
        requestRow({ id: `r${age}`, at: NOW - age * DAY, attempts: [attemptRow({ kind: 'slow' }), attemptRow({})] }),
      ),
    );
    const retention = createRetention({ retentionDays: () => 30, now: () => NOW, elapsed: () => 0 });
    while (retention.step(database));
    const ids = (table: string, column: string) =>
      database.rows(`SELECT ${column} FROM ${table} ORDER BY 1`).map(([id]) => id);
    assert.deepEqual(ids('requests', 'id'), ['r0', 'r29', 'r30']);
    assert.deepEqual(ids('attempts', 'request_id'), ['r0', 'r29', 'r30']);
    assert.equal(retention.step(database), false);
    database.close();
  });

  it(`removes hourly sums after ${HOURLY_DAYS} days and keeps the daily ones`, () => {
    const database = open();
    record(
      database,
      Array.from({ length: 130 }, (_, age) =>
        requestRow({ id: `r${age}`, at: NOW - age * DAY, attempts: [attemptRow({ kind: 'slow' }), attemptRow({})] }),
      ),
    );
    const retention = createRetention({ retentionDays: () => 90, now: () => NOW, elapsed: () => 0 });
    while (retention.step(database));
    const days = (grain: string) =>
      database.row(`SELECT count(DISTINCT start) FROM rollups WHERE grain = ?`, [grain])?.[0];
    // The hour that runs 100 days ago began before.
    assert.deepEqual([days('hour'), days('day')], [100, 130]);
    assert.equal(readAnalytics(database, '90d', NOW).totals.requests, 90);
    database.close();
  });

  it('works at 100,000 rows in slices that end when their time is over, and holds the rows at the limit', function () {
    this.timeout(60_000);
    const database = open();
    const more = 3000;
    database.transaction(() => {
      const row = requestRow({ id: '', at: 0, attempts: [attemptRow({ kind: 'slow' }), attemptRow({})] });
      for (let id = 0; id < MAX_REQUESTS + more; id++) {
        insertRequest(database, { ...row, id: `r${(id * 7919) % 1_000_003}`, at: NOW - id * 60_000 });
      }
    });
    const oldest = numberOf(database, `SELECT at FROM requests ORDER BY at DESC LIMIT 1 OFFSET ${MAX_REQUESTS - 1}`);
    // A look at the time takes 1 ms here: a slice is 4 looks, and so 4 batches.
    let looks = 0;
    const retention = createRetention({ retentionDays: () => 90, now: () => NOW, elapsed: () => looks++ });
    let longest = 0;
    let isMore = true;
    let slices = 0;
    while (isMore) {
      const before = requests(database);
      const start = performance.now();
      isMore = retention.step(database);
      longest = Math.max(longest, performance.now() - start);
      slices += 1;
      assert.ok(before - requests(database) <= 4 * 25);
    }
    console.log(`      longest slice of ${slices}: ${longest.toFixed(1)} ms`);
    assert.equal(slices, more / 100 + 1);
    assert.equal(requests(database), MAX_REQUESTS);
    assert.equal(numberOf(database, 'SELECT min(at) FROM requests'), oldest);
    assert.equal(numberOf(database, 'SELECT count(DISTINCT request_id) FROM attempts'), MAX_REQUESTS);
    database.close();
  });
});
