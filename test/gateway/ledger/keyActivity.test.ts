import assert from 'node:assert/strict';
import { keyActivitySteps } from '../../../src/gateway/ledger/keyActivity.js';
import type { SqlDatabase } from '../../../src/gateway/ledger/sqlite.js';
import { type KeyActivity, keyActivity } from '../../../src/protocol/analytics.js';
import { attemptRow, loadLedgerDatabase, record, requestRow } from '../../support/ledgerRows.js';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-21T13:27:00Z');

function read(database: SqlDatabase, keyId: string): KeyActivity {
  const steps = keyActivitySteps(database, keyId, NOW);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

describe('the activity of a key', () => {
  let database: SqlDatabase;
  before(async () => {
    database = (await loadLedgerDatabase())();
    const failed = attemptRow({ kind: 'rate_limit', httpStatus: 429, ms: 40 });
    record(database, [
      requestRow({ id: 'now', at: NOW - 1000 }),
      // It failed here, and another key answered.
      requestRow({
        id: 'moved',
        at: NOW - 2 * HOUR,
        keyId: 'key_2',
        attempts: [failed, attemptRow({ keyId: 'key_2' })],
      }),
      requestRow({
        id: 'refused',
        at: NOW - 2 * HOUR - 1,
        status: 'error',
        provider: null,
        servedModel: null,
        keyId: null,
        attempts: [{ ...failed, kind: 'overloaded' }],
      }),
      requestRow({ id: 'old', at: NOW - 25 * HOUR }),
      requestRow({ id: 'other', at: NOW - 5000, keyId: 'key_3', attempts: [attemptRow({ keyId: 'key_3' })] }),
    ]);
  });
  after(() => database.close());

  it('is what it answered and what it failed, in the last 24 hours', () => {
    const activity = read(database, 'key_1');
    assert.deepEqual(keyActivity.parse(activity), activity);
    assert.deepEqual([activity.totals.successes, activity.totals.failedAttempts], [1, 2]);
    assert.deepEqual(
      [activity.series.length, activity.series.at(-1)?.successes, activity.to - activity.from],
      [24, 1, 24 * HOUR],
    );
    assert.deepEqual(activity.byModel, [{ model: 'llama', answered: 1, failedAttempts: 2 }]);
    assert.deepEqual(activity.errorsByKind.map(({ kind, count }) => [kind, count]).sort(), [
      ['overloaded', 1],
      ['rate_limit', 1],
    ]);
    assert.deepEqual(
      activity.requests.map(({ id }) => id),
      ['now', 'moved', 'refused'],
    );
    assert.deepEqual(activity.totals.latencyMs, { p50: 1500, p95: 1500, p99: 1500 });
  });

  it('is nothing for a key that did nothing', () => {
    const { totals, requests, byModel } = read(database, 'key_9');
    assert.deepEqual([totals.requests, totals.latencyMs, requests, byModel], [0, null, [], []]);
  });
});
