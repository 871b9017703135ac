import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { useBed } from '../support/bed.js';
import type { ClientResponse } from '../support/client.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, json } from '../support/provider.js';
import { assertError, configOf, quietSettings, secrets, textOf } from '../support/scenario.js';

const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
const withImage = { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, image] }] };
const withTool = {
  tools: [{ type: 'function', function: { name: 'read', parameters: { type: 'object', properties: {} } } }],
};
const long = { messages: [{ role: 'user', content: 'word '.repeat(5000) }] };

describe('what was asked for is what an error speaks of', () => {
  const bed = useBed();

  async function labs() {
    const provider = await bed.provider();
    const lab = (id: string, more: object) => ({ baseUrl: provider.baseUrl, models: [{ id, ...more }] });
    const plain = { vision: false, tools: false, contextWindow: 2000 };
    const config: ConfigFile = {
      ...configOf(
        {
          'custom:a': lab('m1', plain),
          'custom:b': lab('m2', { vision: true, tools: true }),
          'custom:c': lab('m3', plain),
        },
        ['custom:a/m1', 'custom:b/m2', 'custom:c/m3'],
      ),
      profiles: { coding: { chain: ['custom:a/m1', 'custom:c/m3'] } },
    };
    return bed.gateway({ config, clock: createManualClock() });
  }

  it('when a pinned model or a profile cannot take the request', async () => {
    const gateway = await labs();
    const refused = async (body: object, code: string) =>
      (await assertError(await gateway.chat(body as Record<string, unknown>), 400, 'invalid_request_error', code))
        .message;
    const pin = { model: 'custom:a/m1' };
    const profile = { model: 'coding' };
    assert.match(
      await refused({ ...pin, ...withImage }, 'no_vision_model'),
      /and custom:a\/m1 cannot see; ask for another/,
    );
    assert.match(await refused({ ...pin, ...withTool }, 'no_tools_model'), /and custom:a\/m1 cannot call them;/);
    assert.match(
      await refused({ ...pin, ...long }, 'context_length_exceeded'),
      /maximum context length of custom:a\/m1 is 2000/,
    );
    assert.match(
      await refused({ ...profile, ...withImage }, 'no_vision_model'),
      /none of the models of "coding" \(custom:a\/m1, custom:c\/m3\) can see/,
    );
    assert.match(
      await refused({ ...profile, ...long }, 'context_length_exceeded'),
      /maximum context length of the models of "coding" is 2000/,
    );
    assert.equal((await gateway.chat(withImage)).headers['x-routed-via'], 'custom:b/m2');
  });
});

