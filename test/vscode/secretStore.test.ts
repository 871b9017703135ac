import assert from 'node:assert/strict';
import type { StoredKey } from '../../src/protocol/worker.js';
import { type SecretBackend, SecretStore } from '../../src/vscode/secretStore.js';
import { silentLog } from './support/silentLog.js';

class FakeBackend implements SecretBackend {
  readonly values = new Map<string, string>();
  readonly writes: string[] = [];
  failOn: string | null = null;
  /** Not returned for now. */
  missing: string | null = null;

  async get(key: string): Promise<string | undefined> {
    await null;
    return key === this.missing ? undefined : this.values.get(key);
  }
  async store(key: string, value: string): Promise<void> {
    await null;
    if (key === this.failOn) throw new Error('the keyring is locked');
    this.writes.push(`store ${key}`);
    this.values.set(key, value);
  }
  async delete(key: string): Promise<void> {
    await null;
    this.writes.push(`delete ${key}`);
    this.values.delete(key);
  }
}

const key = (id: string, change: Partial<StoredKey> = {}): StoredKey => ({
  id,
  provider: 'groq',
  label: 'main',
  enabled: true,
  secret: `secret-of-${id}`,
  ...change,
});

function make(): { backend: FakeBackend; store: SecretStore; log: ReturnType<typeof silentLog> } {
  const backend = new FakeBackend();
  const log = silentLog();
  return { backend, log, store: new SecretStore(backend, log) };
}

describe('secret store', () => {
  it('gives back what it was given, custom endpoints and keyless providers too', async () => {
    const { store } = make();
    const keys = [
      key('a', { models: ['m'], limits: { rpm: 3 } }),
      key('b', { provider: 'custom:lab', baseUrl: 'http://127.0.0.1:1/v1' }),
      key('c', { provider: 'kilo', secret: null }),
    ];
    await store.saveKeys(keys);
    assert.deepEqual(await store.readKeys(), keys);
  });

  it('keeps secrets out of the index, each under its own name', async () => {
    const { backend, store } = make();
    await store.saveKeys([key('a')]);
    assert.ok(!backend.values.get('freellm.keys')?.includes('secret-of-a'));
    assert.equal(backend.values.get('freellm.key.a'), 'secret-of-a');
  });

  it('writes secrets before the index and deletes after it', async () => {
    const { backend, store } = make();
    await store.saveKeys([key('a')]);
    backend.writes.length = 0;
    await store.saveKeys([key('b')]);
    assert.deepEqual(backend.writes, ['store freellm.key.b', 'store freellm.keys', 'delete freellm.key.a']);
  });

  it('runs writes one after another', async () => {
    const { store } = make();
    await Promise.all([store.saveKeys([key('a')]), store.saveKeys([key('a'), key('b')]), store.saveKeys([key('b')])]);
    assert.deepEqual(await store.readKeys(), [key('b')]);
  });

  it('tells a failed write and goes on afterwards', async () => {
    const { backend, store } = make();
    backend.failOn = 'freellm.key.a';
    await assert.rejects(store.saveKeys([key('a')]), /locked/);
    backend.failOn = null;
    await store.saveKeys([key('a')]);
    assert.deepEqual(await store.readKeys(), [key('a')]);
  });

  it('survives a damaged index and a lost secret, saying so without secrets', async () => {
    const { backend, store, log } = make();
    backend.values.set('freellm.keys', '{nonsense');
    assert.deepEqual(await store.readKeys(), []);
    await store.saveKeys([key('a')]);
    backend.values.delete('freellm.key.a');
    assert.deepEqual(await store.readKeys(), [key('a', { secret: null })]);
    assert.ok(log.lines.some((line) => line.includes('index of keys cannot be read')));
    assert.ok(log.lines.some((line) => line.includes('secret of key a is missing')));
    assert.ok(!log.lines.join().includes('secret-of-a'));
  });

  it('does not forget a secret that once was not to be had', async () => {
    const { backend, store } = make();
    await store.saveKeys([key('a'), key('b', { provider: 'kilo', secret: null })]);
    backend.missing = 'freellm.key.a';
    const keys = await store.readKeys();
    assert.deepEqual(keys[0], key('a', { secret: null }));
    await store.saveKeys([...keys, key('c')]);
    // Another window has it from the leader that could not read it.
    await new SecretStore(backend, silentLog()).saveKeys([...keys, key('c')]);
    backend.missing = null;
    const all = [key('a'), key('b', { provider: 'kilo', secret: null }), key('c')];
    assert.deepEqual(await store.readKeys(), all);
    await store.saveKeys([key('c')]);
    assert.equal(backend.values.has('freellm.key.a'), false);
  });

  it('keeps the tokens that it is told, writing only what is new', async () => {
    const { backend, store } = make();
    assert.deepEqual(await store.readTokens(), {});
    const tokens = { token: 'freellmapi-one', adminToken: 'admin-one' };
    await store.saveTokens(tokens);
    await store.saveTokens(tokens);
    assert.deepEqual(backend.writes, ['store freellm.token', 'store freellm.adminToken']);
    assert.deepEqual(await new SecretStore(backend, silentLog()).readTokens(), tokens);
  });

  it('tells changes of another window from its own', async () => {
    const { backend, store } = make();
    await store.readKeys();
    await store.saveKeys([key('a')]);
    assert.equal(await store.hasChangedElsewhere('freellm.keys'), false);
    await new SecretStore(backend, silentLog()).saveKeys([key('a'), key('b')]);
    assert.equal(await store.hasChangedElsewhere('freellm.token'), false);
    assert.equal(await store.hasChangedElsewhere('freellm.keys'), true);
    assert.equal(await store.hasChangedElsewhere('freellm.keys'), false);
  });
});
