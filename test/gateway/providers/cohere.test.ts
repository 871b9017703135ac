import assert from 'node:assert/strict';
import type { AdapterTarget, DecodedEvent } from '../../../src/gateway/providers/adapter.js';
import { createCohereAdapter } from '../../../src/gateway/providers/cohere.js';
import type { ChatRequest, ToolCallDelta, ToolDefinition } from '../../../src/protocol/chat.js';
import { isStream, recordedChats, sampleRequest, sampleTarget, sseEvents } from './samples.js';

const adapter = createCohereAdapter();
const target = sampleTarget('cohere', { modelId: 'command-a-03-2025' });

function sent(fields: Partial<ChatRequest>, to: Partial<AdapterTarget> = {}) {
  return JSON.parse(adapter.buildRequest(sampleRequest(fields), { ...target, ...to }).body!) as Record<string, unknown>;
}

const tools: ToolDefinition[] = [
  {
    type: 'function',
    function: { name: 'f', parameters: { $schema: 'x', type: 'object', additionalProperties: false, properties: {} } },
  },
  { type: 'function', function: { name: 'g', description: 'G' } },
];

describe('Cohere adapter: requests', () => {
  it('posts to v2 chat', () => {
    const request = adapter.buildRequest(sampleRequest(), target);
    assert.equal(request.url, 'https://api.cohere.com/v2/chat');
    assert.equal(request.headers.authorization, 'Bearer secret');
  });

  it('uses Cohere’s names and ranges', () => {
    const body = sent(
      {
        temperature: 1.7,
        top_p: 1,
        top_k: 40,
        seed: 1,
        stop: ['x'],
        max_tokens: 9000,
        presence_penalty: -1,
        logprobs: true,
        user: 'me',
        extra: { store: true },
      },
      { maxOutput: 8000 },
    );
    const { messages, ...rest } = body;
    assert.deepEqual(messages, [{ role: 'user', content: 'Hi' }]);
    assert.deepEqual(rest, {
      model: 'command-a-03-2025',
      stream: false,
      max_tokens: 8000,
      temperature: 1,
      p: 0.99,
      k: 40,
      seed: 1,
      stop_sequences: ['x'],
      presence_penalty: 0,
    });
  });

  it('encodes tool turns, texts as strings and images as parts', () => {
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA' } };
    const body = sent({
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'S' }] },
        { role: 'user', content: [{ type: 'text', text: 'look' }, image] },
        {
          role: 'assistant',
          content: 'I will',
          reasoning_content: 'hidden',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '' } }],
        },
        { role: 'tool', content: 'R', tool_call_id: 'c', name: 'f' },
      ],
    });
    assert.deepEqual(body.messages, [
      { role: 'system', content: 'S' },
      { role: 'user', content: [{ type: 'text', text: 'look' }, image] },
      {
        role: 'assistant',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
        tool_plan: 'I will',
      },
      { role: 'tool', tool_call_id: 'c', content: 'R' },
    ]);
  });

  it('offers tools without the keywords that Cohere refuses', () => {
    const body = sent({ tools, tool_choice: 'auto', parallel_tool_calls: false });
    assert.deepEqual(body.tools, [
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
      { type: 'function', function: { name: 'g', description: 'G', parameters: { type: 'object', properties: {} } } },
    ]);
    assert.equal('tool_choice' in body, false);
  });

  it('maps the tool choice; a named tool becomes the only one', () => {
    assert.equal(sent({ tools, tool_choice: 'none' }).tool_choice, 'NONE');
    assert.equal(sent({ tools, tool_choice: 'required' }).tool_choice, 'REQUIRED');
    const named = sent({ tools, tool_choice: { type: 'function', function: { name: 'g' } } });
    assert.equal(named.tool_choice, 'REQUIRED');
    assert.equal((named.tools as unknown[]).length, 1);
  });

  it('asks for JSON, with a schema where there is one, but never beside tools', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const format = { type: 'json_schema' as const, json_schema: { name: 'x', schema } };
    assert.deepEqual(sent({ response_format: format }).response_format, { type: 'json_object', schema });
    assert.deepEqual(sent({ response_format: { type: 'json_object' } }).response_format, { type: 'json_object' });
    assert.equal('response_format' in sent({ response_format: format, tools }), false);
  });

  it('sets thinking on reasoning models only', () => {
    const reasoning = { modelId: 'command-a-reasoning-08-2025' };
    assert.equal('thinking' in sent({ reasoning_effort: 'high' }), false);
    assert.deepEqual(sent({ reasoning_effort: 'none' }, reasoning).thinking, { type: 'disabled' });
    assert.deepEqual(sent({ reasoning_effort: 'low' }, reasoning).thinking, { type: 'enabled', token_budget: 1024 });
    assert.equal('thinking' in sent({}, reasoning), false);
  });
});

