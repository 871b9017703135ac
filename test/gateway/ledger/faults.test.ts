import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LedgerError } from '../../../src/gateway/ledger/ledger.js';
import { nodeStorage } from '../../../src/gateway/ledger/nodeStorage.js';
import type { OpenLedger } from '../../../src/gateway/ledger/openLedger.js';
import type { StoragePort } from '../../../src/gateway/ledger/storage.js';
import { createFaultyStorage, type FaultPlan, trackStorage } from '../../support/faultyStorage.js';
import { keyChange, openBed, quota, request, setting, settled, value } from '../../support/ledger.js';
import { createManualClock } from '../../support/manualClock.js';
import { createMemoryStorage, type MemoryStorage } from '../../support/memoryStorage.js';

const KINDS = ['ENOSPC', 'EIO', 'torn'] as const;

/** What the ledger told us. */
interface Told {
  saved: string[];
  refused: string[];
  /** What was appended before something that was saved, and so must be there. */
  requests: string[];
  used: number;
}

/** Appends, saves and checkpoints, in two openings; `settle` waits until the disk is at rest, `isCut` ends it. */
async function workload(
  storage: StoragePort,
  folder: string,
  settle: () => Promise<void>,
  isCut: () => boolean = () => false,
  onRefused: (told: Told) => void = () => undefined,
): Promise<Told> {
  const told: Told = { saved: [], refused: [], requests: [], used: 0 };
  const appended = { requests: [] as string[], used: 0 };
  const clock = createManualClock();
  const save = async (ledger: OpenLedger, name: string) => {
    const before = { requests: [...appended.requests], used: appended.used };
    try {
      await ledger.save(setting(name));
      told.saved.push(name);
      told.requests = before.requests;
      told.used = before.used;
    } catch (error) {
      assert.ok(error instanceof LedgerError && error.kind === 'not-saved', String(error));
      told.refused.push(name);
      onRefused(structuredClone(told));
    }
  };
  for (let opening = 0; opening < 2; opening++) {
    let ledger: OpenLedger;
    try {
      ({ ledger } = await openBed(storage, { clock, folder }));
    } catch (error) {
      assert.ok(error instanceof LedgerError && error.kind === 'unusable', String(error));
      continue;
    }
    ledger.append(keyChange('k1'));
    for (let round = 0; round < 3; round++) {
      const id = `${opening}-${round}`;
      await Promise.all([save(ledger, `a${id}`), save(ledger, `b${id}`)]);
      for (const number of [1, 2, 3]) {
        ledger.append(request(`r${id}-${number}`));
        appended.requests.push(`r${id}-${number}`);
        appended.used += 1;
        ledger.append(quota(appended.used));
      }
      value(ledger, 'SELECT count(*) FROM requests');
      clock.advance(150);
      await settle();
      await save(ledger, `c${id}`);
      if (round > 0) {
        // Long enough for a checkpoint and for what failed to be tried again.
        clock.advance(30_000);
        await settle();
      }
      if (isCut()) return told;
    }
    await save(ledger, `last${opening}`);
    if (opening === 0) await ledger.close();
  }
  return told;
}

/** Opens what is left with a healthy disk and holds it against what was told. */
async function check(storage: StoragePort, folder: string, told: Told, what: string): Promise<void> {
  // Twice: what the first opening leaves must be as good.
  for (const time of ['first', 'second']) {
    const { ledger, notices } = await openBed(storage, { folder });
    const settings = new Set(
      ledger.query((database) => database.rows('SELECT name FROM settings')).map(([name]) => name),
    );
    const ids = new Set(ledger.query((database) => database.rows('SELECT id FROM requests')).map(([id]) => id));
    const where = `${what}, ${time} opening`;
    for (const name of told.saved) assert.ok(settings.has(name), `${where}: saved ${name} is lost`);
    for (const name of told.refused) assert.ok(!settings.has(name), `${where}: refused ${name} is there`);
    for (const id of told.requests) assert.ok(ids.has(id), `${where}: ${id} is lost`);
    const used = value(ledger, 'SELECT used FROM quota_windows') ?? 0;
    assert.ok(Number(used) >= told.used, `${where}: ${used} used of ${told.used}`);
    assert.equal(value(ledger, 'SELECT requests FROM rollups') ?? 0, ids.size, `${where}: sums differ`);
    assert.equal(value(ledger, 'SELECT requests FROM keys') ?? 0, ids.size, `${where}: a key's use differs`);
    assert.equal(value(ledger, 'PRAGMA integrity_check'), 'ok');
    assert.deepEqual(notices, [], where);
    await ledger.close();
  }
}

