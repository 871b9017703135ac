import assert from 'node:assert/strict';
import { SCHEMA_VERSION, schemaVersionOf } from '../../../src/gateway/ledger/schema.js';
import type { StoragePort } from '../../../src/gateway/ledger/storage.js';
import { openBed, quota, request, requestRow, setting, settled, value } from '../../support/ledger.js';
import { createManualClock } from '../../support/manualClock.js';
import { createMemoryStorage, fail, type MemoryStorage } from '../../support/memoryStorage.js';

const IMAGE = 'ledger.sqlite';
const image = (disk: MemoryStorage) => disk.files().get(IMAGE)?.toString('base64');
const journals = (disk: MemoryStorage) => [...disk.files().keys()].filter((name) => name.endsWith('.journal'));

describe('checkpoints', () => {
  it('write a new database at once, so that the file is there', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk);
    await settled();
    assert.equal(schemaVersionOf(disk.files().get(IMAGE) ?? Buffer.alloc(0)), SCHEMA_VERSION);
    await ledger.close();
  });

  it('come five seconds after the last change, and not without one', async () => {
    const disk = createMemoryStorage();
    const { ledger, clock } = await openBed(disk);
    await settled();
    const first = image(disk);
    clock.advance(120_000);
    await settled();
    assert.equal(image(disk), first);
    ledger.append(request('r1'));
    clock.advance(4_000);
    await settled();
    ledger.append(request('r2'));
    clock.advance(4_900);
    await settled();
    assert.equal(image(disk), first);
    clock.advance(100);
    await settled();
    assert.notEqual(image(disk), first);
    await ledger.close();
  });

  it('come after a minute though changes never pause', async () => {
    const disk = createMemoryStorage();
    const { ledger, clock } = await openBed(disk);
    await settled();
    const first = image(disk);
    for (let second = 0; second < 59; second++) {
      ledger.append(request(`r${second}`));
      clock.advance(1_000);
      await settled();
    }
    assert.equal(image(disk), first);
    ledger.append(request('last'));
    clock.advance(1_100);
    await settled();
    assert.notEqual(image(disk), first);
    await ledger.close();
  });

  it('come all the same when the clock is put back, and no timer is longer than timers can be', async () => {
    const disk = createMemoryStorage();
    const manual = createManualClock();
    let back = 0;
    const clock = { ...manual, now: () => manual.now() - back };
    const { ledger } = await openBed(disk, { clock });
    await settled();
    const first = image(disk);
    ledger.append(request('r1'));
    back = 40 * 24 * 3_600_000;
    for (let step = 0; step < 10; step++) {
      clock.advance(1_000);
      await settled();
      assert.ok(clock.pending().every((ms) => ms < 2 ** 31));
    }
    assert.notEqual(image(disk), first);
    await ledger.close();
  });

  it('come when the journal has grown', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk);
    await settled();
    const first = image(disk);
    await ledger.save(setting('large', 'x'.repeat(3 * 1024 * 1024)));
    await settled();
    assert.equal(image(disk), first);
    await ledger.save(setting('large', 'y'.repeat(2 * 1024 * 1024)));
    await settled();
    assert.notEqual(image(disk), first);
    await ledger.close();
  });

  it('keep two images and the journals that the older one needs', async () => {
    const disk = createMemoryStorage();
    const { ledger, clock } = await openBed(disk);
    for (let round = 0; round < 6; round++) {
      await ledger.save(setting(`s${round}`));
      clock.advance(5_000);
      await settled();
    }
    await ledger.close();
    assert.deepEqual([...disk.files().keys()].filter((name) => name.includes('.sqlite')).sort(), [
      'ledger.previous.sqlite',
      IMAGE,
    ]);
    assert.equal(journals(disk).length, 2);
  });

  it('are not made at a close that has nothing new', async () => {
    const disk = createMemoryStorage();
    const first = await openBed(disk);
    await first.ledger.save(setting('s1'));
    await first.ledger.close();
    const before = disk.files();
    const { ledger } = await openBed(disk);
    await ledger.close();
    assert.deepEqual(disk.files(), before);
  });

  it('are tried again, with a notice only when it lasts', async () => {
    const disk = createMemoryStorage();
    let isRefusing = false;
    const storage: StoragePort = {
      ...disk,
      writeWhole: (file, bytes) =>
        isRefusing && file.endsWith('.sqlite.tmp')
          ? Promise.resolve().then(() => fail('EIO'))
          : disk.writeWhole(file, bytes),
    };
    const { ledger, clock, notices } = await openBed(storage);
    await settled();
    isRefusing = true;
    await ledger.save(setting('s1'));
    for (const wait of [5_000, 5_000]) {
      clock.advance(wait);
      await settled();
      assert.deepEqual(notices, []);
    }
    clock.advance(10_000);
    await settled();
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['not-saving'],
    );
    await ledger.save(setting('s2'));
    isRefusing = false;
    clock.advance(20_000);
    await settled();
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['not-saving', 'saving-again'],
    );
    await ledger.close();
    const again = await openBed(disk);
    assert.equal(value(again.ledger, 'SELECT count(*) FROM settings'), 2);
    await again.ledger.close();
  });
});

