import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { Bookkeeping } from '../../../src/gateway/ledger/bookkeeping.js';
import type { LedgerNotice } from '../../../src/gateway/ledger/ledger.js';
import { openBooks } from '../../../src/gateway/ledger/openBooks.js';
import type { StoragePort } from '../../../src/gateway/ledger/storage.js';
import { openBed, quota, request, setting, wasmFile } from '../../support/ledger.js';
import { createManualClock, type ManualClock } from '../../support/manualClock.js';
import { createMemoryStorage, fail, type MemoryStorage } from '../../support/memoryStorage.js';

const log = { log: () => undefined };

/** A disk that refuses what `code` says until it is null. */
class Refusing {
  code: string | null = 'EROFS';
  readonly storage: StoragePort;

  constructor(disk: MemoryStorage, isUnreadable = false) {
    const refuse = (what: string) => {
      if (this.code !== null) fail(this.code, what);
    };
    this.storage = {
      ...disk,
      writeWhole: async (file, bytes) => {
        refuse(file);
        await disk.writeWhole(file, bytes);
      },
      read: async (file, onPiece) => {
        if (isUnreadable) refuse(file);
        return await disk.read(file, onPiece);
      },
    };
  }
}

describe('a ledger whose folder cannot be used at the start', () => {
  let clock: ManualClock;
  let disk: MemoryStorage;
  let books: Bookkeeping;
  let notices: LedgerNotice[];
  beforeEach(() => {
    clock = createManualClock();
    disk = createMemoryStorage(clock.now);
    books = new Bookkeeping(true);
    notices = [];
  });
  afterEach(() => books.close());

  async function open(storage: StoragePort): Promise<void> {
    let opened = 0;
    const randomHex = (bytes: number) => Buffer.alloc(bytes, 0xa0 + ++opened).toString('hex');
    await openBooks({ clock, log, randomHex, storage }, books, {
      dataDir: '/ledger',
      wasmFile,
      retentionDays: () => 90,
      onNotice: (notice) => {
        notices.push(notice);
        books.accept(notice);
      },
    });
  }
  const kinds = () => notices.map(({ kind }) => kind);
  const count = () => books.query((database) => database.row('SELECT count(*) FROM requests')?.[0]);
  const used = () => books.query((database) => database.row('SELECT used FROM quota_windows')?.[0]);
  /** Lets the next try come, and waits for what it leads to: SQLite and the process's own facts take real time. */
  async function retry(isOver: () => boolean): Promise<void> {
    clock.advance(5_000);
    while (!isOver()) await turn();
  }
  const isArmed = () => clock.pending().includes(5_000);
  const isToldTwice = () => notices.length === 2;
  async function fill(name: string): Promise<void> {
    const { ledger } = await openBed(disk);
    await ledger.save(setting(name));
    ledger.append(request(name));
    ledger.append(quota(5));
    await ledger.close();
  }
  async function assertHeld(settings: string[], requests: number, quotaUsed: number): Promise<void> {
    const { ledger } = await openBed(disk);
    ledger.query((database) => {
      assert.deepEqual(database.rows('SELECT name FROM settings ORDER BY name').flat(), settings);
      assert.equal(database.row('SELECT count(*) FROM requests')?.[0], requests);
      assert.equal(database.row('SELECT used FROM quota_windows')?.[0], quotaUsed);
    });
    await ledger.close();
  }

  for (const code of ['EROFS', 'ENOSPC']) {
    it(`is opened within 6 s of the end of ${code}, with what was counted meanwhile`, async () => {
      await fill('s1');
      const refusing = new Refusing(disk);
      refusing.code = code;
      await open(refusing.storage);
      assert.deepEqual(kinds(), ['unusable']);
      books.append(request('r2'));
      books.append(quota(6));
      assert.deepEqual([count(), used()], [2, 6]);
      await assert.rejects(books.save(setting('s2')), { kind: 'not-saved' });
      const before = disk.files();
      for (let tries = 0; tries < 3; tries++) await retry(isArmed);
      assert.deepEqual(disk.files(), before, 'nothing was touched');
      assert.deepEqual(kinds(), ['unusable'], 'said once');
      assert.equal(books.state.isSaving, false);

      refusing.code = null;
      books.append(request('r3'));
      await retry(isToldTwice);
      assert.deepEqual(kinds(), ['unusable', 'saving-again']);
      assert.deepEqual(books.state, { isSaving: true, message: null });
      await books.save(setting('s3'));
      books.append(quota(7));
      assert.deepEqual([count(), used()], [3, 7]);
      await books.close();
      assert.deepEqual(clock.pending(), []);
      await assertHeld(['s1', 's3'], 3, 7);
    });
  }

  it('begins a new one where there was none, with all that was counted', async () => {
    const refusing = new Refusing(disk);
    await open(refusing.storage);
    for (let number = 0; number < 1_200; number++) books.append(request(`r${number}`));
    refusing.code = null;
    await retry(isToldTwice);
    assert.equal(books.state.isSaving, true);
    books.append(quota(3));
    await books.close();
    await assertHeld([], 1_200, 3);
  });

  it('is left alone, and says so, when what is there is not what was counted on', async () => {
    await fill('s1');
    for (const isUnreadable of [false, true]) {
      books = new Bookkeeping(true);
      notices = [];
      const refusing = new Refusing(disk, isUnreadable);
      await open(refusing.storage);
      books.append(request('ours'));
      books.append(quota(1));
      // Another gateway used it meanwhile.
      if (!isUnreadable) await fill('s2');
      refusing.code = null;
      await retry(isToldTwice);
      assert.deepEqual(kinds(), ['unusable', 'stopped']);
      assert.match(notices[1]?.message ?? '', /restart FreeLLM\.$/);
      assert.equal(books.state.isSaving, false);
      await books.close();
      assert.deepEqual(clock.pending(), []);
      await assertHeld(['s1', 's2'], 2, 5);
    }
  });

  it('says what hinders now, when that is something else', async () => {
    const refusing = new Refusing(disk);
    await open(refusing.storage);
    refusing.code = 'ENOSPC';
    await retry(isToldTwice);
    assert.match(books.state.message ?? '', /free some space/);
    await books.close();
    assert.deepEqual(clock.pending(), [], 'closing ends the tries');
  });
});
