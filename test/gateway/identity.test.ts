import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import {
  loadIdentity,
  type ReplacedIdentity,
  replacedText,
  saveToken,
  unkeptIdentity,
} from '../../src/gateway/identity.js';

const root = path.resolve(import.meta.dirname, '../..');

describe('identity', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-identity-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const file = () => path.join(folder, 'gateway.json');

  it('is made once, readable by its owner alone', () => {
    const data = path.join(folder, 'data');
    const identity = loadIdentity(data);
    assert.match(identity.secret, /^[0-9a-f]{64}$/);
    assert.match(identity.token, /^freellmapi-[0-9a-f]{48}$/);
    assert.deepEqual(loadIdentity(data), identity);
    assert.deepEqual(readdirSync(data), ['gateway.json']);
    if (process.platform !== 'win32') {
      assert.equal(statSync(path.join(data, 'gateway.json')).mode & 0o777, 0o600);
      assert.equal(statSync(data).mode & 0o777, 0o700);
    }
  });

  it('begins with the tokens it is given; afterwards the file wins', () => {
    const laptop = { token: 'freellmapi-one', adminToken: 'admin-one' };
    const identity = loadIdentity(folder, laptop);
    assert.deepEqual({ ...identity, secret: '' }, { ...laptop, secret: '' });
    assert.deepEqual(loadIdentity(folder, { token: 'freellmapi-two', adminToken: 'admin-two' }), identity);
  });

  it('takes another token, and is otherwise the same', () => {
    const identity = loadIdentity(folder);
    const changed = saveToken(folder, identity, 'freellmapi-new');
    assert.deepEqual(changed, { ...identity, token: 'freellmapi-new' });
    assert.deepEqual(loadIdentity(folder), changed);
    assert.deepEqual(readdirSync(folder), ['gateway.json']);
    if (process.platform !== 'win32') assert.equal(statSync(file()).mode & 0o777, 0o600);
  });

  it('takes over the tokens of an older version', () => {
    const old = { token: 'freellmapi-old', adminToken: 'admin-old' };
    writeFileSync(path.join(folder, 'tokens.json'), JSON.stringify(old));
    assert.equal(loadIdentity(folder, { token: 'freellmapi-seed' }).token, old.token);
    assert.deepEqual(readdirSync(folder), ['gateway.json']);
  });

  for (const [title, text] of [
    ['no JSON', '{"secret":"abc'],
    ['empty', ''],
    ['of another shape', '["a"]'],
    ['nothing at all', 'null'],
  ] as const) {
    it(`sets a damaged file aside: ${title}`, () => {
      writeFileSync(file(), text);
      const identity = loadIdentity(folder, { token: 'freellmapi-seed' });
      assert.equal(identity.token, 'freellmapi-seed');
      assert.deepEqual(loadIdentity(folder), identity);
      const aside = readdirSync(folder).filter((name) => /^gateway\.json\.damaged-\d{4}-/.test(name));
      assert.equal(aside.length, 1);
      assert.equal(readFileSync(path.join(folder, aside[0] ?? ''), 'utf8'), text);
    });
  }

  it('tells where a damaged file is, and whether clients need another token', () => {
    const told: ReplacedIdentity[] = [];
    const load = (seed = {}) => loadIdentity(folder, seed, (replaced) => told.push(replaced));
    load();
    writeFileSync(file(), '{"token":');
    const first = load();
    load();
    writeFileSync(file(), '');
    load({ token: first.token, adminToken: first.adminToken });
    assert.deepEqual(
      told.map(({ hasNewToken }) => hasNewToken),
      [true, false],
    );
    for (const { aside } of told) assert.ok(readdirSync(folder).includes(path.basename(aside)));
    for (const replaced of told) assert.ok(!replacedText(replaced).includes(first.token));
  });

  it('keeps what of a damaged file can be read', () => {
    writeFileSync(file(), JSON.stringify({ token: 'freellmapi-kept', adminToken: 'admin-kept' }));
    const { token, adminToken, secret } = loadIdentity(folder);
    assert.deepEqual([token, adminToken], ['freellmapi-kept', 'admin-kept']);
    assert.ok(secret);
  });

  it('cannot be kept in what is no folder, and is then agreed on by the tokens', () => {
    writeFileSync(path.join(folder, 'blocked'), '');
    assert.throws(() => loadIdentity(path.join(folder, 'blocked')));
    const seed = { token: 'freellmapi-a', adminToken: 'admin-a' };
    assert.deepEqual(unkeptIdentity(seed), unkeptIdentity(seed));
    assert.notEqual(unkeptIdentity(seed).secret, unkeptIdentity({ ...seed, adminToken: 'admin-b' }).secret);
  });

  it('is agreed on by processes that start at once, over a damaged file too', async function () {
    this.timeout(60_000);
    const folders = Array.from({ length: 40 }, (_, at) => path.join(folder, String(at)));
    for (const each of folders) {
      mkdirSync(each);
      writeFileSync(path.join(each, 'gateway.json'), '{');
    }
    // All of them at the same moments, one folder after the other.
    const code = `
      import { loadIdentity } from './src/gateway/identity.js';
      const [, start, ...folders] = process.argv;
      for (const [at, each] of folders.entries()) {
        while (Date.now() < Number(start) + at * 15);
        console.log(loadIdentity(each, { token: 'freellmapi-' + process.pid }).secret);
      }`;
    const at = String(Date.now() + 4_000);
    const args = ['--import', 'tsx', '--input-type=module', '--eval', code, at, ...folders];
    const started = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, args, { cwd: root }));
    const secrets = (await Promise.all(started)).map(({ stdout }) => stdout.trim().split('\n'));
    const kept = folders.map((each) => loadIdentity(each).secret);
    assert.deepEqual(secrets, [kept, kept, kept, kept]);
  });
});
