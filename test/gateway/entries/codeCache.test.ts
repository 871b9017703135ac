import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { loadBundle } from '../../../src/gateway/entries/codeCache.js';

const BUNDLE = `const path = require('node:path');
exports.folder = __dirname;
exports.answer = () => path.basename(__filename) + ' says 42';
`;

describe('the code cache', () => {
  let root = '';
  let file = '';
  let folder = '';
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'freellm-code-'));
    file = path.join(root, 'bundle.js');
    folder = path.join(root, 'data');
    mkdirSync(folder);
    writeFileSync(file, BUNDLE);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const load = () => loadBundle(file, folder);
  const answerOf = ({ exports }: { exports: unknown }) => (exports as { answer(): string }).answer();
  const cacheFile = () => path.join(folder, readdirSync(folder)[0] ?? assert.fail('nothing is kept'));

  it('loads a bundle as require does, and the next time from what was compiled', () => {
    const first = load();
    assert.equal(answerOf(first), 'bundle.js says 42');
    assert.equal((first.exports as { folder: string }).folder, root);
    assert.equal(first.isCached, false);
    first.keep();
    if (process.platform !== 'win32') assert.equal(statSync(cacheFile()).mode & 0o777, 0o600);
    const second = load();
    assert.equal(second.isCached, true);
    assert.equal(answerOf(second), 'bundle.js says 42');
    const { mtimeMs } = statSync(cacheFile());
    second.keep();
    assert.equal(statSync(cacheFile()).mtimeMs, mtimeMs, 'it is good as it is');
  });

  it('never takes what was compiled of another build', () => {
    load().keep();
    const old = cacheFile();
    writeFileSync(file, BUNDLE.replace('42', '43'));
    utimesSync(file, new Date(1_700_000_000_000), new Date(1_700_000_000_000));
    const other = load();
    assert.equal(other.isCached, false);
    assert.equal(answerOf(other), 'bundle.js says 43');
    other.keep();
    assert.notEqual(cacheFile(), old);
    assert.equal(readdirSync(folder).length, 1, 'what the last build left is gone');
  });

  it('does not take what is damaged, and makes it anew', () => {
    load().keep();
    const whole = readFileSync(cacheFile());
    for (const damaged of [whole.subarray(0, whole.length - 9), Buffer.alloc(0), Buffer.alloc(3), flipped(whole)]) {
      writeFileSync(cacheFile(), damaged);
      const loaded = load();
      assert.equal(loaded.isCached, false);
      assert.equal(answerOf(loaded), 'bundle.js says 42');
      loaded.keep();
      assert.equal(load().isCached, true);
    }
  });

  it('does not run what others may have written', function () {
    if (process.platform === 'win32') this.skip();
    load().keep();
    chmodSync(cacheFile(), 0o622);
    assert.equal(load().isCached, false);
  });

  it('goes on where nothing can be kept', () => {
    rmSync(folder, { recursive: true });
    const loaded = load();
    loaded.keep();
    assert.equal(answerOf(loaded), 'bundle.js says 42');
  });
});

function flipped(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
  return other;
}
