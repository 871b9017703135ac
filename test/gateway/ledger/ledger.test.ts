import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { LedgerChange } from '../../../src/gateway/ledger/changes.js';
import { LedgerError } from '../../../src/gateway/ledger/ledger.js';
import { nodeStorage } from '../../../src/gateway/ledger/nodeStorage.js';
import { readLedgerState } from '../../../src/gateway/ledger/restore.js';
import { keyChange, openBed, quota, request, requestRow, setting, settled, value } from '../../support/ledger.js';
import { createMemoryStorage } from '../../support/memoryStorage.js';

const NOW = Date.UTC(2026, 10, 21, 12);
const DAY = 86_400_000;

const model = {
  id: 'llama-3.3-70b-versatile',
  name: 'Llama 3.3 70B',
  contextWindow: 131_072,
  maxOutput: null,
  hasTools: true,
  hasVision: false,
  hasReasoning: false,
};
const limit = { id: 'groq/k1', kind: 'rpd' as const, limit: 1000, source: 'header' as const, learnedAt: NOW };
const cooldown = {
  id: 'c1',
  scope: 'key',
  target: 'k1',
  provider: 'groq',
  model: null,
  keyId: 'k1',
  kind: 'rate_limit',
  since: NOW,
  until: NOW + DAY,
  streak: 2,
};

/** Each change of the union, and what undoes it. */
const measurement = {
  model: 'groq/a',
  at: NOW,
  good: 3.5,
  bad: 0.25,
  firstLog: 12.5,
  firstWeight: 2,
  rateLog: 9.75,
  rateWeight: 1.5,
};
const changes: readonly LedgerChange[] = [
  keyChange('k1'),
  keyChange('k2'),
  { type: 'key.removed', id: 'k2' },
  request('r1'),
  {
    type: 'chain',
    entries: [
      { model: 'groq/a', isEnabled: true },
      { model: 'gemini/b', isEnabled: false },
    ],
  },
  { type: 'profile', profile: { name: 'code', chain: ['groq/a'], strategy: 'fastest', contextWindow: 8192 } },
  { type: 'profile', profile: { name: 'gone', chain: [], strategy: null, contextWindow: null } },
  { type: 'profile.removed', name: 'gone' },
  setting('queue', { timeoutSeconds: 60 }),
  setting('old', 1),
  { type: 'setting', name: 'old' },
  { type: 'models', provider: 'groq', models: [model], learnedAt: NOW },
  { type: 'model.gone', provider: 'groq', model: 'x', since: NOW },
  { type: 'model.gone', provider: 'groq', model: 'y', since: NOW },
  { type: 'model.back', provider: 'groq', model: 'y' },
  quota(7),
  quota(5),
  { type: 'measurements', rows: [{ ...measurement, good: 1 }, measurement] },
  { type: 'quota.limit', limit },
  { type: 'quota.limit', limit: { ...limit, kind: 'rpm' } },
  { type: 'quota.limit.removed', id: limit.id, kind: 'rpm' },
  { type: 'cooldown', cooldown },
  { type: 'cooldown', cooldown: { ...cooldown, id: 'c2' } },
  { type: 'cooldown.lifted', id: 'c2' },
];

