import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { writeNewFile } from '../../src/gateway/safeFile.js';
import { fail } from '../support/memoryStorage.js';

describe('making a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-file-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  for (const [disk, link] of [
    ['with links', undefined],
    ['without links', () => fail('EPERM')],
    ['without links, as macOS says it', () => fail('ENOTSUP')],
  ] as const) {
    it(`replaces nothing and leaves nothing else, on a disk ${disk}`, () => {
      const file = path.join(folder, 'new', 'vault.key');
      assert.equal(writeNewFile(file, 'one', link), 'one');
      assert.equal(writeNewFile(file, 'two', link), 'one');
      assert.equal(readFileSync(file, 'utf8'), 'one');
      assert.deepEqual(readdirSync(path.dirname(file)), ['vault.key']);
      if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
    });
  }

  it('fails where the disk does', () => {
    const file = path.join(folder, 'vault.key');
    assert.throws(() => writeNewFile(file, 'one', () => fail('EIO')), { code: 'EIO' });
    assert.deepEqual(readdirSync(folder), []);
  });
});
