import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import type { ChainModel, ChainView } from '../../src/protocol/chain.js';
import { useBed } from '../support/bed.js';
import { minute, second } from '../support/failoverScene.js';
import type { TestGateway } from '../support/gateway.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type FakeProvider, type Handler } from '../support/provider.js';
import { assertError, quietSettings, secrets, u1Name, u2Name } from '../support/scenario.js';

const fastName = 'cerebras/llama3.1-8b';

describe('strategies', () => {
  const bed = useBed();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-strategies-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Groq's Llama 70B (17th, fast), Mistral Large (14th, of middling speed), Llama 8B at Cerebras (28th, the fastest). */
  async function three(more: Partial<ConfigFile> = {}) {
    const providers: Record<'groq' | 'mistral' | 'cerebras', FakeProvider> = {
      groq: await bed.provider(),
      mistral: await bed.provider(),
      cerebras: await bed.provider(),
    };
    const entry = (name: keyof typeof providers) => ({
      baseUrl: providers[name].baseUrl,
      keys: [{ key: secrets[name] }],
    });
    const config: ConfigFile = {
      providers: { groq: entry('groq'), mistral: entry('mistral'), cerebras: entry('cerebras') },
      chain: [u1Name, u2Name, fastName],
      limits: { [u1Name]: { rpm: 1000 }, [u2Name]: { rpm: 1000 }, [fastName]: { rpm: 1000 } },
      settings: quietSettings,
      ...more,
    };
    return { ...providers, config, clock: createManualClock() };
  }
  const via = async (gateway: TestGateway, model = 'auto') => (await gateway.chat({ model })).headers['x-routed-via'];
  const read = async (gateway: TestGateway, where: string) => (await gateway.api('GET', where)).json();
  const orderOf = ({ data }: ChainView) => data.filter(({ enabled }) => enabled).map(({ model }) => model);

  /** Answers after so many ms of the test's clock. */
  const slowly =
    (clock: { advance(ms: number): void }, ms: number): Handler =>
    (request, response, n) => {
      clock.advance(ms);
      return chatCompletion()(request, response, n);
    };

  it('a chain of the config file is asked in its order, auto:<strategy> in that of the strategy', async () => {
    const { config, clock } = await three();
    const gateway = await bed.gateway({ config, clock });
    // Fake answers take no time: who was asked once is the fastest from then on.
    assert.equal(await via(gateway, 'auto:fastest'), fastName);
    assert.equal(await via(gateway, 'auto:smartest'), u2Name);
    assert.equal(await via(gateway, 'auto:priority'), u1Name);
    assert.equal(await via(gateway), u1Name);
    assert.equal((await read(gateway, '/api/settings')).strategy, 'priority');
    await assertError(await gateway.chat({ model: 'auto:luckiest' }), 404, 'invalid_request_error', 'model_not_found');
  });

  it('without a chain it is balanced; an order that the user sets is asked in that order', async () => {
    const { config, clock } = await three();
    const { chain: _chain, ...rest } = config;
    const gateway = await bed.gateway({ config: rest, clock });
    assert.equal((await read(gateway, '/api/settings')).strategy, 'balanced');
    assert.deepEqual(
      orderOf(await read(gateway, '/api/chain')),
      orderOf(await read(gateway, '/api/chain?strategy=balanced')),
    );
    await gateway.api('PUT', '/api/chain', { data: [u1Name, u2Name, fastName].map((model) => ({ model })) });
    assert.equal((await read(gateway, '/api/settings')).strategy, 'priority');
    assert.equal(await via(gateway), u1Name);
    const put = await gateway.api('PUT', '/api/settings', { strategy: 'fastest' });
    assert.equal((await put.json()).strategy, 'fastest');
    assert.equal((await read(gateway, '/api/chain')).strategy, 'fastest');
  });

  it('the strategy of the config file holds, and is changed there', async () => {
    const { config, clock } = await three({ strategy: 'smartest' });
    const gateway = await bed.gateway({ config, clock });
    assert.equal(await via(gateway), u2Name);
    const refused = await gateway.api('PUT', '/api/settings', { strategy: 'fastest' });
    await assertError(refused, 409, 'invalid_request_error', 'setting_in_config');
  });

  it('custom weighs as the user says', async () => {
    const { config, clock } = await three();
    const gateway = await bed.gateway({ config, clock });
    const put = (strategyWeights: unknown) => gateway.api('PUT', '/api/settings', { strategyWeights });
    const none = { reliability: 0, speed: 0, intelligence: 0, headroom: 0 };
    assert.equal((await put({ ...none, speed: 0.5, intelligence: 0.01 })).status, 200);
    assert.equal(await via(gateway, 'auto:custom'), fastName);
    assert.equal((await put({ ...none, intelligence: 1 })).status, 200);
    assert.equal(await via(gateway, 'auto:custom'), u2Name);
    // Only the ratios matter, and what is left out weighs nothing.
    assert.equal((await put({ speed: 50, intelligence: 1 })).status, 200);
    assert.equal(await via(gateway, 'auto:custom'), fastName);
    for (const wrong of [none, {}, { ...none, speed: -1 }, { ...none, speed: 1, luck: 1 }, 'fast']) {
      await assertError(await put(wrong), 400, 'invalid_request_error', 'invalid_request');
    }
  });

  it('who failed is asked later under reliable, also after a restart', async () => {
    const { config, clock, groq } = await three();
    groq.script([errorStatus(500, 'oops'), chatCompletion()]);
    const first = await bed.gateway({ config, clock, dataDir: folder });
    assert.equal(await via(first, 'auto:reliable'), u2Name, 'all alike: Groq was first, and failed');
    clock.advance(minute);
    assert.equal(await via(first, 'auto:reliable'), u2Name);
    assert.equal(await via(first, 'auto:priority'), u1Name);
    await first.close();
    const again = await bed.gateway({ config, clock, dataDir: folder });
    const { data }: ChainView = await read(again, '/api/chain?strategy=reliable');
    assert.deepEqual(
      data.flatMap(({ model, enabled, score }) => (enabled ? [[model, score?.reliability.samples]] : [])),
      [
        [u2Name, 2],
        [fastName, 0],
        [u1Name, 2],
      ],
    );
  });

  it('who turns out slow is asked later under fastest, whole answers and streams alike', async () => {
    for (const stream of [false, true]) {
      const { config, clock, cerebras } = await three();
      cerebras.script(slowly(clock, 8 * second));
      const gateway = await bed.gateway({ config, clock });
      for (let n = 0; n < 3; n++) {
        const answer = await gateway.chat({ model: fastName, stream });
        await answer.text();
      }
      assert.equal(await via(gateway, 'auto:fastest'), u1Name, `stream: ${stream}`);
    }
  });

  it("a client's own mistake and a refused key are no failures of the model", async () => {
    const { config, clock, groq } = await three();
    groq.script([errorStatus(400, 'no such parameter'), errorStatus(401, 'bad key')]);
    const gateway = await bed.gateway({ config, clock });
    for (let n = 0; n < 2; n++) await gateway.chat();
    assert.equal(groq.requests.length, 2);
    const { data }: ChainView = await read(gateway, '/api/chain');
    assert.equal(data.find(({ model }) => model === u1Name)?.score?.reliability.samples, 0);
  });

  it('keys of a model take turns, whatever the strategy', async () => {
    const { config, clock, groq } = await three();
    const keys = ['gsk_a-0123456789', 'gsk_b-0123456789', 'gsk_c-0123456789'];
    const { groq: _groq, ...others } = config.providers ?? {};
    const providers = { ...others, groq: { baseUrl: groq.baseUrl, keys: keys.map((key) => ({ key })) } };
    const gateway = await bed.gateway({ config: { ...config, providers }, clock });
    for (let n = 0; n < 9; n++) await via(gateway, n % 2 ? 'auto' : u1Name);
    const asked = groq.requests.map(({ headers }) => headers.authorization?.slice('Bearer '.length));
    assert.deepEqual(asked, [...keys, ...keys, ...keys]);
  });

  it('GET /api/chain tells of each model what it can, what is left and why it stands where it stands', async () => {
    const { config, clock } = await three({ limits: { [u1Name]: { rpm: 1000, rpd: 4 }, [u2Name]: { rpm: 1000 } } });
    const gateway = await bed.gateway({ config, clock });
    await via(gateway);
    const view: ChainView = await read(gateway, '/api/chain');
    assert.deepEqual([view.strategy, view.scoredBy], ['priority', 'balanced']);
    const [llama] = view.data as [ChainModel];
    assert.equal(llama.model, u1Name);
    assert.deepEqual(llama.today?.requests, { used: 1, limit: 4 });
    assert.equal(llama.today?.left, 0.75);
    assert.equal(llama.today?.tokens.limit, 100_000);
    assert.equal(llama.group, 'llama-3.3-70b');
    assert.deepEqual(llama.providers, ['groq']);
    assert.deepEqual([llama.contextWindow, llama.tools, llama.vision, llama.keys], [131_072, true, false, 1]);
    assert.equal(llama.monthlyTokens, '~15M');
    const { score } = llama;
    assert.ok(score);
    const parts = [score.reliability, score.speed, score.intelligence, score.headroom];
    const sum = parts.reduce((total, { value, weight }) => total + value * weight, 0);
    assert.ok(Math.abs(sum - score.score) < 0.005, `${sum} ${score.score}`);
    assert.deepEqual([score.reliability.samples, score.headroom.samples], [1, null]);
    assert.equal(score.headroom.value, 0.75);
    const preview: ChainView = await read(gateway, '/api/chain?strategy=smartest');
    assert.deepEqual([preview.strategy, orderOf(preview)[0]], ['smartest', u2Name]);
    assert.equal(await via(gateway), u1Name, 'a preview changes nothing');
    const off = view.data.find(({ enabled }) => !enabled);
    assert.deepEqual([off?.score, off?.today], [null, null]);
    await assertError(
      await gateway.api('GET', '/api/chain?strategy=x'),
      400,
      'invalid_request_error',
      'invalid_request',
    );
  });

  it('GET /api/requests/{id} tells the strategy and the scores, number by number', async () => {
    const { config, clock, mistral } = await three();
    mistral.script(errorStatus(500, 'oops'));
    const gateway = await bed.gateway({ config, clock, dataDir: folder });
    const answer = await gateway.chat({ model: 'auto:smartest' });
    assert.equal(answer.headers['x-fallback-trail'], `${u2Name}=overloaded`);
    const explain = (id: unknown) => read(gateway, `/api/requests/${id}`);
    const { strategy, scores, profile } = await explain(answer.headers['x-request-id']);
    assert.deepEqual([strategy, profile], ['smartest', null]);
    assert.deepEqual(
      scores.map(({ model }: { model: string }) => model),
      [u2Name, u1Name],
    );
    assert.ok(scores[0].score > scores[1].score);
    assert.deepEqual(scores[0].reliability, { value: 0.9, weight: 0.2, samples: 0 });
    assert.deepEqual(scores[0].intelligence, { value: 0.567, weight: 0.8, samples: null });
    const plain = await explain((await gateway.chat({ model: 'auto' })).headers['x-request-id']);
    assert.deepEqual([plain.strategy, plain.scores], ['priority', []]);
    const pinned = await explain((await gateway.chat({ model: u1Name })).headers['x-request-id']);
    assert.deepEqual([pinned.strategy, pinned.scores], [null, []]);
  });
});
