import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const image = {
  type: 'image_url',
  image_url: {
    url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  },
};
const withImage = { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, image] }] };

function tool(description = 'Reads a file') {
  return {
    type: 'function',
    function: {
      name: 'read',
      description,
      parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
    },
  };
}

interface ModelEntry {
  id: string;
  contextWindow?: number;
  maxOutput?: number;
  tools?: boolean;
  vision?: boolean;
}

describe('conformance D: model selection', () => {
  const bed = useBed();

  async function pair() {
    const u1 = await bed.provider(chatCompletion({ text: 'from one' }));
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock: createManualClock() });
    return { u1, u2, gateway };
  }

  /** Two custom providers with one model each, U1's first. */
  async function labs(first: ModelEntry, second: ModelEntry) {
    const u1 = await bed.provider(chatCompletion({ text: 'from one' }));
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const config = configOf(
      {
        'custom:one': { baseUrl: u1.baseUrl, keys: [{ key: 'key-of-one' }], models: [first] },
        'custom:two': { baseUrl: u2.baseUrl, keys: [{ key: 'key-of-two' }], models: [second] },
      },
      [`custom:one/${first.id}`, `custom:two/${second.id}`],
    );
    return { u1, u2, gateway: await bed.gateway({ config, clock: createManualClock() }) };
  }

  it('case 60: model auto or omitted takes the top of the chain', async () => {
    const { gateway, u1 } = await pair();
    assert.equal((await gateway.chat({ model: 'auto' })).headers['x-routed-via'], u1Name);
    assert.equal((await gateway.chat({ model: undefined })).headers['x-routed-via'], u1Name);
    assert.deepEqual(
      u1.requests.map((one) => one.body.model),
      ['llama-3.3-70b-versatile', 'llama-3.3-70b-versatile'],
    );
  });

  it('case 60: an unknown model is 404 with the nearest names, and nobody is asked', async () => {
    const { gateway, u1, u2 } = await pair();
    const response = await gateway.chat({ model: 'llama-3.3-70b-versatil' });
    const error = await assertError(response, 404, 'invalid_request_error', 'model_not_found');
    assert.match(error.message, /llama-3\.3-70b-versatile/);
    assert.equal(error.param, 'model');
    assert.equal(u1.requests.length + u2.requests.length, 0);
  });

  /** Llama 3.3 70B at two providers, and something else at a third. */
  async function group() {
    const [u1, u2, other] = [await bed.provider(), await bed.provider(), await bed.provider()];
    const config = configOf(
      {
        groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }] },
        nvidia: { baseUrl: u2.baseUrl, keys: [{ key: 'nvapi-0123456789abcdefghij' }] },
        mistral: { baseUrl: other.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [u2Name, u1Name, 'nvidia/meta/llama-3.3-70b-instruct'],
    );
    const clock = createManualClock();
    return { u1, u2, other, clock, gateway: await bed.gateway({ config, clock }) };
  }

  it("case 61: a logical model whose first copy is at its limit is answered by the other provider's", async () => {
    const { u1, u2, other, gateway } = await group();
    u1.script(errorStatus(429, 'slow down'));
    const response = await gateway.chat({ model: 'llama-3.3-70b' });
    assert.equal(response.headers['x-routed-via'], 'nvidia/meta/llama-3.3-70b-instruct');
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=rate_limit`);
    assert.equal(response.status, 200);
    assert.deepEqual([u1.requests.length, u2.requests.length, other.requests.length], [1, 1, 0]);
  });

  it('case 61: with all copies at their limits it is 429 with the soonest time, never another model', async () => {
    const { u1, u2, other, clock, gateway } = await group();
    u1.script(errorStatus(429, 'slow down', { 'retry-after': '50' }));
    u2.script([errorStatus(429, 'slow down', { 'retry-after': '40' }), chatCompletion({ text: 'the copy' })]);
    for (const isFirst of [true, false]) {
      const refused = await gateway.chat({ model: 'llama-3.3-70b' });
      assert.equal(refused.headers['retry-after'], '40', isFirst ? 'after asking both' : 'without asking anybody');
      await assertError(refused, 429, 'rate_limit_error', 'rate_limit_exceeded');
    }
    assert.deepEqual([u1.requests.length, u2.requests.length, other.requests.length], [1, 1, 0]);
    clock.advance(40_000);
    assert.equal(await textOf(await gateway.chat({ model: 'llama-3.3-70b' })), 'the copy');
  });

  it("case 71: auto:<profile> and the profile's own name use the profile's chain, in its order", async () => {
    const [u1, u2] = [await bed.provider(errorStatus(500, 'broken')), await bed.provider()];
    const third = 'mistral/codestral-latest';
    const config = { ...chainOf(u1, u2), profiles: { coding: { chain: [u1Name, third] } }, chain: [u2Name] };
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    for (const [model, trail] of [
      ['auto:coding', `${u1Name}=overloaded`],
      ['coding', undefined],
    ] as const) {
      const response = await gateway.chat({ model });
      assert.equal(response.headers['x-routed-via'], third, model);
      assert.equal(response.headers['x-fallback-trail'], trail, 'the first of them cools down by then');
    }
    assert.equal((await gateway.chat({ model: 'auto' })).headers['x-routed-via'], u2Name);
    const unknown = await gateway.chat({ model: 'auto:codign' });
    await assertError(unknown, 404, 'invalid_request_error', 'model_not_found');
  });

  it('case 62: provider/model is only that one; its 429 is returned', async () => {
    const { gateway, u1, u2 } = await pair();
    u2.script(errorStatus(429, 'slow down', { 'retry-after': '12' }));
    const response = await gateway.chat({ model: u2Name });
    assert.equal(response.headers['retry-after'], '12');
    await assertError(response, 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal(u1.requests.length, 0);
    assert.equal(u2.requests.length, 1);
  });

  it("case 62: so is the provider's own id of a model", async () => {
    const { gateway, u1, u2 } = await pair();
    assert.equal((await gateway.chat({ model: 'mistral-large-latest' })).headers['x-routed-via'], u2Name);
    assert.equal(u1.requests.length, 0);
    assert.equal(u2.requests[0]?.body.model, 'mistral-large-latest');
  });

  it('case 63: pinned to a disabled model is 404', async () => {
    const { gateway, u1 } = await pair();
    const response = await gateway.chat({ model: 'groq/llama-3.1-8b-instant' }); // not in the chain: off
    await assertError(response, 404, 'invalid_request_error', 'model_not_found');
    assert.equal(u1.requests.length, 0);
  });

  it('case 63: pinned to a provider without a key is 503', async () => {
    const u1 = await bed.provider();
    const config = chainOf(u1, undefined, { chain: [u1Name, u2Name] });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const error = await assertError(await gateway.chat({ model: u2Name }), 503, 'api_error', 'no_providers_configured');
    assert.match(error.message, /mistral/i);
    assert.match(error.message, /key/i);
    assert.equal(u1.requests.length, 0);
  });

  it('case 64: an image skips text-only models', async () => {
    const { gateway, u1, u2 } = await labs({ id: 'blind', vision: false }, { id: 'seeing', vision: true });
    const response = await gateway.chat(withImage);
    assert.equal(response.headers['x-routed-via'], 'custom:two/seeing');
    assert.equal(await textOf(response), 'from two');
    assert.equal(u1.requests.length, 0);
    assert.deepEqual(u2.requests[0]?.body.messages[0].content[1].image_url.url, image.image_url.url);
  });

  it('case 64: with no model that sees it is 400', async () => {
    const { gateway, u1, u2 } = await labs({ id: 'blind', vision: false }, { id: 'blind-too', vision: false });
    await assertError(await gateway.chat(withImage), 400, 'invalid_request_error', 'no_vision_model');
    assert.equal(u1.requests.length + u2.requests.length, 0);
  });

  it('case 65: tools skip models without them', async () => {
    const { gateway, u1 } = await labs({ id: 'plain', tools: false }, { id: 'handy', tools: true });
    const response = await gateway.chat({ tools: [tool()] });
    assert.equal(response.headers['x-routed-via'], 'custom:two/handy');
    assert.equal(u1.requests.length, 0);
  });

  it('case 65: with no model that takes tools it is 400', async () => {
    const { gateway, u1, u2 } = await labs({ id: 'plain', tools: false }, { id: 'plain-too', tools: false });
    await assertError(await gateway.chat({ tools: [tool()] }), 400, 'invalid_request_error', 'no_tools_model');
    assert.equal(u1.requests.length + u2.requests.length, 0);
  });

  const small = { id: 'small', contextWindow: 8192, tools: true };
  const large = { id: 'large', contextWindow: 131_072, tools: true };

  it('case 66: a prompt of some 40,000 tokens never goes to a model of 8,000', async () => {
    const { gateway, u1 } = await labs(small, large);
    const response = await gateway.chat({ messages: [{ role: 'user', content: 'word '.repeat(40_000) }] });
    assert.equal(await textOf(response), 'from two');
    assert.equal(u1.requests.length, 0);
  });

  it('case 67: a huge max_tokens does not keep a short prompt from being routed', async () => {
    const { gateway } = await labs(small, large);
    const response = await gateway.chat({ max_tokens: 200_000 });
    assert.equal(await textOf(response), 'from one');
    assert.equal(response.headers['x-fallback-attempts'], undefined);
  });

  it('case 68: a large tools schema counts toward the context', async () => {
    const { gateway, u1 } = await labs(small, large);
    const response = await gateway.chat({ tools: [tool('explains '.repeat(30_000))] });
    assert.equal(await textOf(response), 'from two');
    assert.equal(u1.requests.length, 0);
  });

  it('case 69: GET /v1/models has auto first, unique ids, context and availability', async () => {
    const u1 = await bed.provider();
    const config = chainOf(u1, undefined, { chain: [u1Name, u2Name] }); // no key for Mistral
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const list = await (await gateway.v1('/v1/models')).json();
    assert.equal(list.object, 'list');
    const ids: string[] = list.data.map((one: { id: string }) => one.id);
    assert.equal(ids[0], 'auto');
    assert.equal(new Set(ids).size, ids.length);
    const find = (id: string) => list.data.find((one: { id: string }) => one.id === id);
    assert.equal(find(u1Name).available, true);
    assert.equal(find(u1Name).context_length, 131_072);
    assert.equal(find(u2Name)?.available ?? false, false);
    for (const model of list.data) {
      assert.equal(model.object, 'model');
      assert.ok('context_length' in model, `${model.id} has a context_length`);
      assert.equal(typeof model.available, 'boolean');
    }
  });

  it('case 70: switching something off takes effect on the next request', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'from one' }));
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const config = chainOf(u1, u2, { providers: { groq: { baseUrl: `${u1.origin}/openai/v1` } } });
    // A key of the user's, not of the config file: that one is changed there.
    const stored = { id: 'k1', provider: 'groq', label: 'mine', enabled: true, secret: secrets.groq };
    const gateway = await bed.gateway({ config, keys: [stored], clock: createManualClock() });
    assert.equal(await textOf(await gateway.chat()), 'from one');
    const keys = await (await gateway.api('GET', '/api/keys')).json();
    const key = keys.data.find((one: { provider: string }) => one.provider === 'groq');
    assert.equal((await gateway.api('PATCH', `/api/keys/${key.id}`, { enabled: false })).status, 200);
    assert.equal(await textOf(await gateway.chat()), 'from two');
    // A key that is restricted to other models leaves this one without.
    assert.equal(
      (await gateway.api('PATCH', `/api/keys/${key.id}`, { enabled: true, models: ['other-model'] })).status,
      200,
    );
    assert.equal(await textOf(await gateway.chat()), 'from two');
    assert.equal((await gateway.api('PATCH', `/api/keys/${key.id}`, { models: null })).status, 200);
    assert.equal(await textOf(await gateway.chat()), 'from one');
    assert.equal(u1.requests.length, 2);
  });

  it("case 61: a group stays in itself: the sibling's copy at a 429, 429 when all are down, never another model", async () => {
    const [u1, u2, u3] = [await bed.provider(), await bed.provider(), await bed.provider()];
    const providers = {
      groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }] },
      openrouter: { baseUrl: u2.baseUrl, keys: [{ key: secrets.openrouter }] },
      mistral: { baseUrl: u3.baseUrl, keys: [{ key: secrets.mistral }] },
    };
    const sibling = 'openrouter/meta-llama/llama-3.3-70b-instruct:free';
    const config = configOf(providers, [u2Name, sibling, u1Name]);
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const ask = () => gateway.chat({ model: 'llama-3.3-70b' });
    assert.equal((await ask()).headers['x-routed-via'], sibling, 'in the order of the chain');
    u2.script(errorStatus(429, 'slow down', { 'retry-after': '30' }));
    assert.equal((await ask()).headers['x-routed-via'], u1Name);
    u1.script(errorStatus(429, 'slow down', { 'retry-after': '20' }));
    await assertError(await ask(), 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.equal((await ask()).headers['retry-after'], '20');
    assert.equal(u3.requests.length, 0);
  });

  it('case 71: auto:<profile> uses that chain, as the name alone does', async () => {
    const u1 = await bed.provider();
    const u2 = await bed.provider();
    const config = {
      ...chainOf(u1, u2),
      profiles: { coding: { chain: [u2Name, u1Name], strategy: 'priority' as const } },
    };
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.equal((await gateway.chat({ model: 'auto:coding' })).headers['x-routed-via'], u2Name);
    assert.equal((await gateway.chat({ model: 'coding' })).headers['x-routed-via'], u2Name);
    assert.equal((await gateway.chat({ model: 'auto' })).headers['x-routed-via'], u1Name);
    u2.script(errorStatus(500, 'oops'));
    assert.equal((await gateway.chat({ model: 'auto:coding' })).headers['x-routed-via'], u1Name);
  });

  it('a soft pin is asked first, and then the chain', async () => {
    const { gateway, u2 } = await pair();
    const ask = async (model: string) => (await gateway.chat({ model })).headers['x-routed-via'];
    assert.deepEqual(
      [await ask(`prefer:${u2Name}`), await ask('prefer:mistral-large-latest'), await ask('prefer:mistral-large-3')],
      [u2Name, u2Name, u2Name],
      'a pin, an id, a group',
    );
    u2.script(errorStatus(500, 'oops'));
    assert.equal(await ask(`prefer:${u2Name}`), u1Name);
    // Known, but off in this chain, or without a key.
    assert.equal(await ask('prefer:groq/llama-3.1-8b-instant'), u1Name);
    assert.equal(await ask('prefer:cerebras/gpt-oss-120b'), u1Name);
    await assertError(await gateway.chat({ model: 'prefer:gpt-9' }), 404, 'invalid_request_error', 'model_not_found');
  });
});
