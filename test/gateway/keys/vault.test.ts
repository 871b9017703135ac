import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createVault, VaultError } from '../../../src/gateway/keys/vault.js';

const keys = [{ id: 'key_1', provider: 'groq', label: 'main', enabled: true, secret: 'gsk_vault-secret-0123456789' }];
const encryptionKey = 'ab'.repeat(32);

describe('vault', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-vault-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => path.join(folder, name);

  it('keeps keys encrypted, readable by their owner only', async () => {
    await createVault(folder, undefined).save(keys);
    assert.deepEqual(createVault(folder, undefined).read(), keys);
    assert.deepEqual(readdirSync(folder).sort(), ['vault.json', 'vault.key']);
    for (const name of readdirSync(folder)) {
      assert.equal(statSync(file(name)).mode & 0o777, 0o600);
      assert.ok(!readFileSync(file(name), 'utf8').includes('vault-secret'));
    }
  });

  it('takes its key from the environment, and then makes no key file', async () => {
    await createVault(folder, encryptionKey).save(keys);
    assert.deepEqual(readdirSync(folder), ['vault.json']);
    assert.deepEqual(createVault(folder, encryptionKey).read(), keys);
    assert.throws(() => createVault(folder, 'cd'.repeat(32)).read(), VaultError);
    assert.throws(() => createVault(folder, 'short').read(), /64 hexadecimal/);
    assert.throws(() => createVault(folder, undefined).read(), /vault\.key/);
  });

  it('has no keys where there is no file, and says what to do with a damaged one', async () => {
    assert.deepEqual(createVault(folder, encryptionKey).read(), []);
    assert.deepEqual(readdirSync(folder), []);
    writeFileSync(file('vault.json'), '{"version":1,"iv":');
    assert.throws(() => createVault(folder, encryptionKey).read(), /damaged/);
    writeFileSync(file('vault.json'), '{"version":2}');
    assert.throws(() => createVault(folder, encryptionKey).read(), /newer/);
  });

  it('keeps the last of several saves at once', async () => {
    const vault = createVault(folder, encryptionKey);
    await Promise.all([1, 2, 3].map((n) => vault.save([{ ...keys[0]!, label: String(n) }])));
    assert.equal(vault.read()[0]?.label, '3');
  });
});
