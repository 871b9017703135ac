import assert from 'node:assert/strict';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { useBed } from '../support/bed.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, type FakeProvider } from '../support/provider.js';
import { assertError, configOf, secrets, textOf } from '../support/scenario.js';

type Entry = NonNullable<ConfigFile['providers']>[string];
type Body = Record<string, unknown>;

/** Fields of a message that OpenAI documents: all that a strict provider may see. */
const standardMessageFields = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'prefix']);

describe('conformance G: lenient inputs', () => {
  const bed = useBed();

  /** One provider, one model; returns a way to ask and see what was sent upstream. */
  async function only(id: string, model: Record<string, unknown> & { id: string }, entry: Entry = {}, path = '/v1') {
    const upstream: FakeProvider = await bed.provider(chatCompletion({ text: 'understood' }));
    const full = { contextWindow: 1_000_000, tools: true, vision: true, ...model };
    const config = configOf(
      { [id]: { baseUrl: upstream.origin + path, keys: [{ key: 'key-0123456789abcdef' }], models: [full], ...entry } },
      [`${id}/${model.id}`],
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    return {
      upstream,
      gateway,
      /** Asks, expects the answer, returns the body that the provider got. */
      async sent(body: Body) {
        const before = upstream.requests.length;
        assert.equal(await textOf(await gateway.chat(body)), 'understood');
        assert.equal(upstream.requests.length, before + 1);
        return upstream.requests[before]?.body;
      },
    };
  }
  const groq = () => only('groq', { id: 'm1' });
  const mistral = () => only('mistral', { id: 'm1' });

  const blocks = [{ type: 'text', text: 'one' }, { text: 'two' }, { type: 'input_text', text: 'three' }, 'four'];

  it('case 84: content as blocks, type-less and input_text too, is accepted', async () => {
    const { sent } = await groq();
    const { messages } = await sent({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'be brief' }] },
        { role: 'user', content: blocks },
      ],
    });
    const flat = JSON.stringify(messages);
    assert.match(flat, /be brief.*one.*two.*three.*four/);
    assert.doesNotMatch(flat, /input_text/);
  });

  it('case 84: and flattened where the provider needs strings', async () => {
    const { sent, upstream } = await only(
      'cloudflare',
      { id: '@cf/meta/m1' },
      { keys: [{ key: 'abcdef0123456789abcdef0123456789:token-0123456789' }] },
      '/client/v4/accounts/{account_id}/ai/v1',
    );
    const { messages } = await sent({ messages: [{ role: 'user', content: blocks }] });
    assert.equal(typeof messages[0].content, 'string');
    assert.match(messages[0].content, /one\s*two\s*three\s*four/);
    assert.equal(
      upstream.requests[0]?.url,
      '/client/v4/accounts/abcdef0123456789abcdef0123456789/ai/v1/chat/completions',
    );
    assert.equal(upstream.requests[0]?.headers.authorization, 'Bearer token-0123456789');
  });

  it('case 85: null tool_calls and null or empty assistant content', async () => {
    const { sent } = await groq();
    const { messages } = await sent({
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'yes', tool_calls: null },
        { role: 'user', content: 'go' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_a', type: 'function', function: { name: 'read', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'call_a', content: 'text of the file' },
        { role: 'assistant', content: '' },
        { role: 'user', content: 'and now?' },
      ],
    });
    assert.ok(messages.every((one: Body) => one.tool_calls !== null));
    assert.equal(messages[3].tool_calls[0].id, 'call_a');
    assert.equal(messages[4].tool_call_id, 'call_a');
  });

  it('case 85: legacy function_call and function messages become tool calls', async () => {
    const { sent } = await groq();
    const { messages } = await sent({
      messages: [
        { role: 'user', content: 'weather?' },
        { role: 'assistant', content: null, function_call: { name: 'get_weather', arguments: '{"city":"Paris"}' } },
        { role: 'function', name: 'get_weather', content: 'sunny' },
      ],
    });
    const [call] = messages[1].tool_calls;
    assert.equal(call.function.name, 'get_weather');
    assert.equal(call.function.arguments, '{"city":"Paris"}');
    assert.equal(messages[1].function_call, undefined);
    assert.equal(messages[2].role, 'tool');
    assert.equal(messages[2].tool_call_id, call.id);
    assert.ok(call.id);
  });

  it('case 85: tool messages without an id are paired by order, arguments as an object become text', async () => {
    const { sent } = await groq();
    const { messages } = await sent({
      messages: [
        { role: 'user', content: 'read both' },
        {
          role: 'assistant',
          tool_calls: [
            { id: 'call_a', type: 'function', function: { name: 'read', arguments: { path: 'a' } } },
            { id: 'call_b', type: 'function', function: { name: 'read', arguments: { path: 'b' } } },
          ],
        },
        { role: 'tool', content: 'text of a' },
        { role: 'tool', content: 'text of b' },
      ],
    });
    assert.deepEqual(
      messages[1].tool_calls.map((one: { function: { arguments: string } }) => one.function.arguments),
      ['{"path":"a"}', '{"path":"b"}'],
    );
    assert.deepEqual(
      messages.slice(2).map((one: Body) => [one.tool_call_id, one.content]),
      [
        ['call_a', 'text of a'],
        ['call_b', 'text of b'],
      ],
    );
  });

  it('case 86: roles developer and function, tool_choice any', async () => {
    const { sent } = await groq();
    const body = await sent({
      messages: [
        { role: 'developer', content: 'be brief' },
        { role: 'user', content: 'hi' },
      ],
      tools: [{ type: 'function', function: { name: 'read', parameters: { type: 'object', properties: {} } } }],
      tool_choice: 'any',
    });
    assert.equal(body.messages[0].role, 'system');
    assert.equal(body.tool_choice, 'required');
  });

  it('case 86: senseless and null numbers are ignored', async () => {
    const { sent } = await groq();
    for (const max of [0, -1, null]) {
      const body = await sent({
        max_tokens: max,
        max_completion_tokens: null,
        temperature: null,
        top_p: null,
        stop: null,
        tools: null,
        tool_choice: null,
        response_format: null,
        seed: null,
        user: null,
        stream_options: null,
      });
      for (const field of ['max_tokens', 'max_completion_tokens']) assert.ok(!(body[field] <= 0), `${field} is gone`);
      for (const [field, value] of Object.entries(body)) assert.notEqual(value, null, `${field} is null`);
    }
  });

  it('case 87: a body of 15 MB with an image is accepted', async () => {
    const { sent } = await groq();
    const url = `data:image/png;base64,${'iVBORw0KGgo='.repeat(1_250_000)}`;
    const body = await sent({
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is it?' },
            { type: 'image_url', image_url: { url } },
          ],
        },
      ],
    });
    assert.equal(body.messages[0].content[1].image_url.url.length, url.length);
  });

  it('case 87: over the limit is 413 in JSON', async () => {
    const { gateway, upstream } = await groq();
    const response = await gateway.chat({ messages: [{ role: 'user', content: 'x'.repeat(33 * 1024 * 1024) }] });
    await assertError(response, 413, 'invalid_request_error', 'request_too_large');
    assert.equal(upstream.requests.length, 0);
  });

  it('case 88: of ten stop strings the first four are sent', async () => {
    const { sent } = await groq();
    const stop = Array.from({ length: 10 }, (_unused, index) => `stop-${index}`);
    assert.deepEqual((await sent({ stop })).stop, stop.slice(0, 4));
  });

  it('case 88: parameters a provider does not know are dropped by its rules', async () => {
    const body = { logit_bias: { 50256: -100 }, top_k: 40, min_p: 0.1, seed: 7, frobnicate: { deep: true } };
    const toMistral = await (await mistral()).sent(body);
    for (const field of ['logit_bias', 'top_k', 'min_p', 'seed', 'frobnicate']) {
      assert.ok(!(field in toMistral), `${field} goes to Mistral`);
    }
    assert.equal(toMistral.random_seed, 7);
    const toGroq = await (await groq()).sent(body);
    assert.ok(!('logit_bias' in toGroq));
    assert.equal(toGroq.seed, 7);
  });

  it("case 89: max_tokens above the provider's cap is clamped", async () => {
    const { sent } = await only('github', { id: 'openai/gpt-4.1' });
    const body = await sent({ max_tokens: 5000 });
    assert.ok((body.max_tokens ?? body.max_completion_tokens) <= 400);
    const { sent: sentToLab } = await only('custom:lab', { id: 'm1', maxOutput: 4096 });
    assert.equal((await sentToLab({ max_tokens: 5000 })).max_tokens, 4096);
  });

  it("case 90: efforts are mapped to the provider's, or dropped", async () => {
    const github = await only('github', { id: 'openai/gpt-5' });
    assert.equal((await github.sent({ reasoning_effort: 'xhigh' })).reasoning_effort, 'high');
    assert.equal((await github.sent({ reasoning_effort: 'minimal' })).reasoning_effort, 'low');
    assert.equal((await github.sent({ reasoning: { effort: 'medium' } })).reasoning_effort, 'medium');
    assert.ok(!('reasoning_effort' in (await github.sent({ reasoning_effort: 'auto' }))));
    const strict = await (await mistral()).sent({ reasoning_effort: 'high', reasoning: { effort: 'high' } });
    assert.ok(!('reasoning_effort' in strict));
    assert.ok(!('reasoning' in strict));
  });

  const history = {
    messages: [
      { role: 'user', content: 'hi' },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'I should read',
        refusal: null,
        annotations: [],
        tool_calls: [
          {
            id: 'call_a',
            type: 'function',
            thought_signature: 'c2ln',
            extra_content: { google: { thought_signature: 'c2ln' } },
            function: { name: 'read', arguments: '{}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_a', content: 'text' },
    ],
  };

  it('case 91: foreign reasoning and signatures are stripped for a strict provider', async () => {
    const { messages } = await (await mistral()).sent(history);
    for (const message of messages) {
      for (const field of Object.keys(message)) assert.ok(standardMessageFields.has(field), `${field} is sent`);
    }
    assert.deepEqual(Object.keys(messages[1].tool_calls[0]).sort(), ['function', 'id', 'type']);
  });

  it('case 91: and reasoning is kept for the provider that needs it', async () => {
    const { messages } = await (await only('opencode', { id: 'deepseek-v4-flash-free' })).sent(history);
    assert.equal(messages[1].reasoning_content, 'I should read');
  });
});

describe('conformance H: structured output', () => {
  const bed = useBed();

  it('case 93: a provider known to ignore response_format is skipped for JSON requests', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'from one' }));
    const u2 = await bed.provider(chatCompletion({ text: '{"from":"two"}' }));
    const config = configOf(
      {
        kilo: { baseUrl: u1.baseUrl, models: [{ id: 'm1', contextWindow: 131_072 }] },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      ['kilo/m1', 'mistral/mistral-large-latest'],
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.equal(await textOf(await gateway.chat()), 'from one');
    assert.equal(u1.requests[0]?.headers.authorization, undefined);
    const schema = { type: 'object', properties: { from: { type: 'string' } } };
    for (const response_format of [
      { type: 'json_object' },
      { type: 'json_schema', json_schema: { name: 'answer', schema } },
    ]) {
      assert.equal(await textOf(await gateway.chat({ response_format })), '{"from":"two"}');
    }
    assert.equal(u1.requests.length, 1);
  });
});
