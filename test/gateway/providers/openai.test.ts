import assert from 'node:assert/strict';
import { createOpenAiAdapter } from '../../../src/gateway/providers/openai.js';
import type { ToolDefinition } from '../../../src/protocol/chat.js';
import { isStream, recordedChats, sampleRequest, sampleTarget, sseEvents } from './samples.js';

const adapter = createOpenAiAdapter();
const target = sampleTarget('groq');
const decode = (text: string) => adapter.decodeBody(text, sampleRequest(), target);
const decodeOne = (data: string, event?: string) =>
  adapter.createStreamDecoder(sampleRequest(), target).decode({ event, data });

describe('OpenAI adapter: requests', () => {
  it('posts to the chat endpoint with a bearer key', () => {
    const sent = adapter.buildRequest(sampleRequest({ stream: true }), target);
    assert.equal(sent.url, 'https://api.groq.com/openai/v1/chat/completions');
    assert.equal(sent.headers.authorization, 'Bearer secret');
    assert.equal(sent.headers.accept, 'text/event-stream');
    assert.equal(JSON.parse(sent.body!).stream, true);
  });
  it('sends no key header where there is no key, and the provider’s own headers', () => {
    const keyless = adapter.buildRequest(sampleRequest(), sampleTarget('kilo', { secret: null }));
    assert.equal('authorization' in keyless.headers, false);
    const horde = adapter.buildRequest(sampleRequest(), sampleTarget('aihorde', { secret: null }));
    assert.equal(horde.headers.authorization, 'Bearer 0000000000');
    assert.equal(adapter.buildRequest(sampleRequest(), sampleTarget('openrouter')).headers['x-title'], 'FreeLLM');
  });
});

describe('OpenAI adapter: whole answers', () => {
  it('hands a completion on with its text', () => {
    const text = '{"choices":[{"message":{"role":"assistant","content":"a"}}]}';
    const decoded = decode(text);
    assert.ok(decoded.type === 'completion');
    assert.equal(decoded.raw, text);
  });
  const errors: [string, string, number | undefined][] = [
    ['{"error":{"message":"no","code":429}}', 'no', 429],
    ['{"error":{"message":"no","code":"rate_limit"}}', 'no', undefined],
    ['{"error":"no","choices":[]}', 'no', undefined],
    ['{"success":false,"errors":[{"code":7003,"message":"no"}],"result":null}', 'no', undefined],
    ['{"detail":"no"}', 'no', undefined],
    ['{"choices":[{"error":{"message":"no","code":502},"finish_reason":"error"}]}', 'no', 502],
  ];
  for (const [text, message, status] of errors) {
    it(`finds the error in ${text}`, () => {
      const decoded = decode(text);
      assert.ok(decoded.type === 'error');
      assert.deepEqual([decoded.message, decoded.status], [message, status]);
    });
  }
  for (const text of ['', '<!doctype html><p>', '{"choices":[{"mess', '[]', '"a"', 'null', '{}']) {
    it(`calls ${JSON.stringify(text)} malformed`, () => assert.equal(decode(text).type, 'malformed'));
  }
  it('ignores an error that is null', () => {
    assert.equal(decode('{"error":null,"choices":[{}]}').type, 'completion');
  });
});

describe('OpenAI adapter: streams', () => {
  it('knows chunks, the end, errors and noise', () => {
    const data = '{"choices":[{"delta":{"content":"a"}}]}';
    assert.deepEqual(decodeOne(data), [{ type: 'chunk', chunk: JSON.parse(data), raw: data }]);
    assert.deepEqual(decodeOne('[DONE]'), [{ type: 'done' }]);
    assert.deepEqual(decodeOne(' [DONE] '), [{ type: 'done' }]);
    assert.deepEqual(decodeOne('{"choices":[{"del'), []);
    assert.deepEqual(decodeOne('1'), []);
    const [error] = decodeOne('{"error":{"message":"busy","status_code":503}}', 'error');
    assert.ok(error?.type === 'error');
    assert.deepEqual([error.message, error.status], ['busy', 503]);
    assert.equal(decodeOne('{"message":"gone"}', 'error')[0]?.type, 'error');
  });
});