describe('Cohere adapter: whole answers', () => {
  const decode = (body: unknown) =>
    adapter.decodeBody(typeof body === 'string' ? body : JSON.stringify(body), sampleRequest(), target);

  it('reads text, thinking, finish and usage', () => {
    const decoded = decode({
      id: 'i',
      message: {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'Paris' },
        ],
      },
      finish_reason: 'MAX_TOKENS',
      usage: {
        billed_units: { input_tokens: 1, output_tokens: 2 },
        tokens: { input_tokens: 10, output_tokens: 20 },
        cached_tokens: 4,
      },
    });
    assert.ok(decoded.type === 'completion');
    assert.deepEqual(decoded.completion.choices, [
      { index: 0, message: { role: 'assistant', content: 'Paris', reasoning_content: 'hm' }, finish_reason: 'length' },
    ]);
    assert.deepEqual(decoded.completion.usage, {
      prompt_tokens: 10,
      completion_tokens: 20,
      total_tokens: 30,
      prompt_tokens_details: { cached_tokens: 4 },
    });
  });

  it('reads calls, null arguments as none', () => {
    const decoded = decode({
      message: { tool_plan: 'plan', tool_calls: [{ id: 'c', function: { name: 'now', arguments: 'null' } }] },
      finish_reason: 'TOOL_CALL',
    });
    assert.ok(decoded.type === 'completion');
    assert.deepEqual(decoded.completion.choices![0], {
      index: 0,
      message: {
        role: 'assistant',
        content: null,
        reasoning_content: 'plan',
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'now', arguments: '{}' } }],
      },
      finish_reason: 'tool_calls',
    });
  });

  it('tells errors from nonsense', () => {
    assert.equal(decode({ id: 'x', message: 'invalid api token' }).type, 'error');
    assert.equal(decode({ message: { content: [] }, finish_reason: 'ERROR' }).type, 'error');
    for (const text of ['', '{"id":', '[]', '{}']) assert.equal(decode(text).type, 'malformed', text);
  });
});

/** What a client would put together from the chunks. */
function collect(events: DecodedEvent[]) {
  const result = {
    text: '',
    reasoning: '',
    calls: [] as string[],
    finish: [] as unknown[],
    usage: null as unknown,
    done: false,
    errors: 0,
  };
  for (const event of events) {
    if (event.type === 'done') result.done = true;
    if (event.type === 'error') result.errors += 1;
    if (event.type !== 'chunk') continue;
    if (event.chunk.usage) {
      result.usage = event.chunk.usage;
      assert.deepEqual(event.chunk.choices, []);
    }
    for (const choice of event.chunk.choices ?? []) {
      const delta = choice.delta as { content?: string; reasoning_content?: string; tool_calls?: ToolCallDelta[] };
      result.text += delta.content ?? '';
      result.reasoning += delta.reasoning_content ?? '';
      for (const call of delta.tool_calls ?? []) {
        result.calls[call.index] =
          `${result.calls[call.index] ?? `${call.function!.name} `}${call.function?.arguments ?? ''}`;
      }
      if (choice.finish_reason) result.finish.push(choice.finish_reason);
    }
  }
  return result;
}

