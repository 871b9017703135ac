import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import type { StoredKey } from '../../src/protocol/worker.js';
import { useBed } from '../support/bed.js';
import type { TestGateway } from '../support/gateway.js';
import { chatCompletion, type FakeProvider, json, status } from '../support/provider.js';
import { quietSettings, secrets, textOf } from '../support/scenario.js';

describe('a gateway that is started again', () => {
  const bed = useBed();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-restart-'));
  });
  // The bed closes its gateways first: its hook was registered before this one.
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Two providers with a key each; no chain in the config. */
  function configOf(u1: FakeProvider, u2: FakeProvider): ConfigFile {
    const providers = {
      groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }] },
      mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
    };
    return { providers, settings: { ...quietSettings } };
  }
  const read = async (gateway: TestGateway, where: string) => (await gateway.api('GET', where)).json();

  it('has its requests, counts, cooldowns, chain and settings again', async () => {
    const u1 = await bed.provider(status(429, 'slow down', { 'retry-after': '3600' }));
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const config = configOf(u1, u2);
    const first = await bed.gateway({ config, dataDir: folder });
    const chain = ['groq/llama-3.3-70b-versatile', 'mistral/mistral-large-latest'];
    await first.api('PUT', '/api/chain', { data: chain.map((model) => ({ model })) });
    await first.api('PUT', '/api/settings', { retentionDays: 30 });
    const answer = await first.chat();
    const id = String(answer.headers['x-request-id']);
    assert.equal(await textOf(answer), 'two');
    const [cooldown] = (await read(first, '/api/cooldowns')).data;
    const before = await read(first, '/api/state');
    await first.close();

    const second = await bed.gateway({ config, dataDir: folder });
    assert.equal((await read(second, '/api/settings')).retentionDays, 30);
    const models = (await read(second, '/api/chain')).data.map(({ model }: { model: string }) => model);
    assert.deepEqual(models.slice(0, 2), chain);
    const [again] = (await read(second, '/api/cooldowns')).data;
    assert.deepEqual([again.id, again.until, again.kind], [cooldown.id, cooldown.until, 'rate_limit']);
    const row = await read(second, `/api/requests/${id}`);
    assert.deepEqual(
      row.attempts.map(({ provider, kind }: { provider: string; kind: string | null }) => [provider, kind]),
      [
        ['groq', 'rate_limit'],
        ['mistral', null],
      ],
    );
    const { data: quota } = await read(second, '/api/quota');
    assert.ok(quota.some(({ kind, provider, used }: never) => `${kind} ${provider} ${used}` === 'rpd mistral 1'));
    const { totals } = await read(second, '/api/analytics?window=24h');
    assert.deepEqual([totals.requests, totals.fallbacks], [1, 1]);
    const state = await read(second, '/api/state');
    assert.deepEqual(state.lastRequest.outcome, before.lastRequest.outcome);
    assert.ok(Math.abs(state.lastRequest.at - before.lastRequest.at) < 1_000);
    assert.equal(state.counts.requests, 0, 'of this life of the gateway');
    assert.equal(await textOf(await second.chat()), 'two');
    assert.equal(u1.requests.length, 1, 'who cools down is not asked again');
  });

  it('knows a key’s health and what its provider listed', async () => {
    const lab = await bed.provider(chatCompletion({ text: 'lab' }));
    lab.onGet(json(200, { data: [{ id: 'm1' }, { id: 'm2' }] }));
    let stored: StoredKey[] = [];
    const saveKeys = async (keys: StoredKey[]) => {
      stored = keys;
    };
    const first = await bed.gateway({ dataDir: folder, saveKeys });
    await first.api('POST', '/api/keys', { provider: 'custom:lab', baseUrl: lab.baseUrl, key: 'lab-1234567890' });
    await first.close();
    const second = await bed.gateway({ dataDir: folder, keys: stored, config: { settings: { ...quietSettings } } });
    const [key] = (await read(second, '/api/keys')).data;
    assert.equal(key.health.status, 'healthy');
    assert.equal((await read(second, '/api/state')).counts.models, 2);
    assert.equal(lab.gets.length, 1, 'the models are fresh: nobody is asked again');
  });

  it('says without a data folder that nothing is kept', async () => {
    const gateway = await bed.gateway({ demo: true });
    const { ledger } = await read(gateway, '/api/state');
    assert.equal(ledger.isSaving, false);
    const refused = await gateway.api('GET', '/api/analytics?window=24h');
    assert.equal((await refused.json()).error.code, 'ledger_unavailable');
  });

  it('tells who adds a key that could not be stored, and does not keep it', async () => {
    const lab = await bed.provider();
    const saveKeys = () => Promise.reject(new Error('ENOSPC: no space left on device'));
    const gateway = await bed.gateway({ saveKeys });
    const refused = await gateway.api('POST', '/api/keys', { provider: 'custom:lab', baseUrl: lab.baseUrl });
    assert.equal(refused.status, 503);
    assert.equal((await refused.json()).error.code, 'not_saved');
    assert.deepEqual((await read(gateway, '/api/keys')).data, []);
  });

  it('does not say that a chain or a setting is saved where the folder cannot be used', async () => {
    writeFileSync(path.join(folder, 'file'), '');
    const gateway = await bed.gateway({ demo: true, dataDir: path.join(folder, 'file', 'data') });
    for (const [where, body] of [
      ['/api/chain', { data: [] }],
      ['/api/settings', { retentionDays: 9 }],
    ] as const) {
      const refused = await gateway.api('PUT', where, body);
      assert.equal(refused.status, 503, where);
      assert.equal((await refused.json()).error.code, 'not_saved');
    }
    assert.equal((await read(gateway, '/api/settings')).retentionDays, 90);
  });

  it('goes on from what a folder holds that cannot be written', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'one' }));
    const config = { providers: { groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }] } } };
    const first = await bed.gateway({ config: { ...config, settings: { ...quietSettings } }, dataDir: folder });
    await first.api('PUT', '/api/chain', { data: [{ model: 'groq/llama-3.3-70b-versatile' }] });
    await first.api('PUT', '/api/settings', { retentionDays: 30 });
    assert.equal(await textOf(await first.chat()), 'one');
    await first.close();
    const before = readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'latin1')]);
    // Root may write anywhere: what nobody can replace is a folder.
    mkdirSync(path.join(folder, 'ledger.lock'));

    const second = await bed.gateway({ config: { ...config, settings: { ...quietSettings } }, dataDir: folder });
    assert.equal((await read(second, '/api/state')).ledger.isSaving, false);
    assert.equal((await read(second, '/api/settings')).retentionDays, 30);
    assert.equal((await read(second, '/api/chain')).data[0].model, 'groq/llama-3.3-70b-versatile');
    assert.equal(await textOf(await second.chat()), 'one');
    const { data: quota } = await read(second, '/api/quota');
    assert.ok(
      quota.some(({ kind, used }: never) => `${kind} ${used}` === 'rpd 2'),
      JSON.stringify(quota),
    );
    assert.equal((await read(second, '/api/analytics?window=24h')).totals.requests, 2);
    assert.equal((await second.api('PUT', '/api/chain', { data: null })).status, 503);
    await second.close();
    rmSync(path.join(folder, 'ledger.lock'), { recursive: true });
    const after = readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name), 'latin1')]);
    assert.deepEqual(after, before);
  });

  it('stores one change of the keys after the other, and a failing one undoes no other', async () => {
    const saves: { ids: string[]; end(error?: Error): void }[] = [];
    let stored: string[] = [];
    let noticed = () => {};
    const saveKeys = (keys: StoredKey[]) =>
      new Promise<void>((resolve, reject) => {
        const ids = keys.map(({ provider, label }) => `${provider} ${label}`);
        const end = (error?: Error) => {
          // As SecretStorage may: it fails, and has stored them all the same.
          stored = ids;
          if (error) reject(error);
          else resolve();
        };
        saves.push({ ids, end });
        noticed();
      });
    const saving = async (count: number) => {
      while (saves.length < count) {
        await new Promise<void>((resolve) => {
          noticed = resolve;
        });
      }
      return saves[count - 1] ?? assert.fail('no save');
    };
    const gateway = await bed.gateway({ saveKeys, config: { settings: { ...quietSettings } } });
    const baseUrl = 'http://127.0.0.1:9/v1';
    const keyOf = (name: string) => ({ provider: `custom:${name}`, baseUrl, label: '1', models: ['m'] });
    const first = gateway.api('POST', '/api/keys', keyOf('a'));
    (await saving(1)).end();
    const { key } = (await (await first).json()) as { key: { id: string } };
    const changing = gateway.api('PATCH', `/api/keys/${key.id}`, { label: '2' });
    const failing = await saving(2);
    const adding = gateway.api('POST', '/api/keys', keyOf('b'));
    const removing = adding.then(() => gateway.api('DELETE', `/api/keys/${key.id}`));
    // Answered after the key above has come to its turn.
    await gateway.api('GET', '/api/keys');
    assert.equal(saves.length, 2);
    failing.end(new Error('the keyring is locked'));
    assert.equal((await changing).status, 503);
    let ended = 2;
    let isOver = false;
    void removing.then(() => {
      isOver = true;
    });
    while (!isOver) {
      const next = await Promise.race([saving(ended + 1), removing.then(() => null)]);
      next?.end();
      if (next) ended += 1;
    }
    assert.deepEqual([(await adding).status, (await removing).status], [201, 204]);
    const { data } = await read(gateway, '/api/keys');
    assert.deepEqual(
      data.map(({ provider, label }: Record<string, string>) => `${provider} ${label}`),
      ['custom:b 1'],
    );
    assert.deepEqual(stored, ['custom:b 1']);
    assert.deepEqual(saves[2]?.ids.slice(0, 1), ['custom:a 1'], 'what follows knows nothing of the failed change');
  });

  it('changes nothing of a key when the change could not be stored', async () => {
    const lab = await bed.provider(chatCompletion({ text: 'lab' }));
    let isFull = false;
    const saveKeys = async () => {
      if (isFull) throw new Error('ENOSPC: no space left on device');
    };
    const gateway = await bed.gateway({ saveKeys, config: { settings: { ...quietSettings } } });
    const old = 'lab-old-1234567890';
    await gateway.api('POST', '/api/keys', { provider: 'custom:lab', baseUrl: lab.baseUrl, key: old, models: ['m'] });
    const { data: before } = await read(gateway, '/api/keys');
    isFull = true;
    const where = `/api/keys/${before[0].id}`;
    const change = { key: 'lab-new-0987654321', label: 'new', limits: { rpd: 1 }, models: null, enabled: false };
    assert.equal((await gateway.api('PATCH', where, change)).status, 503);
    assert.equal((await gateway.api('DELETE', where)).status, 503);
    assert.deepEqual((await read(gateway, '/api/keys')).data, before);
    await gateway.chat({ model: 'custom:lab/m' });
    assert.equal(lab.requests.at(-1)?.headers.authorization, `Bearer ${old}`);
  });
});
