import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { encodeChange, encodeHeader, HEADER_BYTES } from '../../../src/gateway/ledger/journal.js';
import { isNewerLedger } from '../../../src/gateway/ledger/newerVersion.js';
import { migrate, SCHEMA_VERSION } from '../../../src/gateway/ledger/schema.js';
import { loadSqlite } from '../../../src/gateway/ledger/sqlite.js';
import type { StoragePort } from '../../../src/gateway/ledger/storage.js';
import { keyChange, openBed, processOf, request, setting, settled, value, wasmFile } from '../../support/ledger.js';
import { createMemoryStorage, fail, type MemoryStorage } from '../../support/memoryStorage.js';

const IMAGE = 'ledger.sqlite';
const PREVIOUS = 'ledger.previous.sqlite';

/** A disk with two images and journals, left by a kill: s1 to s3 and r1 to r4 are in it, one of each only in a journal. */
async function usedDisk(): Promise<MemoryStorage> {
  const disk = createMemoryStorage();
  for (const number of [1, 2]) {
    const { ledger } = await openBed(disk);
    await ledger.save(keyChange(`k${number}`));
    await ledger.save(setting(`s${number}`));
    ledger.append(request(`r${number}`));
    await ledger.close();
  }
  const { ledger } = await openBed(disk);
  ledger.append(request('r3'));
  ledger.append(request('r4'));
  await ledger.save(setting('s3'));
  await settled();
  return disk.after('kill');
}

async function holds(disk: StoragePort, settings: string[], requests: number): Promise<string[]> {
  const { ledger, notices } = await openBed(disk);
  const names = ledger.query((database) => database.rows('SELECT name FROM settings ORDER BY name').flat());
  assert.deepEqual(names, settings);
  assert.equal(value(ledger, 'SELECT count(*) FROM requests'), requests);
  assert.equal(value(ledger, 'SELECT requests FROM rollups') ?? 0, requests);
  assert.equal(value(ledger, 'PRAGMA integrity_check'), 'ok');
  await settled();
  await ledger.close();
  return notices.map(({ kind, file }) => `${kind} ${file}`);
}

const bytesOf = (disk: MemoryStorage, name: string) => disk.files().get(name) ?? assert.fail(`no ${name}`);
const newestJournal = (disk: MemoryStorage) =>
  [...disk.files().keys()]
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .at(-1) ?? assert.fail('no journal');
const ASIDE = 'damaged /ledger/ledger.damaged-2026-11-21-120000';

