import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { createGate } from '../support/gate.js';
import { createManualClock } from '../support/manualClock.js';
import {
  chatCompletion,
  chatStream,
  chunk,
  completionBody,
  errorStatus,
  type Handler,
  hang,
  json,
  paced,
  sseText,
} from '../support/provider.js';
import { assertError, chainOf, configOf, quietSettings, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const role = chunk({ role: 'assistant', content: '' });
const text = (content: string) => chunk({ content });
const hi = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] };

describe('conformance: the surface', () => {
  const bed = useBed();

  async function pair(first: Handler = chatCompletion(), second: Handler = chatCompletion({ text: 'from two' })) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(second);
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    return { clock, u1, u2, gateway };
  }

  it('an answer names its route, its request, and the model as the provider said it', async () => {
    const { gateway } = await pair(chatCompletion({ text: 'hello', model: 'llama-3.3-70b-versatile-0125' }));
    const response = await gateway.chat();
    assert.equal(response.headers['x-routed-via'], u1Name);
    assert.ok(response.headers['x-request-id']);
    assert.equal(response.headers['x-fallback-attempts'], undefined);
    assert.match(response.headers['content-type'] ?? '', /^application\/json/);
    const body = await response.json();
    assert.equal(body.model, 'llama-3.3-70b-versatile-0125');
    assert.equal(body.object, 'chat.completion');
    assert.equal(body.choices[0].message.role, 'assistant');
    assert.deepEqual(body.usage, { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 });
    const second = await gateway.chat();
    assert.notEqual(second.headers['x-request-id'], response.headers['x-request-id']);
  });

  it('the trail lists every attempt in order', async () => {
    const u1 = await bed.provider((request, response, n) =>
      (request.body.model === 'llama-3.3-70b-versatile'
        ? errorStatus(429, 'slow down')
        : errorStatus(404, 'no such model'))(request, response, n),
    );
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const config = chainOf(u1, u2, { chain: [u1Name, 'groq/openai/gpt-oss-20b', u2Name] });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const response = await gateway.chat();
    assert.equal(response.headers['x-fallback-attempts'], '2');
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=rate_limit; groq/openai/gpt-oss-20b=gone`);
  });

  it('paths without /v1, with doubled and with trailing slashes are the same', async () => {
    const { gateway } = await pair();
    for (const path of [
      '/chat/completions',
      '//v1/chat/completions',
      '/v1//chat/completions',
      '/v1/chat/completions/',
    ]) {
      assert.equal(await textOf(await gateway.v1(path, { body: hi })), 'hello', path);
    }
    const list = await (await gateway.v1('/v1/models')).text();
    for (const path of ['/models', '//v1/models', '/v1/models/']) {
      const response = await gateway.v1(path);
      assert.equal(response.status, 200, path);
      assert.equal(await response.text(), list, path);
    }
  });

  it('GET /v1/models and /v1/models/{id}', async () => {
    const { gateway } = await pair();
    const response = await gateway.v1('/v1/models');
    assert.equal(response.status, 200);
    assert.ok(response.headers['x-request-id']);
    const list = await response.json();
    const ids: string[] = list.data.map((one: { id: string }) => one.id);
    assert.equal(list.object, 'list');
    assert.equal(ids[0], 'auto');
    assert.ok(ids.indexOf(u1Name) > 0);
    assert.ok(ids.indexOf(u2Name) > ids.indexOf(u1Name));
    assert.ok(!ids.includes('groq/llama-3.1-8b-instant'), 'what is not in the chain is off');
    for (const id of ['auto', u1Name]) {
      for (const path of [`/v1/models/${id}`, `/v1/models/${encodeURIComponent(id)}`, `/models/${id}`]) {
        const one = await (await gateway.v1(path)).json();
        assert.deepEqual(one, list.data[ids.indexOf(id)], path);
      }
    }
    const model = list.data[ids.indexOf(u1Name)];
    for (const field of [
      'id',
      'object',
      'created',
      'owned_by',
      'context_length',
      'max_completion_tokens',
      'capabilities',
      'available',
    ]) {
      assert.ok(field in model, `${field} is there`);
    }
  });

  it('/livez and /readyz need no token', async () => {
    const { gateway } = await pair();
    for (const path of ['/livez', '/readyz']) {
      const response = await gateway.raw(path);
      assert.equal(response.status, 200, path);
      assert.ok(response.headers['x-request-id']);
    }
    const empty = await bed.gateway({ config: { settings: { ...quietSettings } }, clock: createManualClock() });
    assert.equal((await empty.raw('/livez')).status, 200);
    const unready = await empty.raw('/readyz');
    assert.equal(unready.status, 503);
    assert.match(await unready.text(), /key|provider/i);
  });

  it('the demo provider answers when switched on, and says that it is one', async () => {
    const gateway = await bed.gateway({
      config: { settings: { ...quietSettings } },
      demo: true,
      clock: createManualClock(),
    });
    const response = await gateway.chat();
    assert.match(String(response.headers['x-routed-via']), /^demo\//);
    assert.match(await textOf(response), /demo/i);
  });

  it('case 108: a model id beyond ASCII is percent-encoded in headers', async () => {
    const upstream = await bed.provider(chatCompletion({ text: 'bonjour' }));
    const id = 'modèle-日本 100%';
    const config = configOf(
      { 'custom:lab': { baseUrl: upstream.baseUrl, keys: [{ key: 'lab-key' }], models: [{ id }] } },
      [`custom:lab/${id}`],
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    for (const stream of [false, true]) {
      const response = await gateway.chat({ stream });
      const via = String(response.headers['x-routed-via']);
      assert.match(via, /^custom:lab\/mod%C3%A8le-%E6%97%A5%E6%9C%AC/);
      assert.match(via, /^[\x20-\x7e]+$/);
      assert.equal(decodeURIComponent(via), `custom:lab/${id}`);
      assert.ok((await response.text()).includes('bonjour'));
    }
    assert.equal(upstream.requests[0]?.body.model, id);
  });

  for (const suffix of ['/v1', '/v1/', '/v1//', '/v1/chat/completions', '/v1/chat/completions/']) {
    it(`a base URL ending in ${suffix} is joined once`, async () => {
      const upstream = await bed.provider();
      const config = configOf(
        { 'custom:lab': { baseUrl: upstream.origin + suffix, keys: [{ key: 'lab-key' }], models: [{ id: 'm1' }] } },
        ['custom:lab/m1'],
      );
      const gateway = await bed.gateway({ config, clock: createManualClock() });
      assert.equal(await textOf(await gateway.chat()), 'hello');
      assert.equal(upstream.requests[0]?.url, '/v1/chat/completions');
      assert.equal(upstream.requests[0]?.headers.authorization, 'Bearer lab-key');
    });
  }

  describe('chat streams', () => {
    it('the headers say what the stream is', async () => {
      const { gateway } = await pair();
      const response = await gateway.chat({ stream: true });
      assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/);
      assert.ok(response.headers['x-request-id']);
      assert.equal(response.headers['x-routed-via'], u1Name);
      assert.match(response.headers['cache-control'] ?? '', /no-cache|no-store/);
      assert.equal(response.headers['content-length'], undefined);
      const stream = await response.stream();
      assert.deepEqual(stream.comments, []);
      assert.equal(stream.sawDone, true);
    });

    it('the first chunk has the role, also where the provider left it out', async () => {
      const { gateway } = await pair(chatStream([text('he'), text('llo'), chunk({}, 'stop')]));
      const stream = await (await gateway.chat({ stream: true })).stream();
      assert.equal(stream.chunks[0].choices[0].delta.role, 'assistant');
      assert.equal(stream.roleChunks, 1);
      assert.equal(stream.text, 'hello');
    });

    it('a role on every chunk comes once', async () => {
      const said = (content: string) => chunk({ role: 'assistant', content });
      const { gateway } = await pair(chatStream([said('he'), said('llo'), chunk({}, 'stop')]));
      const stream = await (await gateway.chat({ stream: true })).stream();
      assert.equal(stream.text, 'hello');
      assert.equal(stream.chunks[0].choices[0].delta.role, 'assistant');
    });

    it('an event that needs no change is sent with its data as received', async () => {
      const odd =
        '{ "id" :"chatcmpl-fake","object":"chat.completion.chunk", "created":1763700000,"model":"fake-model","choices":[{"index":0,"delta":{"content":"caf\\u00e9"},"finish_reason":null}] }';
      const { gateway } = await pair(chatStream([role, text('one '), odd, chunk({}, 'stop')]));
      const stream = await (await gateway.chat({ stream: true })).stream();
      assert.equal(stream.text, 'one café');
      assert.ok(stream.frames.some((frame) => frame.kind === 'data' && frame.data === odd));
    });

    it('one terminal finish_reason, though the provider says it twice', async () => {
      const { gateway } = await pair(chatStream([role, text('hello'), chunk({}, 'stop'), chunk({}, 'stop')]));
      assert.deepEqual((await (await gateway.chat({ stream: true })).stream()).finishReasons, ['stop']);
    });

    const call = { index: 0, id: 'call_a', type: 'function', function: { name: 'read', arguments: '{}' } };

    it('finish is tool_calls if any call was made, whatever the provider says', async () => {
      const { gateway, u1 } = await pair(chatStream([role, chunk({ tool_calls: [call] }), chunk({}, 'stop')]));
      const stream = await (await gateway.chat({ stream: true })).stream();
      assert.deepEqual(stream.finishReasons, ['tool_calls']);
      u1.script(chatCompletion({ toolCalls: [{ id: 'call_a', name: 'read', arguments: '{}' }], finish: 'stop' }));
      assert.equal((await (await gateway.chat()).json()).choices[0].finish_reason, 'tool_calls');
    });

    it('`reasoning` comes as reasoning_content, streaming and not', async () => {
      const { gateway, u1 } = await pair(
        chatStream([role, chunk({ reasoning: 'because' }), text('hello'), chunk({}, 'stop')]),
      );
      const stream = await (await gateway.chat({ stream: true })).stream();
      assert.equal(stream.reasoning, 'because');
      assert.equal(stream.text, 'hello');
      const body = completionBody({ text: 'hello' }) as { choices: [{ message: Record<string, unknown> }] };
      body.choices[0].message.reasoning = 'because';
      u1.script(json(200, body));
      const { message } = (await (await gateway.chat()).json()).choices[0];
      assert.equal(message.reasoning_content, 'because');
      assert.equal(message.content, 'hello');
    });

    it('after 10 s of waiting headers leave, then keep-alives, the route as comments before [DONE]', async () => {
      const gate = createGate();
      const { gateway, clock, u1 } = await pair(
        paced([gate.opened, sseText([role, text('late'), chunk({}, 'stop'), '[DONE]'])]),
      );
      const pending = gateway.chat({ stream: true });
      await u1.request(1);
      clock.advance(10_000);
      const response = await pending;
      assert.equal(response.status, 200);
      assert.match(response.headers['content-type'] ?? '', /^text\/event-stream/);
      assert.ok(response.headers['x-request-id']);
      assert.equal(response.headers['x-routed-via'], undefined);
      await response.until((frame) => frame.kind === 'comment' && frame.text === 'keepalive');
      gate.open();
      const stream = await response.stream();
      assert.equal(stream.text, 'late');
      assert.equal(stream.sawDone, true);
      assert.equal(stream.comments.at(-1), `x-routed-via ${u1Name}`);
    });

    it('with a failover in that time the trail is among the comments', async () => {
      const gate = createGate();
      const { gateway, clock, u2 } = await pair(
        errorStatus(429, 'slow down'),
        paced([gate.opened, sseText([role, text('late'), chunk({}, 'stop'), '[DONE]'])]),
      );
      const pending = gateway.chat({ stream: true });
      await u2.request(1);
      clock.advance(10_000);
      const response = await pending;
      gate.open();
      const stream = await response.stream();
      assert.deepEqual(stream.errors, []);
      assert.deepEqual(
        stream.comments.filter((one) => one !== 'keepalive'),
        [`x-routed-via ${u2Name}`, 'x-fallback-attempts 1', `x-fallback-trail ${u1Name}=rate_limit`],
      );
    });

    it('when headers left and then everybody failed, the error comes as a frame', async () => {
      const { gateway, clock, u1, u2 } = await pair(hang(), hang());
      const pending = gateway.chat({ stream: true });
      await u1.request(1);
      clock.advance(31_000);
      const response = await pending;
      assert.equal(response.status, 200);
      await u2.request(1);
      clock.advance(31_000);
      const stream = await response.stream();
      assert.equal(stream.errors.length, 1);
      assert.equal(stream.errors[0]?.code, 'upstream_timeout');
      assert.deepEqual(stream.finishReasons, []);
      assert.equal(stream.sawDone, true);
    });

    it('when everybody fails within 10 s, a stream request gets the plain error', async () => {
      const { gateway } = await pair(errorStatus(500, 'broken'), errorStatus(500, 'broken too'));
      const response = await gateway.chat({ stream: true });
      assert.equal(response.headers['x-should-retry'], 'false');
      await assertError(response, 502, 'api_error', 'upstream_error');
    });
  });

  it("a key's label, mask and health are shown, its secret never", async () => {
    const { gateway } = await pair();
    const listText = await (await gateway.api('GET', '/api/keys')).text();
    for (const secret of Object.values(secrets)) assert.ok(!listText.includes(secret.slice(0, 16)));
    const list = JSON.parse(listText);
    assert.equal(list.data.length, 2);
    for (const key of list.data) {
      for (const field of ['id', 'provider', 'label', 'mask', 'enabled', 'health', 'limits', 'models']) {
        assert.ok(field in key, `${field} is there`);
      }
    }
  });
});