describe('rescue of failed generations', () => {
  const tools: ToolDefinition[] = ['get_weather', 'now'].map((name) => ({ type: 'function', function: { name } }));
  const request = sampleRequest({ tools });
  const rescue = (failed: string, status = 400) =>
    adapter.rescueError!(
      status,
      JSON.stringify({ error: { code: 'tool_use_failed', message: 'm', failed_generation: failed } }),
      request,
      target,
    );
  const calls = (failed: string) =>
    (
      rescue(failed)?.choices?.[0]?.message?.tool_calls as
        | { function: { name: string; arguments: string } }[]
        | undefined
    )?.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
  const paris = [['get_weather', { city: 'Paris {' }]];
  for (const text of [
    '{"name":"get_weather","arguments":{"city":"Paris {"}}',
    '{"name":"get_weather","parameters":{"city":"Paris {"}}',
    '[{"name":"get_weather","arguments":"{\\"city\\":\\"Paris {\\"}"}]',
    '{"tool_calls":[{"id":"x","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Paris {\\"}"}}]}',
    '<function=get_weather>{"city":"Paris {"}</function>',
    '<function=get_weather{"city":"Paris {"}></function>',
    '<function=get_weather{"city":"Paris {"}>',
    '<function=get_weather>{"city":"Paris {"}\n',
    '<tool_call>\n{"name":"get_weather","arguments":{"city":"Paris {"}}\n</tool_call>',
    '```json\n{"name":"get_weather","arguments":{"city":"Paris {"}}\n```',
  ]) {
    it(`reads ${text.slice(0, 48)}`, () => assert.deepEqual(calls(text), paris));
  }
  it('reads several calls, and calls without arguments', () => {
    assert.deepEqual(calls('<function=get_weather>{"city":"Paris {"}</function><function=now></function>'), [
      ...paris,
      ['now', {}],
    ]);
  });
  it('gives calls ids of their own', () => {
    const one = rescue('{"name":"now"}')!.choices![0]!.message!.tool_calls as { id: string }[];
    const two = rescue('{"name":"now"}')!.choices![0]!.message!.tool_calls as { id: string }[];
    assert.notEqual(one[0]!.id, two[0]!.id);
  });
  for (const text of [
    'maybe',
    '',
    '"maybe"',
    '{"name":"unknown_tool"}',
    '{"name":"get_weather","arguments":{"ci',
    'I call <function=now></function>',
  ]) {
    it(`leaves ${JSON.stringify(text)} an error`, () => assert.equal(rescue(text), null));
  }
  it('only looks at 400s and JSON', () => {
    assert.equal(rescue('{"name":"now"}', 500), null);
    assert.equal(adapter.rescueError!(400, 'failed_generation', request, target), null);
  });
  it('works inside a stream too', () => {
    const data = JSON.stringify({
      error: {
        message: 'm',
        code: 'tool_use_failed',
        failed_generation: '{"name":"now","arguments":{}}',
        status_code: 400,
      },
    });
    const events = adapter.createStreamDecoder(request, target).decode({ event: 'error', data });
    assert.deepEqual(
      events.map((event) => event.type),
      ['chunk', 'chunk', 'done'],
    );
    assert.ok(events[1]?.type === 'chunk');
    assert.equal(events[1].chunk.choices?.[0]?.finish_reason, 'tool_calls');
  });
});

describe('OpenAI adapter: recorded answers', () => {
  for (const provider of [
    'groq',
    'mistral',
    'openrouter',
    'deepseek',
    'zai',
    'cerebras',
    'moonshot',
    'alibaba',
    'huggingface',
    'ollama',
  ]) {
    it(`decodes those of ${provider}`, function () {
      const exchanges = recordedChats(provider);
      if (!exchanges) {
        console.log('      recordings not found: set FREELLM_RECORDINGS');
        return this.skip();
      }
      assert.ok(exchanges.length > 0);
      for (const exchange of exchanges) {
        const { body } = exchange.response;
        if (!isStream(exchange)) {
          assert.equal(decode(body).type, 'completion', exchange.file);
          continue;
        }
        const decoder = adapter.createStreamDecoder(sampleRequest(), target);
        for (const event of sseEvents(body)) {
          const decoded = decoder.decode(event);
          assert.equal(decoded.length, 1, `${exchange.file}: ${event.data.slice(0, 200)}`);
          const isExpectedError = decoded[0]!.type === 'error' && exchange.file.includes('error');
          assert.ok(decoded[0]!.type !== 'error' || isExpectedError, `${exchange.file}: ${event.data.slice(0, 200)}`);
        }
      }
    });
  }
});