const expected = {
  keys: [
    {
      id: 'k1',
      provider: 'groq',
      health: 'healthy',
      healthMessage: null,
      checkedAt: 1000,
      requests: 1,
      tokens: 120,
      lastUsedAt: NOW,
    },
  ],
  chain: [
    { model: 'groq/a', isEnabled: true },
    { model: 'gemini/b', isEnabled: false },
  ],
  profiles: [{ name: 'code', chain: ['groq/a'], strategy: 'fastest', contextWindow: 8192 }],
  settings: new Map([['queue', { timeoutSeconds: 60 }]]),
  models: [{ provider: 'groq', learnedAt: NOW, models: [model] }],
  goneModels: [{ provider: 'groq', model: 'x', since: NOW }],
  quotaWindows: [
    {
      id: 'groq/k1',
      kind: 'rpd',
      provider: 'groq',
      model: null,
      keyId: 'k1',
      startsAt: 1000,
      endsAt: Number.MAX_SAFE_INTEGER,
      used: 5,
    },
  ],
  quotaLimits: [limit],
  cooldowns: [cooldown],
  measurements: [measurement],
  lastAnswer: {
    at: NOW + 900,
    outcome: {
      status: 'success',
      httpStatus: 200,
      provider: 'groq',
      model: 'llama-3.3-70b-versatile',
      keyId: 'k1',
      firstTokenMs: 120,
      totalMs: 900,
      promptTokens: 100,
      completionTokens: 20,
      fallbacks: [{ provider: 'gemini', model: 'gemini-2.5-flash', kind: 'rate_limit' }],
      errorCode: null,
    },
  },
};