describe('a name that cannot be asked for', () => {
  const bed = useBed();
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'freellm-names-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const fast = 'groq/llama-3.1-8b-instant';
  const flash = 'google/gemini-2.5-flash';

  async function scene(more: Partial<ConfigFile> = {}) {
    const provider = await bed.provider();
    const providers = {
      groq: { baseUrl: `${provider.origin}/openai/v1`, keys: [{ key: secrets.groq }] },
      google: { baseUrl: provider.baseUrl, keys: [{ key: secrets.google }] },
    };
    const config: ConfigFile = { ...configOf(providers, ['groq/llama-3.3-70b-versatile', flash]), ...more };
    return bed.gateway({ config, clock: createManualClock(), dataDir: folder });
  }

  async function words(answer: ClientResponse): Promise<string> {
    return (await assertError(answer, 404, 'invalid_request_error', 'model_not_found')).message;
  }

  it('says that it is not in the chain of the config file, and suggests nothing that is refused', async () => {
    const gateway = await scene({ profiles: { empty: { chain: ['mistral/mistral-large-latest'] } } });
    const ask = async (model: string) => words(await gateway.chat({ model }));
    assert.match(await ask(fast), /is configured but not in your chain: .*Add groq\/llama-3\.1-8b-instant to it/);
    const group = await ask('gpt-oss-120b');
    assert.match(group, /"gpt-oss-120b" \(groq\/openai\/gpt-oss-120b\) is configured but not in your chain/);
    assert.doesNotMatch(group, /did you mean/);
    assert.doesNotMatch(await ask('emptyy'), /did you mean empty\b/);
  });

  it('says that the user switched it off', async () => {
    const provider = await bed.provider();
    const config = {
      providers: { groq: { baseUrl: `${provider.origin}/openai/v1`, keys: [{ key: secrets.groq }] } },
      settings: { ...quietSettings },
    };
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    await gateway.api('PUT', '/api/chain', { data: [{ model: fast, enabled: false }] });
    assert.match(await words(await gateway.chat({ model: fast })), /is switched off in your chain/);
    const other = 'groq/llama-3.3-70b-versatile';
    assert.equal((await gateway.chat({ model: other })).headers['x-routed-via'], other, 'who is not named stays on');
  });

  it('is recorded, cut to a sane length, and found by what was asked for', async () => {
    const gateway = await scene();
    const answer = await gateway.chat({ model: 'x'.repeat(80_000) });
    assert.ok((await words(answer)).length < 500);
    const read = async (where: string) => (await gateway.api('GET', where)).json();
    const row = await read(`/api/requests/${answer.headers['x-request-id']}`);
    assert.deepEqual(
      [row.model.length, row.status, row.httpStatus, row.errorCode],
      [200, 'error', 404, 'model_not_found'],
    );
    assert.equal((await read('/api/analytics?window=24h')).totals.requests, 1);
    await gateway.chat({ model: 'gpt-9' });
    const { data } = await read('/api/requests?model=gpt-9');
    assert.deepEqual(
      data.map((one: { model: string }) => one.model),
      ['gpt-9'],
    );
    assert.equal((await read('/api/state')).inFlight ?? 0, 0);
  });

  it('is answered where only its case is another, and nothing grows with each way to write it', async () => {
    const gateway = await scene({ profiles: { Coding: { chain: [flash, 'groq/llama-3.3-70b-versatile'] } } });
    for (const model of [
      'AUTO',
      'Auto:Fastest',
      'GROQ/Llama-3.3-70B-versatile',
      'auto:coding',
      'CODING',
      'Prefer:auto',
    ]) {
      assert.equal((await gateway.chat({ model })).status, 200, model);
    }
  });

  it('finds LiteLLM and loose spellings, and never a profile of one letter', async () => {
    const gateway = await scene({ profiles: { x: { chain: [flash] } } });
    const ask = async (model: string) => words(await gateway.chat({ model }));
    assert.match(await ask('gemini/gemini-2.5-flash'), /did you mean google\/gemini-2\.5-flash\b/);
    assert.match(await ask('llama3.3'), /did you mean .*llama-3\.3-70b/);
    for (const model of ['mixtral', 'qwx', 'phi-x', 'xy'])
      assert.doesNotMatch(await ask(model), /did you mean .*\bx\b/);
  });

  it('warns at the start of limits for a model that nobody knows', async () => {
    const gateway = await scene({ limits: { 'groq/llama-3.3-70b-versatil': { rpm: 1 }, [flash]: { rpm: 1 } } });
    const lines = gateway.logs.filter(({ component }) => component === 'config').map(({ message }) => message);
    assert.equal(lines.length, 1);
    assert.match(
      lines[0] ?? '',
      /^limits: groq\/llama-3\.3-70b-versatil is no known model.*did you mean groq\/llama-3\.3-70b-versatile/,
    );
  });

  it('says each model once, however many keys it has', async () => {
    const provider = await bed.provider(errorStatus(429, 'slow down', { 'retry-after': '30' }));
    const keys = [{ key: 'key-one-of-lab' }, { key: 'key-two-of-lab' }];
    const models = [{ id: 'm1' }];
    const config = configOf(
      { 'custom:a': { baseUrl: provider.baseUrl.replace('127.0.0.1', 'localhost'), keys, models } },
      ['custom:a/m1'],
    );
    const gateway = await bed.gateway({
      config: { ...config, limits: { 'custom:a/m1': { rpm: 1 } } },
      clock: createManualClock(),
    });
    provider.script(chatCompletion());
    for (const _ of keys) assert.equal(await textOf(await gateway.chat()), 'hello');
    const { message } = await assertError(await gateway.chat(), 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal(message.split('custom:a/m1 (rpm) again at').length, 2, message);
  });
});

describe('user-pains: a day that the provider called used up', () => {
  const bed = useBed();

  async function usedUp(dataDir?: string) {
    const used = json(
      429,
      { error: { message: 'Rate limit exceeded: free-models-per-day' } },
      { 'x-ratelimit-limit': '50', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Date.UTC(2026, 10, 22)) },
    );
    const provider = await bed.provider(used);
    const name = 'openrouter/meta-llama/llama-3.3-70b-instruct:free';
    const config = configOf({ openrouter: { baseUrl: provider.baseUrl, keys: [{ key: secrets.openrouter }] } }, [name]);
    const clock = createManualClock();
    const open = () => bed.gateway({ config, clock, ...(dataDir === undefined ? {} : { dataDir }) });
    const gateway = await open();
    await assertError(await gateway.chat(), 429, 'rate_limit_error', 'rate_limit_exceeded');
    return { provider, gateway, open };
  }

  type Gateway = Awaited<ReturnType<typeof usedUp>>['gateway'];

  async function retryNow(gateway: Gateway): Promise<void> {
    const { data } = await (await gateway.api('GET', '/api/cooldowns')).json();
    assert.ok(data.length > 0);
    for (const { id } of data) assert.equal((await gateway.api('DELETE', `/api/cooldowns/${id}`)).status, 204);
  }

  async function day(gateway: Gateway) {
    const { data } = await (await gateway.api('GET', '/api/quota')).json();
    const days = data.filter(({ kind }: { kind: string }) => kind === 'rpd');
    return days.sort((a: { used: number }, b: { used: number }) => b.used - a.used)[0];
  }

  it('is asked again by "Retry now", and closed again by the same word', async () => {
    const { provider, gateway } = await usedUp();
    assert.equal((await day(gateway))?.used, 50);
    await retryNow(gateway);
    await assertError(await gateway.chat(), 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal(provider.requests.length, 2, 'asked once');
    const { message } = await assertError(await gateway.chat(), 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal(provider.requests.length, 2);
    assert.match(message, /\((daily_quota|rpd, as the provider said)\) again at/);
    await retryNow(gateway);
    provider.script(chatCompletion({ text: 'credits' }));
    for (let count = 0; count < 3; count++) assert.equal(await textOf(await gateway.chat()), 'credits');
  });

  it('also after a restart', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'freellm-day-'));
    try {
      const { provider, gateway, open } = await usedUp(folder);
      await gateway.close();
      const again = await open();
      assert.equal((await day(again))?.used, 50);
      await retryNow(again);
      provider.script(chatCompletion({ text: 'credits' }));
      assert.equal(await textOf(await again.chat()), 'credits');
      await again.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('POST /api/quota/reset forgets the limit and what was said to be used', async () => {
    const { gateway } = await usedUp();
    const { id, kind } = await day(gateway);
    assert.equal((await gateway.api('POST', '/api/quota/reset', { id, kind })).status, 204);
    const { data } = await (await gateway.api('GET', '/api/quota')).json();
    const window = data.find((one: { id: string; kind: string }) => one.id === id && one.kind === kind);
    assert.ok((window?.used ?? 0) <= 1, JSON.stringify(window));
    assert.notEqual(window?.source, 'header');
  });
});
