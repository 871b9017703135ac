import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkNormalizer } from '../../../src/gateway/surfaces/chunkNormalizer.js';
import { normalizeCompletion } from '../../../src/gateway/surfaces/completionNormalizer.js';
import type { ChatChunk, ChatRequest } from '../../../src/protocol/chat.js';
import { cutsOf } from '../answers/cuts.js';

const call = '{"name":"look","arguments":{"at":"x","list":"[1]"}}';
const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'look',
      parameters: { type: 'object', properties: { at: { type: 'string' }, list: { type: 'array' } } },
    },
  },
];
const plain: ChatRequest = { model: 'auto', messages: [], stream: true };
const requests = {
  plain,
  tools: { ...plain, tools },
  json: { ...plain, response_format: { type: 'json_object' as const } },
  both: { ...plain, tools, response_format: { type: 'json_object' as const } },
};
const answers = [
  'An answer.',
  ' \n An answer < that [has] `all` {of} it.\n',
  '<think>hm</think>\nAn answer.',
  call,
  `<tool_call>${call}</tool_call>`,
  `I look.\n<tool_call>\n${call}\n</tool_call>\n<tool_call>${call}`,
  `Write \`<tool_call>${call}</tool_call>\`.`,
  `<think>so</think>[TOOL_CALLS][${call}]`,
  '{"a": [1, "}"]}',
  '\n{"a": 1}\n',
  '```json\n{"a": {"b": 2}}\n```',
  '{"a": 1}{"b": 2}',
  '{"a": 1',
  'rate limit exceeded, please retry',
  'Rate limit exceeded, as they say.',
];

/** What a client reads; null where the answer is refused. */
interface Read {
  text: string;
  calls: { name: string; arguments: unknown }[];
  finish: string | null | undefined;
}

function loose(delta: Record<string, unknown>, finish: string | null = null) {
  return {
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

function streamed(pieces: readonly string[], request: ChatRequest): Read | null {
  let ids = 0;
  const one = new ChunkNormalizer({
    model: 'm',
    includeUsage: false,
    created: 1,
    promptTokens: 1,
    newId: (prefix) => `${prefix}${++ids}`,
    request,
  });
  const texts: string[] = [];
  for (const piece of pieces) {
    const chunk = loose({ content: piece });
    texts.push(...one.push(chunk, JSON.stringify(chunk)));
  }
  texts.push(...one.push(loose({}, 'stop')), ...one.finish());
  if (one.rejection !== null) return null;
  assert.equal(one.isHolding, false);
  const chunks = texts.map((text) => JSON.parse(text) as ChatChunk);
  const finish = chunks.at(-1)?.choices[0]?.finish_reason;
  let text = '';
  const calls: { name: string; arguments: string }[] = [];
  for (const { choices } of chunks) {
    const delta = choices[0]?.delta ?? {};
    text += delta.content ?? '';
    for (const part of delta.tool_calls ?? []) {
      calls[part.index] ??= { name: part.function?.name ?? '', arguments: '' };
      calls[part.index]!.arguments += part.function?.arguments ?? '';
    }
  }
  return { text, calls: calls.map((made) => ({ ...made, arguments: JSON.parse(made.arguments) as unknown })), finish };
}

function whole(text: string, request: ChatRequest): Read | null {
  const body = {
    id: 'c',
    object: 'chat.completion' as const,
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  };
  const options = { model: 'm', created: 1, newId: (prefix: string) => `${prefix}x`, request };
  const { completion, rejection } = normalizeCompletion(body, JSON.stringify(body), options);
  if (rejection !== null) return null;
  const [choice] = completion.choices;
  return {
    text: choice?.message.content ?? '',
    calls: (choice?.message.tool_calls ?? []).map(({ function: { name, arguments: args } }) => ({
      name,
      arguments: JSON.parse(args) as unknown,
    })),
    finish: choice?.finish_reason,
  };
}

describe('answers held to their request', () => {
  for (const [name, request] of Object.entries(requests)) {
    it(`are the same whole and streamed, however they are cut (${name})`, () => {
      fc.assert(
        fc.property(cutsOf(fc.constantFrom(...answers)), ({ text, pieces }) => {
          const read = streamed(pieces, request);
          const expected = whole(text, request);
          assert.deepEqual(
            read && { ...read, text: read.text.trim() },
            expected && { ...expected, text: expected.text.trim() },
          );
        }),
        { numRuns: 500 },
      );
    });
  }

  it('of a plain request are the provider’s own text, and nothing is looked for after the first word', () => {
    for (const text of answers.slice(0, 2)) {
      const body = `{ "id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":${JSON.stringify(text)}},"finish_reason":"stop"}]}`;
      for (const request of [requests.plain, requests.tools]) {
        const options = { model: 'm', created: 1, newId: (prefix: string) => `${prefix}x`, request };
        assert.equal(normalizeCompletion(JSON.parse(body) as object, body, options).text, body);
      }
    }
  });

  it('mended calls reach the client mended', () => {
    assert.deepEqual(whole(call, requests.tools)?.calls, [{ name: 'look', arguments: { at: 'x', list: [1] } }]);
  });
});
