import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { useBed } from '../support/bed.js';
import type { TestGateway } from '../support/gateway.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type FakeProvider } from '../support/provider.js';
import { assertError, quietSettings } from '../support/scenario.js';

describe('profiles', () => {
  const bed = useBed();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-profiles-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Providers a, b and c with a model each, of 8k, 32k and unknown context. */
  async function scene(more: Partial<ConfigFile> = {}) {
    const servers: FakeProvider[] = [];
    const providers: NonNullable<ConfigFile['providers']> = {};
    for (const [name, contextWindow] of [
      ['a', 8192],
      ['b', 32_768],
      ['c', undefined],
    ] as const) {
      const server = await bed.provider(chatCompletion({ text: name }));
      const model = { id: 'm', ...(contextWindow ? { contextWindow } : {}) };
      providers[`custom:${name}`] = { baseUrl: server.baseUrl, keys: [{ key: `key-of-${name}` }], models: [model] };
      servers.push(server);
    }
    const config: ConfigFile = { providers, strategy: 'priority', settings: quietSettings, ...more };
    return { servers: servers as [FakeProvider, FakeProvider, FakeProvider], config };
  }
  const [a, b, c] = ['custom:a/m', 'custom:b/m', 'custom:c/m'] as const;
  const put = (gateway: TestGateway, body: unknown) => gateway.api('PUT', '/api/profiles', body);
  const via = async (gateway: TestGateway, model: string) => (await gateway.chat({ model })).headers['x-routed-via'];
  const list = async (gateway: TestGateway) => (await (await gateway.api('GET', '/api/profiles')).json()).data;

  it('are made, used at once by either name, changed, and removed', async () => {
    const { config } = await scene();
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.deepEqual(await list(gateway), []);
    const made = await put(gateway, { name: 'coding', chain: [b, a] });
    assert.equal(made.status, 200);
    assert.deepEqual(await made.json(), {
      name: 'coding',
      chain: [b, a],
      strategy: 'priority',
      contextWindow: null,
      effectiveContextWindow: 8192,
      isFixed: false,
      available: true,
      warnings: [],
    });
    assert.deepEqual([await via(gateway, 'coding'), await via(gateway, 'auto:coding')], [b, b]);
    await put(gateway, { name: 'coding', chain: [c, b], strategy: 'failover', contextWindow: 16_000 });
    assert.equal(await via(gateway, 'coding'), c);
    const entry = await (await gateway.v1('/v1/models/coding')).json();
    assert.deepEqual([entry.context_length, entry.owned_by], [16_000, 'freellm']);
    assert.equal(entry.description, `${c}, ${b} (failover)`);
    assert.equal((await gateway.api('DELETE', '/api/profiles/coding')).status, 204);
    await assertError(await gateway.chat({ model: 'coding' }), 404, 'invalid_request_error', 'model_not_found');
    const gone = await gateway.api('DELETE', '/api/profiles/coding');
    await assertError(gone, 404, 'invalid_request_error', 'not_found');
  });

  it('tell clients the context of their smallest model, unknown ones aside', async () => {
    const { config } = await scene({
      profiles: { all: { chain: [c, b, a] }, some: { chain: [c, b] }, one: { chain: [c] } },
    });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const contextOf = async (id: string) => (await (await gateway.v1(`/v1/models/${id}`)).json()).context_length;
    assert.deepEqual([await contextOf('all'), await contextOf('some'), await contextOf('one')], [8192, 32_768, null]);
  });

  it('fail over inside themselves, and never leave', async () => {
    const { config, servers } = await scene({ profiles: { pair: { chain: [a, b] } } });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    servers[0].script(errorStatus(429, 'slow down', { 'retry-after': '9' }));
    assert.equal(await via(gateway, 'pair'), b);
    servers[1].script(errorStatus(429, 'slow down', { 'retry-after': '9' }));
    await assertError(await gateway.chat({ model: 'pair' }), 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal(servers[2].requests.length, 0);
  });

  it('that have nobody to ask say so, by their own name and their models', async () => {
    const { config } = await scene({ profiles: { ghosts: { chain: ['custom:a/none', 'nobody/x'] } } });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    for (const model of ['ghosts', 'auto:ghosts']) {
      const error = await assertError(await gateway.chat({ model }), 503, 'api_error', 'no_providers_configured');
      assert.match(error.message, /"ghosts" has nobody to ask.*custom:a\/none; nobody\/x/);
    }
    assert.equal(await via(gateway, 'prefer:ghosts'), a);
  });

  it('take turns with round-robin', async () => {
    const { config } = await scene({ profiles: { ring: { chain: [a, b, c], strategy: 'round-robin' } } });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const asked = [];
    for (let n = 0; n < 4; n++) asked.push(await via(gateway, 'ring'));
    assert.deepEqual(asked, [a, b, c, a]);
  });

  it('may have models that the chain has off; those answer there and nowhere else', async () => {
    const { config } = await scene();
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    await gateway.api('PUT', '/api/chain', { data: [{ model: a, enabled: false }] });
    await put(gateway, { name: 'rest', chain: [a] });
    assert.equal(await via(gateway, 'rest'), a);
    assert.notEqual(await via(gateway, 'auto'), a);
    await assertError(await gateway.chat({ model: a }), 404, 'invalid_request_error', 'model_not_found');
  });

  it('of the config file switch none of their models on elsewhere, where a chain of it says which are on', async () => {
    const { config } = await scene({ chain: [b], profiles: { rest: { chain: [a] } } });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.deepEqual([await via(gateway, 'rest'), await via(gateway, 'auto')], [a, b]);
    await assertError(await gateway.chat({ model: a }), 404, 'invalid_request_error', 'model_not_found');
  });

  it('say what may be meant by unknown models when they are made, of the first five, and never when they are listed', async () => {
    const { config } = await scene();
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const wrong = [1, 2, 3, 4, 5, 6, 7].map((n) => `custom:a/m${n}`);
    const { warnings } = await (await put(gateway, { name: 'odd', chain: wrong })).json();
    const plain = wrong.map((name) => `${name} is no known model (yet)`);
    assert.deepEqual(warnings.slice(5), plain.slice(5));
    for (const warning of warnings.slice(0, 5)) assert.match(warning, /did you mean custom:a\/m\?$/);
    assert.deepEqual((await list(gateway))[0].warnings, plain);
  });

  it('cannot be called what means something else; unknown models are a warning', async () => {
    const { config } = await scene({ profiles: { fixed: { chain: [a] } } });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    for (const name of [
      'auto',
      'fastest',
      'round-robin',
      'llama-3.3-70b',
      'm',
      'mistral-large-latest',
      a,
      'auto:x',
      '',
      ' ',
    ]) {
      const { message } = await assertError(
        await put(gateway, { name, chain: [a] }),
        400,
        'invalid_request_error',
        'invalid_request',
      );
      assert.match(message, /^name: /);
    }
    for (const body of [
      { name: 'x', chain: [] },
      { name: 'x', chain: [a, a] },
      { name: 'x', chain: ['m'] },
      { name: 'x' },
    ]) {
      await assertError(await put(gateway, body), 400, 'invalid_request_error', 'invalid_request');
    }
    const { warnings } = await (await put(gateway, { name: 'odd', chain: [a, 'custom:a/mm'] })).json();
    assert.deepEqual(warnings, ['custom:a/mm is no known model (yet); did you mean custom:a/m?']);
    assert.equal(await via(gateway, 'odd'), a);
    for (const change of [put(gateway, { name: 'fixed', chain: [b] }), gateway.api('DELETE', '/api/profiles/fixed')]) {
      await assertError(await change, 409, 'invalid_request_error', 'profile_in_config');
    }
  });

  it('of the config file that name unknown models are said in the log', async () => {
    const { config } = await scene({ profiles: { odd: { chain: [a, 'custom:a/mm'] } } });
    const { logs } = await bed.gateway({ config, clock: createManualClock() });
    assert.ok(logs.some(({ level, message }) => level === 'warn' && /profiles\.odd: custom:a\/mm/.test(message)));
  });

  it('are there again after a restart, and have statistics of their own', async () => {
    const { config } = await scene();
    const first = await bed.gateway({ config, dataDir: folder });
    await put(first, { name: 'coding', chain: [b, a], strategy: 'least-latency', contextWindow: 4096 });
    await put(first, { name: 'other', chain: [c] });
    const answer = await first.chat({ model: 'coding' });
    await first.chat({ model: 'auto:coding' });
    await first.chat();
    const before = await list(first);
    const { profile, strategy } = await (
      await first.api('GET', `/api/requests/${answer.headers['x-request-id']}`)
    ).json();
    assert.deepEqual([profile, strategy], ['coding', 'least-latency']);
    await first.close();
    const again = await bed.gateway({ config, dataDir: folder });
    assert.deepEqual(await list(again), before);
    const { byProfile } = await (await again.api('GET', '/api/analytics')).json();
    assert.equal(byProfile.length, 1);
    const [{ profile: name, requests, successRate, completionTokens, latencyMs }] = byProfile;
    assert.deepEqual([name, requests, successRate], ['coding', 2, 1]);
    assert.ok(completionTokens > 0 && latencyMs.p50 >= 0);
  });
});