describe('the ledger', () => {
  for (const end of ['close', 'kill', 'power cut'] as const) {
    it(`has every kind of change again after a ${end}`, async () => {
      const disk = createMemoryStorage();
      const { ledger, clock } = await openBed(disk);
      for (const change of changes) ledger.append(change);
      assert.deepEqual(
        ledger.query((database) => readLedgerState(database, NOW)),
        expected,
      );
      if (end === 'close') await ledger.close();
      clock.advance(150);
      await settled();
      const again = await openBed(end === 'close' ? disk : disk.after(end));
      assert.deepEqual(
        again.ledger.query((database) => readLedgerState(database, NOW)),
        expected,
      );
      assert.equal(value(again.ledger, 'SELECT count(*) FROM attempts'), 1, 'the answer is in its request');
      assert.deepEqual(again.notices, []);
      await again.ledger.close();
    });
  }

  it('is the same when every change is applied twice, and counts a request once', async () => {
    const { ledger } = await openBed(createMemoryStorage());
    for (const change of changes) ledger.append(change);
    for (const change of changes) ledger.append(change);
    assert.deepEqual(
      ledger.query((database) => readLedgerState(database, NOW)),
      expected,
    );
    assert.equal(value(ledger, 'SELECT requests FROM rollups'), 1);
    await ledger.close();
  });

  it('keeps an empty chain apart from the catalog’s order', async () => {
    const { ledger } = await openBed(createMemoryStorage());
    const chain = () => ledger.query((database) => readLedgerState(database, NOW).chain);
    assert.equal(chain(), null);
    await ledger.save({ type: 'chain', entries: [] });
    assert.deepEqual(chain(), []);
    await ledger.save({ type: 'chain', entries: null });
    assert.equal(chain(), null);
    await ledger.close();
  });

  it('has what was saved on the disk when it says so', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk);
    await ledger.save(keyChange('k1'));
    for (const end of ['kill', 'power cut'] as const) {
      const again = await openBed(disk.after(end));
      assert.equal(value(again.ledger, 'SELECT id FROM keys'), 'k1');
    }
  });

  it('has what was appended on the disk within 250 ms', async () => {
    const disk = createMemoryStorage();
    const { ledger, clock } = await openBed(disk);
    await settled();
    ledger.append(request('r1'));
    clock.advance(200);
    await settled();
    ledger.append(request('r2'));
    const again = await openBed(disk.after('power cut'));
    assert.deepEqual(
      again.ledger.query((database) => database.rows('SELECT id FROM requests')),
      [['r1']],
    );
  });

  it('leaves the last of two changes standing, though a query came while the first was being saved', async () => {
    const { ledger } = await openBed(createMemoryStorage());
    const saved = ledger.save(setting('a', 1));
    ledger.append(setting('a', 2));
    assert.equal(value(ledger, "SELECT value FROM settings WHERE name = 'a'"), '2');
    await saved;
    await settled();
    assert.equal(value(ledger, "SELECT value FROM settings WHERE name = 'a'"), '2');
    await ledger.close();
  });

  it('drops at its start what is over', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk);
    ledger.append(quota(3, NOW - 50 * DAY, NOW - 49 * DAY));
    ledger.append(quota(4, NOW - 2 * DAY, NOW - DAY));
    ledger.append({ type: 'cooldown', cooldown: { ...cooldown, until: NOW - 1 } });
    await ledger.close();
    const again = await openBed(disk);
    assert.deepEqual(
      again.ledger.query((database) => database.rows('SELECT used FROM quota_windows')),
      [[4]],
    );
    assert.deepEqual(
      again.ledger.query((database) => readLedgerState(database, NOW).quotaWindows),
      [],
    );
    assert.equal(value(again.ledger, 'SELECT count(*) FROM cooldowns'), 0);
    await again.ledger.close();
  });

  it('leaves a change out that does not fit, and makes the others', async () => {
    const disk = createMemoryStorage();
    const { ledger, lines } = await openBed(disk);
    const bad = { type: 'request', row: requestRow('bad', { model: null as unknown as string }) } as const;
    for (const change of [request('r1'), bad, request('r2')]) ledger.append(change);
    assert.equal(value(ledger, 'SELECT count(*) FROM requests'), 2);
    assert.equal(value(ledger, 'SELECT requests FROM rollups'), 2);
    assert.ok(lines.some((line) => line.startsWith('error a change does not fit the database')));
    await assert.rejects(ledger.save(bad), { name: 'LedgerError', kind: 'not-saved' });
    const circular: { self?: unknown } = {};
    circular.self = circular;
    ledger.append(setting('circular', circular));
    await assert.rejects(ledger.save(setting('circular', circular)), { kind: 'not-saved' });
    await ledger.close();
    await assert.rejects(ledger.save(setting('late')), LedgerError);
    const again = await openBed(disk);
    assert.equal(value(again.ledger, 'SELECT count(*) FROM requests'), 2);
    await again.ledger.close();
  });

  it('leaves no timer behind', async () => {
    const { ledger, clock } = await openBed(createMemoryStorage());
    ledger.append(request('r1'));
    await ledger.close();
    await ledger.close();
    assert.deepEqual(clock.pending(), []);
  });

  it('is an ordinary SQLite database in a real folder', async function () {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-ledger-'));
    try {
      for (const id of ['r1', 'r2', 'r3']) {
        const { ledger, notices } = await openBed(nodeStorage, { folder });
        await ledger.save(keyChange('k1'));
        ledger.append(request(id));
        await ledger.close();
        assert.deepEqual(notices, []);
      }
      const names = await nodeStorage.list(folder);
      assert.deepEqual(names.filter((name) => !name.endsWith('.journal')).sort(), [
        'ledger.previous.sqlite',
        'ledger.sqlite',
      ]);
      const tool = (sql: string) =>
        execFileSync('sqlite3', [path.join(folder, 'ledger.sqlite'), sql], { encoding: 'utf8' }).trim();
      try {
        tool('SELECT 1');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.skip();
        throw error;
      }
      assert.equal(tool('PRAGMA integrity_check'), 'ok');
      assert.equal(tool('SELECT count(*) FROM requests'), '3');
      // A tool may change it while we are closed.
      tool("UPDATE keys SET health = 'invalid'");
      const { ledger, notices } = await openBed(nodeStorage, { folder });
      assert.equal(value(ledger, 'SELECT health FROM keys'), 'invalid');
      assert.deepEqual(notices, []);
      await ledger.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('can be opened when somebody wrote no JSON into a setting or a profile', async () => {
    const { ledger } = await openBed(createMemoryStorage());
    await ledger.save(setting('good', 7));
    ledger.maintain((database) => {
      database.script(
        "INSERT INTO settings VALUES ('bad', 'nine'); INSERT INTO profiles VALUES ('p', 'x', null, null)",
      );
    });
    const state = ledger.query((database) => readLedgerState(database, NOW));
    assert.deepEqual([...state.settings], [['good', 7]]);
    assert.deepEqual(state.profiles[0]?.chain, []);
    await ledger.close();
  });
});
