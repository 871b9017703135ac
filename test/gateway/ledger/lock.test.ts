import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  acquireLock,
  type LedgerLock,
  LOCK_PATIENCE,
  type LockLoss,
  type LockPatience,
} from '../../../src/gateway/ledger/lock.js';
import { nodeStorage } from '../../../src/gateway/ledger/nodeStorage.js';
import { currentProcess, type ProcessIdentity } from '../../../src/gateway/ledger/processIdentity.js';
import type { StoragePort } from '../../../src/gateway/ledger/storage.js';
import type { Log } from '../../../src/gateway/ports.js';
import { processOf, settled } from '../../support/ledger.js';
import { createManualClock, type ManualClock } from '../../support/manualClock.js';
import { createMemoryStorage, fail, type MemoryStorage } from '../../support/memoryStorage.js';

const ALIVE = [1, 2, 3, 4, 5, 6, 7, 8];

describe('the ledger’s lock', () => {
  let clock: ManualClock;
  let disk: MemoryStorage;
  const lines: string[] = [];
  const log: Log = { log: (level, _component, message) => void lines.push(`${level} ${message}`) };
  beforeEach(() => {
    lines.length = 0;
    clock = createManualClock();
    disk = createMemoryStorage(clock.now);
  });

  function take(
    identity: ProcessIdentity,
    instance: string,
    more: { patience?: LockPatience; storage?: StoragePort; onLost?: (how: LockLoss) => void } = {},
  ): Promise<LedgerLock> {
    const { patience = { live: 0, unknown: 0 }, storage = disk, onLost = () => undefined } = more;
    return acquireLock({ storage, clock, log, identity }, '/ledger', instance, patience, onLost);
  }
  const isLocked = (taking: Promise<LedgerLock>) => assert.rejects(taking, { name: 'LedgerError', kind: 'locked' });

  it('is one gateway’s at a time', async () => {
    const lock = await take(processOf(1, ALIVE), 'a');
    assert.ok(await lock.isHeld());
    await isLocked(take(processOf(2, ALIVE), 'b'));
    await lock.release();
    assert.equal(await lock.isHeld(), false);
    const next = await take(processOf(2, ALIVE), 'b');
    await lock.release();
    assert.ok(await next.isHeld());
    await next.release();
    assert.deepEqual([...disk.files().keys()], []);
    assert.deepEqual(clock.pending(), []);
  });

  it('is waited for while a gateway closes', async () => {
    const lock = await take(processOf(1, ALIVE), 'a');
    const taking = take(processOf(2, ALIVE), 'b', { patience: LOCK_PATIENCE });
    await settled();
    clock.advance(1_000);
    await lock.release();
    await settled();
    clock.advance(50);
    assert.ok(await (await taking).isHeld());
    const late = isLocked(take(processOf(3, ALIVE), 'c', { patience: { live: 100, unknown: 0 } }));
    for (let at = 0; at < 3; at++) {
      await settled();
      clock.advance(50);
    }
    await late;
  });

  it('is taken over from a dead process, a reused pid that does not refresh it and an earlier thread of our own', async () => {
    await take(processOf(1), 'a');
    const second = await take(processOf(2), 'b');
    assert.ok(await second.isHeld());
    const reused: ProcessIdentity = {
      ...processOf(3),
      isAlive: () => true,
      startOf: async (pid) => `another-start-${pid}`,
    };
    // It may as well be a container's: they count their own pids.
    await isLocked(take(reused, 'c'));
    await isLocked(take({ ...reused, pid: 2 }, 'c'));
    disk.put('ledger.lock', disk.files().get('ledger.lock') ?? Buffer.alloc(0), clock.now() - 15_001);
    const third = await take(reused, 'c');
    assert.ok(await third.isHeld());
    assert.ok(await (await take(reused, 'd')).isHeld());
    assert.ok(await (await take({ ...reused, startOf: async () => null }, 'e')).isHeld());
    assert.deepEqual([...disk.files().keys()], ['ledger.lock']);
  });

  it('is another machine’s as long as that refreshes it', async () => {
    const lost: string[] = [];
    await take(processOf(1, [], 'there'), 'a', { onLost: (how) => lost.push(how) });
    for (let at = 0; at < 6; at++) {
      clock.advance(5_000);
      await settled();
      await isLocked(take(processOf(2), 'b'));
    }
    // It sleeps: its refresh does not come.
    const kept = disk.files().get('ledger.lock') ?? Buffer.alloc(0);
    disk.put('ledger.lock', kept, clock.now() - 15_001);
    assert.ok(await (await take(processOf(2), 'b')).isHeld());
    clock.advance(5_000);
    await settled();
    assert.deepEqual(lost, ['taken']);
  });

  it('is taken over when nobody can read it and it is old', async () => {
    disk.put('ledger.lock', Buffer.from('{"pid":'), clock.now() - 14_000);
    await isLocked(take(processOf(2), 'b'));
    clock.advance(1_001);
    assert.ok(await (await take(processOf(2), 'b')).isHeld());
  });

  it('is waited for until it is old when nobody can say whether its holder runs, and not for long when one does', async () => {
    const waiting = async (taking: Promise<LedgerLock>) => {
      const since = clock.now();
      let isOver = false;
      const ended = taking.then(
        () => 'taken',
        () => 'locked',
      );
      void ended.then(() => {
        isOver = true;
      });
      for (await settled(); !isOver; await settled()) clock.advance(50);
      return `${await ended} after ${clock.now() - since}`;
    };
    const patience = LOCK_PATIENCE;
    disk.put('ledger.lock', Buffer.alloc(0), clock.now());
    assert.equal(await waiting(take(processOf(2, ALIVE), 'b', { patience })), 'taken after 15050');
    assert.equal(await waiting(take(processOf(3, ALIVE), 'c', { patience })), 'locked after 2500');
    assert.equal(await waiting(take(processOf(4, [], 'there'), 'd', { patience })), 'locked after 20000');
  });

  it('says at once that it is waited for, and why', async () => {
    const patience = LOCK_PATIENCE;
    for (const [text, said] of [
      ['', /^warn .+ledger\.lock does not say whose lock it is: FreeLLM waits until .+ 15 s$/],
      ['{"pid":1}', /^warn .+ledger\.lock does not say whose lock it is: FreeLLM waits until .+ 15 s$/],
      ['{"pid":9,"hostname":"there","instance":"i"}', /^warn nobody can tell .+\(process 9 on there\) still runs/],
      [
        '{"pid":2,"hostname":"here","instance":"i","startedAt":"start-2"}',
        /^info another .+\(process 2\): FreeLLM waits/,
      ],
    ] as const) {
      lines.length = 0;
      disk.put('ledger.lock', Buffer.from(text), clock.now());
      const taking = take(processOf(1, ALIVE), 'a', { patience });
      await settled();
      assert.equal(lines.length, 1, text);
      assert.match(lines[0] ?? '', said);
      await disk.remove('ledger.lock');
      clock.advance(50);
      await (await taking).release();
      assert.equal(lines.length, 1, 'said once');
    }
  });

  it('is freed of what starts left that were cut off while they waited', async () => {
    const owner = (pid: number) =>
      JSON.stringify({ pid, hostname: 'here', instance: `i${pid}`, startedAt: `start-${pid}` });
    disk.put('ledger.lock.i100.tmp', Buffer.from(owner(100)), clock.now());
    disk.put('ledger.lock.i2.tmp', Buffer.from(owner(2)), clock.now());
    disk.put('ledger.lock.empty.tmp', Buffer.alloc(0), clock.now() - 15_001);
    const lock = await take(processOf(1, ALIVE), 'a');
    assert.deepEqual(
      [...disk.files().keys()].sort(),
      ['ledger.lock', 'ledger.lock.i2.tmp'],
      'one that still waits stays',
    );
    await lock.release();
  });

  it('is won by one of many that find it stale at once', async () => {
    await take(processOf(100), 'dead');
    for (let round = 0; round < 20; round++) {
      const taking = ALIVE.map((pid) => take(processOf(pid, ALIVE), `${round}-${pid}`));
      const won = (await Promise.allSettled(taking)).filter(({ status }) => status === 'fulfilled');
      assert.equal(won.length, 1);
      const owner = disk.files().get('ledger.lock') ?? Buffer.alloc(0);
      disk.put('ledger.lock', Buffer.from(owner.toString().replace(/"pid":\d+/, '"pid":100')));
    }
  });

  it('is taken over though somebody died while taking it over', async () => {
    await take(processOf(100), 'dead');
    const owner = disk.files().get('ledger.lock') ?? Buffer.alloc(0);
    disk.put('ledger.lock.dead.taken.tmp', Buffer.from(owner.toString().replace('"dead"', '"died too"')));
    const taking = take(processOf(1), 'a', { patience: LOCK_PATIENCE });
    await settled();
    clock.advance(50);
    assert.ok(await (await taking).isHeld());
  });

  it('needs no links', async () => {
    const storage: StoragePort = { ...disk, link: async () => fail('EPERM') };
    const lock = await take(processOf(1, ALIVE), 'a', { storage });
    await isLocked(take(processOf(2, ALIVE), 'b', { storage }));
    await lock.release();
    assert.deepEqual([...disk.files().keys()], []);
  });

  it('knows real processes', async () => {
    const identity = currentProcess();
    assert.ok(identity.isAlive(process.pid));
    assert.equal(identity.isAlive(2 ** 22 + 1), false);
    if (process.platform === 'linux') {
      assert.match((await identity.startOf(process.pid)) ?? '', /^[\w-]{36}:\d+$/);
      assert.equal(await identity.startOf(2 ** 22 + 1), null);
    }
  });

  it('works in a real folder', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-lock-'));
    try {
      const ports = { storage: nodeStorage, clock, log };
      const patience = { live: 0, unknown: 0 };
      const acquire = (pid: number, instance: string) =>
        acquireLock({ ...ports, identity: processOf(pid, [1, 2]) }, folder, instance, patience, () => undefined);
      const lock = await acquire(1, 'a');
      await isLocked(acquire(2, 'b'));
      await lock.release();
      await (await acquire(2, 'b')).release();
      assert.deepEqual(await nodeStorage.list(folder), []);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