describe('opening what was left', () => {
  it('is quiet after a kill', async () => {
    const disk = await usedDisk();
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
  });

  it('loses nothing when the image is truncated anywhere', async () => {
    const used = await usedDisk();
    const image = bytesOf(used, IMAGE);
    for (const length of [0, 1, 50, 99, 100, 512, 4096, image.length >> 1, image.length - 4096, image.length - 1]) {
      const disk = used.after('kill');
      disk.put(IMAGE, image.subarray(0, length));
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), [`${ASIDE}.sqlite`], `cut at ${length}`);
      assert.equal(disk.files().get('ledger.damaged-2026-11-21-120000.sqlite')?.length, length);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
    }
  });

  it('loses nothing when bits of the image flip', async () => {
    const used = await usedDisk();
    const image = bytesOf(used, IMAGE);
    // Not bytes 60 to 63, the version: a newer one is not ours to touch.
    for (const at of [0, 17, 96, 1_000, ...Array.from({ length: 15 }, (_, page) => 4_095 + page * 4_097)]) {
      const disk = used.after('kill');
      const flipped = Buffer.from(image);
      flipped[at]! ^= 1 << (at & 7);
      disk.put(IMAGE, flipped);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), [`${ASIDE}.sqlite`], `a bit of byte ${at}`);
    }
    // With another change counter (bytes 24 to 27) the file passes as edited, and it is sound.
    const disk = used.after('kill');
    const counted = Buffer.from(image);
    counted[27]! ^= 1;
    disk.put(IMAGE, counted);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
  });

  it('keeps what the journals hold when both images are damaged', async () => {
    const disk = await usedDisk();
    for (const name of [IMAGE, PREVIOUS]) disk.put(name, bytesOf(disk, name).subarray(0, 5000));
    assert.deepEqual(await holds(disk, ['s2', 's3'], 3), [`${ASIDE.replace('damaged', 'lost')}.sqlite`]);
    assert.deepEqual(await holds(disk, ['s2', 's3'], 3), []);
  });

  it('keeps everything when the only image is damaged before there is a second', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk);
    await ledger.save(setting('s1'));
    ledger.append(request('r1'));
    await ledger.close();
    disk.put(IMAGE, Buffer.from('not a database'));
    assert.deepEqual(await holds(disk, ['s1'], 1), [`${ASIDE}.sqlite`]);
  });

  it('starts anew when nothing can be read', async () => {
    const disk = await usedDisk();
    for (const name of disk.files().keys()) disk.put(name, Buffer.alloc(200, 1));
    assert.deepEqual(await holds(disk, [], 0), [`${ASIDE.replace('damaged', 'lost')}.sqlite`]);
    assert.deepEqual(await holds(disk, [], 0), []);
  });

  it('says once what is lost when both images are damaged after a clean stop', async () => {
    const disk = createMemoryStorage();
    for (const name of ['s1', 's2', 's3']) {
      const { ledger } = await openBed(disk);
      await ledger.save(setting(name));
      await ledger.close();
    }
    for (const name of [IMAGE, PREVIOUS]) disk.put(name, bytesOf(disk, name).subarray(0, 5000));
    const { ledger, notices } = await openBed(disk);
    assert.deepEqual(notices, [
      {
        kind: 'lost',
        message:
          'The database file and the one before it were damaged and are now ledger.damaged-2026-11-21-120000.sqlite and ' +
          'ledger.damaged-2026-11-21-120000-2.sqlite. What was in it is lost: requests, chain, settings and counts. ' +
          'FreeLLM kept only what the journals beside it held.',
        file: '/ledger/ledger.damaged-2026-11-21-120000.sqlite',
      },
    ]);
    await ledger.close();
  });

  it('says so when both images are gone and the journals do not reach back to the beginning', async () => {
    const disk = await usedDisk();
    for (const name of [IMAGE, PREVIOUS]) await disk.remove(name);
    const { ledger, notices } = await openBed(disk);
    assert.deepEqual(
      notices.map(({ kind, message }) => `${kind}: ${message}`),
      [
        'lost: The database file and the one before it are gone. What was in it is lost: requests, chain, settings and ' +
          'counts. FreeLLM kept only what the journals beside it held.',
      ],
    );
    await ledger.close();
    assert.deepEqual(await holds(disk, ['s2', 's3'], 3), []);
  });

  it('says that the folder is gone, or its lock, not that another has it', async () => {
    for (const [isThere, said] of [
      [false, /^The data folder \/ledger is gone\. .+ restart FreeLLM\.$/],
      [true, /^The lock of the database .+ was removed.+ restart FreeLLM\.$/],
    ] as const) {
      const disk = createMemoryStorage();
      const stat = async (file: string) =>
        isThere && file === '/ledger' ? { size: 0, modifiedAt: 0 } : disk.stat(file);
      const { ledger, clock, notices } = await openBed({ ...disk, stat });
      for (const name of disk.files().keys()) await disk.remove(name);
      clock.advance(5_000);
      await settled();
      assert.deepEqual(
        notices.map(({ kind }) => kind),
        ['stopped'],
      );
      assert.match(notices[0]?.message ?? '', said);
      await ledger.close();
    }
  });

  it('cuts a torn journal without a word, wherever it is torn', async () => {
    const used = await usedDisk();
    const name = newestJournal(used);
    const journal = bytesOf(used, name);
    const lastRecord = encodeChange(0, JSON.stringify(setting('s3'))).length;
    for (let cut = 1; cut <= lastRecord; cut += 7) {
      const disk = used.after('kill');
      disk.put(name, journal.subarray(0, journal.length - cut));
      assert.deepEqual(await holds(disk, ['s1', 's2'], 4), []);
      assert.deepEqual(await holds(disk, ['s1', 's2'], 4), []);
    }
  });

  it('logs how much of a torn journal was left out', async () => {
    const disk = await usedDisk();
    const name = newestJournal(disk);
    const journal = bytesOf(disk, name);
    disk.put(name, Buffer.concat([journal, Buffer.from('garbage')]));
    const { ledger, notices, lines } = await openBed(disk);
    await ledger.close();
    assert.deepEqual(notices, []);
    const said = 'info the end of a journal is no whole record and was left out';
    assert.ok(lines.includes(`${said} {"file":"${name}","bytes":7}`), lines.join('\n'));
  });

  it('says so when a journal is gone that the image before needs', async () => {
    const disk = await usedDisk();
    await disk.remove(IMAGE);
    const journals = [...disk.files().keys()].filter((name) => name.endsWith('.journal')).sort();
    for (const name of journals.slice(0, -1)) await disk.remove(name);
    assert.deepEqual(await holds(disk, ['s1', 's3'], 3), ['lost null']);
    assert.deepEqual(await holds(disk, ['s1', 's3'], 3), []);
  });

  it('sets a copy of a damaged journal aside and keeps what is behind the damage', async () => {
    const disk = await usedDisk();
    const name = newestJournal(disk);
    const journal = bytesOf(disk, name);
    journal[journal.indexOf('"r3"')]! ^= 1;
    disk.put(name, journal);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 3), [`${ASIDE}.journal`]);
    assert.deepEqual(bytesOf(disk, 'ledger.damaged-2026-11-21-120000.journal'), journal);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 3), []);
  });

  it('loses nothing when a journal’s header is damaged anywhere', async () => {
    const used = await usedDisk();
    const name = newestJournal(used);
    for (let at = 0; at < HEADER_BYTES; at += 4) {
      const disk = used.after('kill');
      const journal = bytesOf(disk, name);
      journal[at]! ^= 1;
      disk.put(name, journal);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), [`${ASIDE}.journal`], `a bit of byte ${at}`);
      assert.deepEqual(bytesOf(disk, 'ledger.damaged-2026-11-21-120000.journal'), journal);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
    }
  });

  it('keeps what journals with damaged headers hold when both images are damaged', async () => {
    const disk = await usedDisk();
    for (const name of [IMAGE, PREVIOUS]) disk.put(name, bytesOf(disk, name).subarray(0, 5000));
    for (const name of [...disk.files().keys()].filter((one) => one.endsWith('.journal'))) {
      const journal = bytesOf(disk, name);
      journal[20]! ^= 1;
      disk.put(name, journal);
    }
    await holds(disk, ['s2', 's3'], 3);
    assert.deepEqual(await holds(disk, ['s2', 's3'], 3), []);
  });

  it('does not replay a journal with a damaged header that does not continue the rest', async () => {
    for (const seq of [1, 900]) {
      const disk = await usedDisk();
      const journal = Buffer.concat([
        Buffer.alloc(HEADER_BYTES),
        encodeChange(seq, JSON.stringify(setting('foreign'))),
      ]);
      disk.put('ledger.000090.journal', journal);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), [`${ASIDE}.journal`]);
      assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
    }
  });

  it('never replays another database’s journal', async () => {
    const disk = await usedDisk();
    const header = encodeHeader({ generation: 90, databaseId: '0123456789abcdef'.repeat(2), after: 0 });
    const foreign = Buffer.concat([header, encodeChange(900, JSON.stringify(setting('foreign')))]);
    disk.put('ledger.000090.journal', foreign);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), [`${ASIDE}.journal`]);
    assert.deepEqual(bytesOf(disk, 'ledger.damaged-2026-11-21-120000.journal'), foreign);
  });

  it('takes an older file that was put back as it is', async () => {
    const disk = createMemoryStorage();
    const first = await openBed(disk);
    await first.ledger.save(setting('s1'));
    await first.ledger.close();
    const backup = bytesOf(disk, IMAGE);
    for (const name of ['s2', 's3', 's4']) {
      const { ledger } = await openBed(disk);
      await ledger.save(setting(name));
      await ledger.close();
    }
    disk.put(IMAGE, backup);
    const notices = await holds(disk, ['s1'], 0);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /^lost /);
    const { ledger } = await openBed(disk);
    await ledger.save(setting('s5'));
    disk.put(IMAGE, Buffer.from('damaged'));
    await holds(disk.after('kill'), ['s1', 's5'], 0);
  });

  it('opens the image before when the file was taken away', async () => {
    const disk = await usedDisk();
    await disk.remove(IMAGE);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
  });

  it('goes on when the file is taken away while it is open', async () => {
    const disk = await usedDisk();
    const { ledger, notices } = await openBed(disk);
    await disk.remove(IMAGE);
    await ledger.save(setting('s4'));
    await ledger.close();
    assert.deepEqual(notices, []);
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3', 's4'], 4), []);
  });

  it('removes half-made files', async () => {
    const disk = await usedDisk();
    disk.put('ledger.sqlite.tmp', Buffer.from('half'));
    disk.put('ledger.previous.sqlite.tmp', Buffer.from('half'));
    disk.put('ledger.lock.0123.tmp', Buffer.from('old'), -1);
    await holds(disk, ['s1', 's2', 's3'], 4);
    assert.deepEqual(
      [...disk.files().keys()].filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  it('touches nothing of a newer version', async () => {
    const newerImage = async (disk: MemoryStorage) => {
      const image = bytesOf(disk, IMAGE);
      image.writeUInt32BE(SCHEMA_VERSION + 1, 60);
      disk.put(IMAGE, image);
    };
    const newerJournal = async (disk: MemoryStorage) => {
      const header = encodeHeader({ generation: 99, databaseId: 'a'.repeat(32), after: 0 });
      header.writeUInt16LE(SCHEMA_VERSION + 1, 10);
      const { crc32 } = await import('node:zlib');
      header.writeUInt32LE(crc32(header.subarray(0, 60)), 60);
      disk.put('ledger.000099.journal', header);
    };
    for (const make of [newerImage, newerJournal]) {
      const disk = await usedDisk();
      assert.equal(await isNewerLedger(disk, '/ledger'), false);
      await make(disk);
      const before = disk.files();
      assert.equal(await isNewerLedger(disk, '/ledger'), true);
      await assert.rejects(openBed(disk), { name: 'LedgerError', kind: 'newer' });
      assert.deepEqual(disk.files(), before);
    }
  });

  it('is refused while another gateway has it open', async () => {
    const disk = createMemoryStorage();
    const { ledger } = await openBed(disk, { identity: processOf(501, [501, 502]) });
    await assert.rejects(openBed(disk, { identity: processOf(502, [501, 502]) }), { kind: 'locked' });
    await ledger.close();
    const next = await openBed(disk, { identity: processOf(502, [501, 502]) });
    await next.ledger.close();
  });

  it('writes nothing more when another gateway has taken the folder from it', async () => {
    const disk = await usedDisk();
    const { ledger, clock, notices } = await openBed(disk);
    await ledger.save(setting('s4'));
    const lock = JSON.parse(bytesOf(disk, 'ledger.lock').toString()) as object;
    disk.put('ledger.lock', Buffer.from(JSON.stringify({ ...lock, instance: 'another' })));
    const before = disk.files();
    clock.advance(5_000);
    await settled();
    assert.match(
      notices.map(({ kind, message }) => `${kind}: ${message}`).join(),
      /^stopped: Another .+ restart FreeLLM/,
    );
    ledger.append(request('r5'));
    await assert.rejects(ledger.save(setting('s5')), { kind: 'locked' });
    await ledger.close();
    assert.deepEqual(disk.files().get(IMAGE), before.get(IMAGE));
    assert.deepEqual(disk.files().get('ledger.lock'), before.get('ledger.lock'));
    assert.deepEqual(clock.pending(), []);
    await disk.remove('ledger.lock');
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3', 's4'], 4), []);
  });

  it('says what to do about a folder that cannot be written or read', async () => {
    const disk = await usedDisk();
    const readOnly: StoragePort = { ...disk, writeWhole: async () => fail('EROFS') };
    await assert.rejects(openBed(readOnly), { kind: 'unusable', message: /read-only: make it writable/ });
    const full: StoragePort = { ...disk, writeWhole: async () => fail('ENOSPC') };
    await assert.rejects(openBed(full), { kind: 'unusable', message: /free some space/ });
    const unreadable: StoragePort = {
      ...disk,
      read: async (file) => (file.endsWith(IMAGE) ? fail('EIO') : disk.read(file)),
    };
    await assert.rejects(openBed(unreadable), { kind: 'unusable', message: /Check the disk \(EIO\)/ });
    // Nothing was lost by it.
    assert.deepEqual(await holds(disk, ['s1', 's2', 's3'], 4), []);
  });

  it('is described by docs/ledger.md, table by table and column by column', async () => {
    const database = (await loadSqlite(wasmFile))(null);
    migrate(database);
    const text = readFileSync(path.resolve(import.meta.dirname, '../../../docs/ledger.md'), 'utf8');
    const tables = database.rows("SELECT name FROM sqlite_master WHERE type = 'table'").flat();
    for (const table of tables) {
      const line = text.split('\n').find((one) => one.startsWith(`| \`${table}\` |`)) ?? assert.fail(`no ${table}`);
      for (const [, column] of database.rows(`PRAGMA table_info(${table})`)) {
        assert.ok(line.includes(`\`${column}\``), `${table}.${column}`);
      }
    }
    assert.equal(
      (text.match(/^\| `[a-z_]+` \| [^|]+ \| `/gm) ?? []).length,
      tables.length,
      'and none that is not there',
    );
    database.close();
  });

  it('brings an empty database to this version once', async () => {
    const database = (await loadSqlite(wasmFile))(null);
    assert.equal(migrate(database), SCHEMA_VERSION);
    const before = database.image();
    assert.equal(migrate(database), 0);
    assert.deepEqual(database.image(), before);
    database.close();
  });
});