describe('a disk that refuses', () => {
  function refusingDisk() {
    const disk = createMemoryStorage();
    const state = { isFull: false, disk };
    const storage: StoragePort = {
      ...disk,
      async create(name) {
        if (state.isFull) fail('ENOSPC');
        const file = await disk.create(name);
        return {
          ...file,
          write: (bytes, offset) => (state.isFull ? fail('ENOSPC') : file.write(bytes, offset)),
        };
      },
    };
    return { state, storage };
  }

  it('is told of once; what was appended is kept and written when it can be', async () => {
    const { state, storage } = refusingDisk();
    const clock = createManualClock();
    const { ledger, notices } = await openBed(storage, { clock });
    await settled();
    state.isFull = true;
    ledger.append(request('r1'));
    ledger.append(quota(1));
    for (let second = 0; second < 90; second++) {
      clock.advance(1_000);
      await settled();
      ledger.append(quota(second + 2));
    }
    await assert.rejects(ledger.save(setting('s1')), { kind: 'not-saved', message: /The disk is full/ });
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['not-saving'],
    );
    assert.equal(value(ledger, 'SELECT used FROM quota_windows'), 91);
    assert.equal(value(ledger, 'SELECT count(*) FROM settings'), 0);
    state.isFull = false;
    clock.advance(30_000);
    await settled();
    assert.deepEqual(
      notices.map(({ kind }) => kind),
      ['not-saving', 'saving-again'],
    );
    const again = await openBed(state.disk.after('power cut'));
    assert.equal(value(again.ledger, 'SELECT used FROM quota_windows'), 91);
    assert.equal(value(again.ledger, 'SELECT count(*) FROM requests'), 1);
    assert.equal(value(again.ledger, 'SELECT count(*) FROM settings'), 0);
    await ledger.close();
    assert.deepEqual(clock.pending(), []);
  });

  it('makes the oldest request rows wait in vain when there are too many, and nothing else', async () => {
    const { state, storage } = refusingDisk();
    const { ledger, clock } = await openBed(storage);
    await settled();
    state.isFull = true;
    ledger.append(quota(5));
    for (let number = 0; number < 20_100; number++) {
      ledger.append({ type: 'request', row: requestRow(`r${number}`, { attempts: [] }) });
    }
    clock.advance(100);
    await settled();
    state.isFull = false;
    await ledger.save(setting('s1'));
    const again = await openBed(state.disk.after('kill'));
    assert.equal(value(again.ledger, 'SELECT used FROM quota_windows'), 5);
    assert.equal(value(again.ledger, 'SELECT count(*) FROM requests'), 20_000);
    assert.equal(value(again.ledger, "SELECT count(*) FROM requests WHERE id = 'r99'"), 0);
    assert.equal(value(again.ledger, "SELECT count(*) FROM requests WHERE id = 'r100'"), 1);
    await ledger.close();
  });

  it('writes only the last counts of quota windows that changed meanwhile', async () => {
    const { state, storage } = refusingDisk();
    const { ledger, clock } = await openBed(storage);
    await settled();
    state.isFull = true;
    for (let used = 1; used <= 5_000; used++) ledger.append(quota(used));
    clock.advance(100);
    await settled();
    state.isFull = false;
    await ledger.save(setting('s1'));
    const left = state.disk.after('kill');
    const bytes = [...left.files()].reduce(
      (sum, [name, file]) => sum + (name.endsWith('.journal') ? file.length : 0),
      0,
    );
    assert.ok(bytes < 5_000, `${bytes} bytes`);
    assert.equal(value((await openBed(left)).ledger, 'SELECT used FROM quota_windows'), 5_000);
    await ledger.close();
  });

  it('leaves neither half an image nor empty journals on a full disk', async () => {
    const { state, storage } = refusingDisk();
    const refusing: StoragePort = {
      ...storage,
      async create(name) {
        const file = await state.disk.create(name);
        return { ...file, write: (bytes, at) => (state.isFull ? fail('ENOSPC') : file.write(bytes, at)) };
      },
      async writeWhole(name, bytes) {
        if (!state.isFull) return await state.disk.writeWhole(name, bytes);
        await state.disk.writeWhole(name, bytes.subarray(0, 100));
        fail('ENOSPC');
      },
    };
    const { ledger, clock } = await openBed(refusing);
    await ledger.save(setting('s1'));
    state.isFull = true;
    ledger.append(request('r1'));
    for (let second = 0; second < 60; second++) {
      clock.advance(1_000);
      await settled();
    }
    await assert.rejects(ledger.save(setting('s2')), { kind: 'not-saved' });
    const odd = [...state.disk.files()].filter(([name, file]) => name.endsWith('.tmp') || file.length === 0);
    assert.deepEqual(
      odd.map(([name]) => name),
      [],
    );
    await ledger.close();
    await assert.rejects(openBed(refusing), { kind: 'unusable' });
    assert.ok(![...state.disk.files().keys()].some((name) => name.endsWith('.tmp')));
  });

  it('lets go of the folder at a close all the same', async () => {
    const { state, storage } = refusingDisk();
    const { ledger, clock } = await openBed(storage);
    await settled();
    state.isFull = true;
    ledger.append(request('r1'));
    const saving = assert.rejects(ledger.save(setting('s1')), { kind: 'not-saved' });
    await ledger.close();
    await saving;
    assert.deepEqual(clock.pending(), []);
    assert.equal(state.disk.files().has('ledger.lock'), false);
  });
});
