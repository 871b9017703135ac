import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeChatRequest, RequestError } from '../../../src/gateway/surfaces/decodeChatRequest.js';

const USER = { role: 'user', content: 'hi' };
const decode = (fields: Record<string, unknown>) => decodeChatRequest({ messages: [USER], ...fields });
const messages = (...given: unknown[]) => decodeChatRequest({ messages: given }).messages;
const call = (id: string, name: string, args = '{}') => ({ id, type: 'function', function: { name, arguments: args } });

describe('decodeChatRequest', () => {
  it('takes the plain request and reuses its messages', () => {
    const given = [{ role: 'system', content: 'be brief' }, USER];
    const request = decodeChatRequest({ model: 'auto', messages: given, stream: true, temperature: 0 });
    assert.deepEqual(request, { model: 'auto', messages: given, stream: true, temperature: 0 });
    assert.equal(request.messages[1], USER);
  });

  describe('refuses', () => {
    const cases: [string, unknown, string | null][] = [
      ['no object', 'x', null],
      ['an array', [], null],
      ['null', null, null],
      ['no messages', {}, 'messages'],
      ['empty messages', { messages: [] }, 'messages'],
      ['messages as text', { messages: 'hi' }, 'messages'],
      ['a message as text', { messages: ['hi'] }, 'messages[0]'],
      ['an unknown role', { messages: [USER, { role: 'robot', content: 'x' }] }, 'messages[1].role'],
      ['a role from the prototype', { messages: [{ role: 'constructor', content: 'x' }] }, 'messages[0].role'],
      ['content as a number', { messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
      ['a part as a number', { messages: [{ role: 'user', content: [5] }] }, 'messages[0].content[0]'],
      [
        'an image without URL',
        { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
        'messages[0].content[0]',
      ],
      ['n', { messages: [USER], n: 2 }, 'n'],
      ['tools as an object', { messages: [USER], tools: {} }, 'tools'],
    ];
    for (const [name, body, param] of cases) {
      it(name, () => {
        assert.throws(
          () => decodeChatRequest(body),
          (error) => error instanceof RequestError && error.param === param,
        );
      });
    }
  });

  it('content parts of every kind', () => {
    const [message] = messages({
      role: 'user',
      content: [
        'a',
        { text: 'b' },
        { type: 'input_text', text: 'c', cache_control: { type: 'ephemeral' } },
        { type: 'output_text', text: 'd' },
        { type: 'refusal', refusal: 'e' },
        { type: 'image_url', image_url: 'http://x/f.png' },
        { type: 'image_url', image_url: { url: 'http://x/g.png', detail: 'low' }, cache_control: {} },
        { type: 'input_image', image_url: 'http://x/h.png', detail: 'auto' },
        { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AA' } },
        { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
        { type: 'file', file: { file_id: 'f' } },
        { type: 'mystery', x: 1 },
        null,
      ],
    });
    assert.deepEqual(message?.content, [
      ...['a', 'b', 'c', 'd', 'e'].map((text) => ({ type: 'text', text })),
      { type: 'image_url', image_url: { url: 'http://x/f.png' } },
      { type: 'image_url', image_url: { url: 'http://x/g.png', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'http://x/h.png', detail: 'auto' } },
      { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AA' } },
      { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } },
      { type: 'file', file: { file_id: 'f' } },
    ]);
  });

  it('reuses parts that are right', () => {
    const content = [{ type: 'text', text: 'a' }];
    assert.equal(messages({ role: 'user', content })[0]?.content, content);
  });

  it('roles, empty and missing content', () => {
    assert.deepEqual(
      messages(
        { role: 'developer', content: 'a' },
        { role: 'user', content: null },
        { role: 'assistant', content: '', tool_calls: null },
        { role: 'assistant', content: [] },
      ),
      [
        { role: 'system', content: 'a' },
        { role: 'user', content: '' },
        { role: 'assistant', content: '' },
        { role: 'assistant', content: '' },
      ],
    );
  });

  it('tool calls: ids synthesised, arguments repaired, results paired by order', () => {
    assert.deepEqual(
      messages(
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ function: { name: 'a', arguments: { x: 1 } } }, { index: 1, ...call('c2', 'b', '') }],
        },
        { role: 'tool', content: 'one' },
        { role: 'tool', content: { ok: true } },
      ),
      [
        { role: 'assistant', content: null, tool_calls: [call('call_0_0', 'a', '{"x":1}'), call('c2', 'b')] },
        { role: 'tool', content: 'one', tool_call_id: 'call_0_0' },
        { role: 'tool', content: '{"ok":true}', tool_call_id: 'c2' },
      ],
    );
  });

  it('results that name their call leave the others in order', () => {
    const [, first, second, orphan] = messages(
      { role: 'assistant', tool_calls: [call('c1', 'a'), call('c2', 'b')] },
      { role: 'tool', content: 'x', tool_call_id: 'c2' },
      { role: 'tool', content: 'y' },
      { role: 'tool', content: 'z' },
    );
    assert.deepEqual(
      [first, second, orphan].map((message) => message?.tool_call_id),
      ['c2', 'c1', 'call_3_0'],
    );
  });

  it('legacy function calls', () => {
    const request = decode({
      messages: [
        USER,
        { role: 'assistant', content: null, function_call: { name: 'a', arguments: '{}' } },
        { role: 'function', name: 'a', content: 'r' },
      ],
      functions: [{ name: 'a', description: 'd', parameters: { type: 'object' } }],
      function_call: { name: 'a' },
    });
    assert.deepEqual(request.messages.slice(1), [
      { role: 'assistant', content: null, tool_calls: [call('call_1_0', 'a')] },
      { role: 'tool', content: 'r', tool_call_id: 'call_1_0', name: 'a' },
    ]);
    assert.deepEqual(request.tools, [
      { type: 'function', function: { name: 'a', description: 'd', parameters: { type: 'object' } } },
    ]);
    assert.deepEqual(request.tool_choice, { type: 'function', function: { name: 'a' } });
    assert.equal(request.extra, undefined);
  });

  it('thought signatures and reasoning', () => {
    const google = { google: { thought_signature: 's' } };
    const [first, second, third] = messages(
      { role: 'assistant', reasoning_content: 'r', tool_calls: [{ ...call('c', 'a'), extra_content: google }] },
      { role: 'assistant', content: 'x', reasoning: 'r2', tool_calls: [{ ...call('c', 'a'), thought_signature: 's' }] },
      { role: 'assistant', content: 'x', reasoning_details: [{ text: 'a' }, { summary: 'b' }] },
    );
    assert.equal(first?.reasoning_content, 'r');
    assert.deepEqual(first?.tool_calls?.[0]?.extra_content, google);
    assert.equal(second?.reasoning_content, 'r2');
    assert.deepEqual(second?.tool_calls?.[0]?.extra_content, google);
    assert.equal(third?.reasoning_content, 'ab');
  });

  it('tools in every wrapping', () => {
    const right = { type: 'function', function: { name: 'a', parameters: { type: 'object' }, strict: null } };
    const { tools } = decode({
      tools: [
        right,
        { name: 'b', input_schema: { type: 'object' } },
        { type: 'function', function: { name: 'c' }, cache_control: {} },
        { type: 'web_search' },
        null,
      ],
    });
    assert.equal(tools?.[0], right);
    assert.deepEqual(tools?.slice(1), [
      { type: 'function', function: { name: 'b', parameters: { type: 'object' } } },
      { type: 'function', function: { name: 'c', parameters: { type: 'object', properties: {} } } },
    ]);
  });

  const TOOLS = [{ type: 'function', function: { name: 'a', parameters: {} } }];
  const named = { type: 'function', function: { name: 'a' } };
  const choices: [unknown, unknown][] = [
    ['any', 'required'],
    ['auto', 'auto'],
    ['none', 'none'],
    ['x', undefined],
    [{ type: 'any' }, 'required'],
    [{ type: 'auto' }, 'auto'],
    [named, named],
    [{ type: 'tool', name: 'a' }, named],
    [{ type: 'allowed_tools', allowed_tools: { mode: 'required' } }, 'required'],
    [null, undefined],
  ];
  for (const [given, expected] of choices) {
    it(`tool_choice ${JSON.stringify(given)}`, () =>
      assert.deepEqual(decode({ tools: TOOLS, tool_choice: given }).tool_choice, expected));
  }
  it('no choice without tools', () =>
    assert.equal(decode({ tool_choice: 'auto', parallel_tool_calls: false }).tool_choice, undefined));

  const scalars: [Record<string, unknown>, Record<string, unknown>][] = [
    [{ temperature: null, top_p: 'x', seed: {}, stream: null, user: 5 }, {}],
    [
      { temperature: '0.5', seed: '7' },
      { temperature: 0.5, seed: 7 },
    ],
    [{ max_tokens: 0 }, {}],
    [{ max_tokens: -1 }, {}],
    [{ max_tokens: null }, {}],
    [{ max_tokens: 5 }, { max_tokens: 5 }],
    [{ max_completion_tokens: 6, max_tokens: null }, { max_tokens: 6 }],
    [{ stop: 'x' }, { stop: ['x'] }],
    [{ stop: '' }, {}],
    [{ stop: ['', ...'abcdefghij'] }, { stop: ['a', 'b', 'c', 'd'] }],
    [{ reasoning_effort: 'xhigh' }, { reasoning_effort: 'high' }],
    [{ reasoning: { effort: 'max' } }, { reasoning_effort: 'high' }],
    [{ reasoning_effort: 'off' }, { reasoning_effort: 'none' }],
    [{ reasoning_effort: 'auto' }, {}],
    [{ reasoning_effort: 'constructor' }, {}],
    [{ response_format: { type: 'text' } }, {}],
    [{ response_format: { type: 'json_object' } }, { response_format: { type: 'json_object' } }],
    [{ model: '' }, {}],
    [{ n: 1, store: true, metadata: {}, session_id: 's', prompt_cache_key: 'p', prediction: {} }, {}],
    [{ enable_thinking: false, foo: null }, { extra: { enable_thinking: false } }],
    [{ stream_options: { include_usage: true } }, { stream_options: { include_usage: true } }],
  ];
  for (const [given, expected] of scalars) {
    it(JSON.stringify(given), () =>
      assert.deepEqual(decode(given), { model: 'auto', messages: [USER], stream: false, ...expected }),
    );
  }

  it('any JSON: a request or a RequestError', () => {
    const value = fc.jsonValue();
    const message = fc.record(
      { role: fc.constantFrom('user', 'assistant', 'tool', 'system'), content: value, tool_calls: value },
      { requiredKeys: ['role'] },
    );
    const body = fc.record(
      { messages: fc.oneof(value, fc.array(message)), tools: value, stop: value, response_format: value, n: value },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (given) => {
        try {
          for (const decoded of decodeChatRequest(given).messages) {
            assert.notEqual(decoded.content, undefined);
            if (decoded.content === null) assert.ok(decoded.tool_calls && decoded.tool_calls.length > 0);
            if (decoded.role === 'tool') assert.ok(decoded.tool_call_id);
          }
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
        }
      }),
    );
  });
});