function stream(events: { event?: string | undefined; data: string }[]) {
  const decoder = adapter.createStreamDecoder(sampleRequest({ stream: true }), target);
  return events.flatMap(({ event, data }) => decoder.decode({ event, data })).concat(decoder.end());
}
const event = (type: string, fields: object = {}) => ({ event: type, data: JSON.stringify({ type, ...fields }) });

describe('Cohere adapter: streams', () => {
  const call = (index: number, name: string) =>
    event('tool-call-start', {
      index,
      delta: { message: { tool_calls: { id: `c${index}`, type: 'function', function: { name, arguments: '' } } } },
    });
  const args = (index: number, text: string) =>
    event('tool-call-delta', { index, delta: { message: { tool_calls: { function: { arguments: text } } } } });
  const end = event('message-end', {
    delta: { finish_reason: 'TOOL_CALL', usage: { billed_units: { input_tokens: 3, output_tokens: 2 } } },
  });

  it('puts calls together by our own indices, starting with the role', () => {
    const events = stream([
      event('message-start', { id: 'i', delta: { message: { role: 'assistant' } } }),
      event('tool-plan-delta', { delta: { message: { tool_plan: 'plan' } } }),
      call(1, 'f'),
      args(1, '{"a"'),
      args(1, ':1}'),
      event('tool-call-end', { index: 1 }),
      call(2, 'now'),
      args(2, 'null'),
      event('tool-call-end', { index: 2 }),
      event('citation-start', { index: 0 }),
      event('something-new'),
      { event: undefined, data: '{"type":"content-del' },
      end,
    ]);
    assert.ok(events[0]?.type === 'chunk');
    assert.equal(events[0].chunk.choices![0]!.delta!.role, 'assistant');
    assert.equal(events[0].chunk.id, 'i');
    assert.deepEqual(collect(events), {
      text: '',
      reasoning: 'plan',
      calls: ['f {"a":1}', 'now {}'],
      finish: ['tool_calls'],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
      done: true,
      errors: 0,
    });
    assert.equal(events.at(-1)?.type, 'done');
  });

  it('gives no end to a stream that was cut', () => {
    const cut = stream([
      event('message-start', { id: 'i' }),
      event('content-delta', { index: 0, delta: { message: { content: { text: 'a' } } } }),
    ]);
    assert.deepEqual([collect(cut).text, collect(cut).done, collect(cut).finish], ['a', false, []]);
  });

  it('turns an ERROR end into an error', () => {
    const events = stream([event('message-end', { delta: { finish_reason: 'ERROR', error: 'overloaded' } })]);
    assert.ok(events[0]?.type === 'error');
    assert.equal(events[0].message, 'overloaded');
  });
});

describe('Cohere adapter: recorded answers', () => {
  it('decodes all of them', function () {
    const exchanges = recordedChats('cohere');
    if (!exchanges) {
      console.log('      recordings not found: set FREELLM_RECORDINGS');
      return this.skip();
    }
    let streams = 0;
    for (const { file, response } of exchanges) {
      if (!isStream({ response } as never)) {
        const decoded = adapter.decodeBody(response.body, sampleRequest(), target);
        assert.ok(decoded.type === 'completion', file);
        const choice = decoded.completion.choices![0]!;
        assert.ok(choice.message!.content || choice.message!.tool_calls, file);
        assert.ok(decoded.completion.usage, file);
        continue;
      }
      streams += 1;
      const result = collect(stream(sseEvents(response.body)));
      assert.ok(result.done && result.usage && result.errors === 0, file);
      assert.equal(result.finish.length, 1, file);
      assert.ok(result.text !== '' || result.calls.length > 0, file);
      for (const one of result.calls) JSON.parse(one.slice(one.indexOf(' ')));
    }
    assert.ok(streams > 0);
  });
});