describe('the ledger on a failing disk', function () {
  this.timeout(120_000);
  const escaped: unknown[] = [];
  const onEscaped = (error: unknown) => void escaped.push(error);
  before(() => void process.on('unhandledRejection', onEscaped));
  after(() => void process.off('unhandledRejection', onEscaped));
  afterEach(() => assert.deepEqual(escaped.splice(0), []));

  const all = { saved: 0, refused: 0 };

  /**
   * Runs to the end, or until soon after the failure, and ends with a kill or a power cut; the disk is also looked at as it
   * is when the first save is refused. Returns how many calls failed.
   */
  async function survive(plan: FaultPlan, turn: number): Promise<number> {
    const isKilledSoon = turn % 2 === 0;
    const end = turn % 4 < 2 ? 'kill' : 'power cut';
    const disk = createMemoryStorage();
    const storage = createFaultyStorage(disk, plan);
    let atRefusal: { disk: MemoryStorage; told: Told } | null = null as { disk: MemoryStorage; told: Told } | null;
    const isCut = () => isKilledSoon && storage.failed().length > 0;
    const told = await workload(storage, '/ledger', settled, isCut, (then) => {
      atRefusal ??= { disk: disk.after(end), told: then };
    });
    all.saved += told.saved.length;
    all.refused += told.refused.length;
    const what = `${plan.kind} at ${plan.first}, ${plan.count} times (${storage.failed().slice(0, 4).join(', ')}), ${end}`;
    if (atRefusal) await check(atRefusal.disk, '/ledger', atRefusal.told, `${what} at once`);
    await check(disk.after(end), '/ledger', told, what);
    return storage.failed().length;
  }

  it('loses nothing it said was saved in a real folder', async () => {
    let failed = 0;
    for (let first = 4; first < 80; first += 9) {
      const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-faults-'));
      const tracked = trackStorage(nodeStorage);
      const storage = createFaultyStorage(tracked.storage, { kind: KINDS[first % 3] ?? 'EIO', first, count: 1 });
      try {
        const told = await workload(storage, folder, tracked.settled);
        failed += storage.failed().length;
        await check(nodeStorage, folder, told, `${first} in a real folder`);
      } finally {
        await tracked.closeFiles();
        rmSync(folder, { recursive: true, force: true });
      }
    }
    assert.ok(failed > 5);
  });

  it('loses nothing it said was saved when the disk is full from any call on', async () => {
    const counter = createFaultyStorage(createMemoryStorage(), null);
    await workload(counter, '/ledger', settled);
    for (let first = 1; first <= counter.calls(); first += 3) {
      await survive({ kind: 'full', first, count: Number.POSITIVE_INFINITY }, first);
    }
  });

  it('loses nothing it said was saved, whichever call fails', async () => {
    const counter = createFaultyStorage(createMemoryStorage(), null);
    await workload(counter, '/ledger', settled);
    const survived = { ENOSPC: 0, EIO: 0, torn: 0 };
    for (let first = 1; first <= counter.calls(); first++) {
      for (const [at, kind] of KINDS.entries()) {
        survived[kind] += await survive({ kind, first, count: 1 }, first + at);
      }
      // Several calls in a row: what cleans up after the first failure fails as well.
      const kind = KINDS[first % KINDS.length] ?? 'EIO';
      survived[kind] += await survive({ kind, first, count: 4 }, first);
    }
    const total = survived.ENOSPC + survived.EIO + survived.torn;
    assert.ok(total > 200);
    assert.ok(all.refused > 100 && all.saved > all.refused);
    const parts = KINDS.map((kind) => `${kind} ${survived[kind]}`).join(', ');
    console.log(`      ledger faults: survived ${total} injected faults (${parts})`);
  });
});
