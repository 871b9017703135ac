import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkPackage, checkPages, PACKAGE_BYTES, pageSizes } from '../../scripts/lib/sizes.mjs';
import { fixtureFolder } from './fixtures.js';

describe('the budgets', () => {
  it('refuse a page that is too large, its styles counted', async () => {
    // Hexadecimal digits compress to about a half.
    const bytes = (count: number) => randomBytes(count).toString('hex');
    const { folder, remove } = await fixtureFolder({ 'a.js': bytes(100_000), 'b.js': bytes(10_000) });
    try {
      assert.deepEqual(
        pageSizes(folder).map(({ page }) => page),
        ['a', 'b'],
      );
      checkPages(folder);
      writeFileSync(path.join(folder, 'a.css'), bytes(60_000));
      assert.throws(() => checkPages(folder), /^Error: a has \d+ bytes compressed; a page may have 150000$/);
    } finally {
      await remove();
    }
  });

  it('refuse a package that is too large', async () => {
    const { folder, remove } = await fixtureFolder({ 'x.vsix': 'x'.repeat(PACKAGE_BYTES - 1) });
    try {
      const file = path.join(folder, 'x.vsix');
      checkPackage(file);
      writeFileSync(file, 'x'.repeat(PACKAGE_BYTES));
      assert.throws(() => checkPackage(file), /x\.vsix has 1500000 bytes/);
    } finally {
      await remove();
    }
  });
});
