import assert from 'node:assert/strict';
import { createDemoAnswer } from '../../../src/gateway/providers/demo.js';
import type { ChatRequest, ToolCallDelta, ToolDefinition } from '../../../src/protocol/chat.js';
import { sampleRequest } from './samples.js';

const tools: ToolDefinition[] = [
  {
    type: 'function',
    function: {
      name: 'search',
      parameters: {
        type: 'object',
        properties: {
          query: { type: 'string' },
          kind: { enum: ['web', 'news'] },
          limit: { type: 'integer', minimum: 5 },
          filters: { type: 'object', properties: { safe: { type: ['null', 'boolean'] } }, required: ['safe'] },
          optional: { type: 'string' },
        },
        required: ['query', 'kind', 'limit', 'filters'],
      },
    },
  },
  { type: 'function', function: { name: 'now' } },
];

function answer(fields: Partial<ChatRequest> = {}) {
  const { chunks, completion } = createDemoAnswer(sampleRequest(fields));
  const choices = chunks.flatMap((chunk) => chunk.choices ?? []);
  const streamed = choices.map((choice) => choice.delta?.content ?? '').join('');
  const calls = choices.flatMap((choice) => (choice.delta?.tool_calls as ToolCallDelta[] | undefined) ?? []);
  const message = completion.choices![0]!.message!;
  return { chunks, completion, choices, streamed, calls, message, finish: completion.choices![0]!.finish_reason };
}

describe('demo answers', () => {
  it('say what they are and how to go on, in several chunks', () => {
    const { chunks, streamed, message, finish, completion } = answer();
    assert.match(streamed, /^FreeLLM demo:.*Hi.*FreeLLM: Add Key/);
    assert.equal(streamed, message.content);
    assert.ok(chunks.length > 5);
    assert.equal(finish, 'stop');
    assert.deepEqual(chunks.at(-1)!.choices, []);
    assert.deepEqual(chunks.at(-1)!.usage, completion.usage);
    assert.equal(chunks.at(-2)!.choices![0]!.finish_reason, 'stop');
  });

  it('call a tool with arguments that fit its schema', () => {
    const { message, calls, finish } = answer({ tools });
    assert.equal(finish, 'tool_calls');
    const [call] = message.tool_calls as { id: string; function: { name: string; arguments: string } }[];
    assert.equal(call!.function.name, 'search');
    assert.deepEqual(JSON.parse(call!.function.arguments), {
      query: 'FreeLLM demo',
      kind: 'web',
      limit: 5,
      filters: { safe: true },
    });
    assert.deepEqual([calls[0]!.id, calls[0]!.function!.name], [call!.id, 'search']);
    assert.equal(calls.map((delta) => delta.function?.arguments ?? '').join(''), call!.function.arguments);
  });

  it('call the tool that was asked for, or none', () => {
    const named = answer({ tools, tool_choice: { type: 'function', function: { name: 'now' } } });
    assert.equal(named.calls[0]!.function!.name, 'now');
    assert.equal(answer({ tools, tool_choice: 'none' }).finish, 'stop');
  });

  it('answer a tool’s result with text', () => {
    const { finish, streamed } = answer({
      tools,
      messages: [
        { role: 'user', content: 'Hi' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'now', arguments: '{}' } }],
        },
        { role: 'tool', content: 'noon', tool_call_id: 'c' },
      ],
    });
    assert.equal(finish, 'stop');
    assert.match(streamed, /^FreeLLM demo:.*noon/);
  });

  it('are JSON where JSON was asked for', () => {
    assert.match(JSON.parse(answer({ response_format: { type: 'json_object' } }).streamed).message, /FreeLLM demo/);
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const { streamed } = answer({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    assert.deepEqual(JSON.parse(streamed), { city: 'FreeLLM demo' });
  });
});
