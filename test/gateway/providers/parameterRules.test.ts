import assert from 'node:assert/strict';
import type { AdapterTarget } from '../../../src/gateway/providers/adapter.js';
import { applyRules, mapEffort, stripSchemaKeys } from '../../../src/gateway/providers/parameterRules.js';
import type { ChatMessage, ChatRequest, ToolDefinition } from '../../../src/protocol/chat.js';
import { sampleRequest, sampleTarget } from './samples.js';

function bodyFor(provider: string, fields: Partial<ChatRequest> = {}, target: Partial<AdapterTarget> = {}) {
  const to = sampleTarget(provider, target);
  return applyRules(sampleRequest(fields), to.provider, to);
}

const tool: ToolDefinition = { type: 'function', function: { name: 'f', parameters: { type: 'object' } } };

describe('applyRules', () => {
  it('sends a plain request with the provider’s model id and the very same messages', () => {
    const request = sampleRequest({ temperature: 0.5, seed: 7, extra: { service_tier: 'flex' } });
    const target = sampleTarget('cerebras');
    const body = applyRules(request, target.provider, target);
    assert.deepEqual(body, { model: 'm', messages: request.messages, temperature: 0.5, seed: 7, service_tier: 'flex' });
    assert.equal(body.messages, request.messages);
  });

  it('always asks for usage on streams, but where that is refused', () => {
    assert.deepEqual(bodyFor('groq', { stream: true }).stream_options, { include_usage: true });
    assert.deepEqual(bodyFor('groq', { stream: true, stream_options: { include_usage: false } }).stream_options, {
      include_usage: true,
    });
    assert.equal('stream_options' in bodyFor('mistral', { stream: true }), false);
    assert.equal('stream_options' in bodyFor('groq'), false);
  });

  it('drops what a provider refuses and nothing else', () => {
    const fields = { logprobs: true, top_logprobs: 2, logit_bias: { 1: 1 }, top_k: 3, min_p: 0.1 };
    assert.deepEqual(Object.keys(bodyFor('groq', fields)), ['model', 'messages', 'top_k', 'min_p']);
    assert.deepEqual(bodyFor('cerebras', fields).logit_bias, { 1: 1 });
    assert.equal('response_format' in bodyFor('kilo', { response_format: { type: 'json_object' } }), false);
  });

  it('renames Mistral’s seed and keeps unknown fields and users from it', () => {
    const body = bodyFor('mistral', { seed: 5, user: 'me', top_k: 3, extra: { store: true } });
    assert.deepEqual(Object.keys(body).sort(), ['messages', 'model', 'random_seed']);
    assert.equal(body.random_seed, 5);
  });

  it('never lets an unknown field replace a known one', () => {
    assert.equal(bodyFor('groq', { extra: { model: 'evil' } }).model, 'm');
  });

  it('clamps max_tokens to the model’s output, the provider’s cap and floor, and fills the default', () => {
    assert.equal(bodyFor('groq', { max_tokens: 65536 }, { maxOutput: 8192 }).max_tokens, 8192);
    assert.equal(bodyFor('groq', { max_tokens: 100 }, { maxOutput: 8192 }).max_tokens, 100);
    assert.equal('max_tokens' in bodyFor('groq', {}, { maxOutput: 8192 }), false);
    assert.equal(bodyFor('github', { max_tokens: 65536 }).max_tokens, 400);
    assert.equal(bodyFor('cloudflare').max_tokens, 8192);
    assert.equal(bodyFor('cloudflare', {}, { maxOutput: 2048 }).max_tokens, 2048);
    assert.equal(bodyFor('aihorde', { max_tokens: 3 }).max_tokens, 16);
  });

  it('sends at most four stops', () => {
    assert.deepEqual(bodyFor('groq', { stop: ['1', '2', '3', '4', '5'] }).stop, ['1', '2', '3', '4']);
    assert.equal('stop' in bodyFor('groq', { stop: [] }), false);
  });

  it('maps effort to the model’s levels, or drops it', () => {
    assert.equal(
      bodyFor('groq', { reasoning_effort: 'minimal' }, { modelId: 'openai/gpt-oss-120b' }).reasoning_effort,
      'low',
    );
    assert.equal(
      bodyFor('groq', { reasoning_effort: 'high' }, { modelId: 'qwen/qwen3-32b' }).reasoning_effort,
      'default',
    );
    assert.equal(bodyFor('groq', { reasoning_effort: 'none' }, { modelId: 'qwen/qwen3-32b' }).reasoning_effort, 'none');
    assert.equal('reasoning_effort' in bodyFor('groq', { reasoning_effort: 'high' }), false);
    assert.equal(bodyFor('github', { reasoning_effort: 'none' }).reasoning_effort, 'low');
    assert.equal('reasoning_effort' in bodyFor('mistral', { reasoning_effort: 'high' }), false);
    assert.equal('reasoning_effort' in bodyFor('cerebras', { reasoning_effort: 'high' }, { reasoning: false }), false);
    assert.equal(mapEffort('minimal', undefined), 'minimal');
    assert.equal(mapEffort('medium', ['low', 'high']), 'low');
  });

  it('gives tools without parameters an empty schema, and sends no companions without tools', () => {
    const body = bodyFor('groq', { tools: [{ type: 'function', function: { name: 'now' } }], tool_choice: 'auto' });
    assert.deepEqual(body.tools, [
      { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } },
    ]);
    assert.equal('tool_choice' in bodyFor('groq', { tool_choice: 'auto', parallel_tool_calls: true }), false);
    assert.equal('parallel_tool_calls' in bodyFor('groq', { parallel_tool_calls: true }), false);
  });

  it('allows NVIDIA one call at a time', () => {
    assert.equal(bodyFor('nvidia', { tools: [tool], parallel_tool_calls: true }).parallel_tool_calls, false);
    assert.equal('parallel_tool_calls' in bodyFor('nvidia'), false);
    assert.equal(bodyFor('groq', { tools: [tool], parallel_tool_calls: true }).parallel_tool_calls, true);
  });

  it('drops a text response format, and asks Reka for JSON by a schema', () => {
    assert.equal('response_format' in bodyFor('groq', { response_format: { type: 'text' } }), false);
    assert.deepEqual(bodyFor('groq', { response_format: { type: 'json_object' } }).response_format, {
      type: 'json_object',
    });
    assert.deepEqual(bodyFor('reka', { response_format: { type: 'json_object' } }).response_format, {
      type: 'json_schema',
      json_schema: { name: 'answer', schema: { type: 'object', properties: {}, additionalProperties: true } },
    });
  });

  it('flattens content where parts are refused', () => {
    const messages: ChatMessage[] = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
    ];
    const body = bodyFor('cloudflare', { messages });
    assert.deepEqual(
      (body.messages as ChatMessage[]).map((message) => message.content),
      ['a\nb', ''],
    );
    assert.equal(bodyFor('groq', { messages }).messages, messages);
  });

  it('leaves a quirky model’s zero temperature out', () => {
    const body = bodyFor('requesty', { temperature: 0 }, { modelId: 'mistral/leanstral-1-5' });
    assert.deepEqual(body, { model: 'mistral/leanstral-1-5', messages: body.messages, top_p: 1 });
    assert.equal(bodyFor('requesty', { temperature: 0 }).temperature, 0);
  });

  it('sends AI Horde neither tools nor sampling it does not know', () => {
    const body = bodyFor('aihorde', { tools: [tool], tool_choice: 'auto', seed: 1, stream: true, stop: ['x'] });
    assert.deepEqual(Object.keys(body).sort(), ['max_tokens', 'messages', 'model', 'stop', 'stream']);
    assert.deepEqual([body.max_tokens, body.stop], [512, ['x']]);
  });
});

describe('history of other models', () => {
  const call = { id: 'call_0123456789', type: 'function' as const, function: { name: 'f', arguments: '{}' } };
  const messages: ChatMessage[] = [
    { role: 'user', content: 'q', name: 'Ann' },
    {
      role: 'assistant',
      content: null,
      reasoning_content: 'hm',
      tool_calls: [{ ...call, extra_content: { google: { thought_signature: 's' } } }],
    },
    { role: 'tool', content: 'r', tool_call_id: call.id },
  ];

  it('is rid of reasoning and signatures', () => {
    const sent = bodyFor('cerebras', { messages }).messages as ChatMessage[];
    assert.deepEqual(sent[1], { role: 'assistant', content: null, tool_calls: [call] });
    assert.equal(sent[0], messages[0]);
    assert.equal(messages[1]!.reasoning_content, 'hm');
  });

  it('keeps reasoning where it is wanted back, and gives DeepSeek at OpenCode an empty one', () => {
    const withOlder: ChatMessage[] = [{ role: 'assistant', content: 'old' }, ...messages];
    const sent = bodyFor('opencode', { messages: withOlder }, { modelId: 'deepseek-v4-flash-free' })
      .messages as ChatMessage[];
    assert.deepEqual(
      sent.map((message) => message.reasoning_content),
      ['', undefined, 'hm', undefined],
    );
    const other = bodyFor('opencode', { messages: withOlder }, { modelId: 'big-pickle' }).messages as ChatMessage[];
    assert.deepEqual(
      other.map((message) => message.reasoning_content),
      [undefined, undefined, 'hm', undefined],
    );
  });

  it('is strict for Mistral: nine-letter ids that still match, no names', () => {
    const sent = bodyFor('mistral', { messages }).messages as ChatMessage[];
    const id = sent[1]!.tool_calls![0]!.id;
    assert.match(id, /^[a-zA-Z0-9]{9}$/);
    assert.equal(sent[2]!.tool_call_id, id);
    assert.deepEqual(sent[0], { role: 'user', content: 'q' });
    assert.deepEqual(Object.keys(sent[1]!), ['role', 'content', 'tool_calls']);
    const kept = bodyFor('mistral', { messages: [{ role: 'tool', content: 'r', tool_call_id: 'abcDEF123' }] });
    assert.equal((kept.messages as ChatMessage[])[0]!.tool_call_id, 'abcDEF123');
  });

  it('marks an assistant’s last turn as a prefix for Mistral only', () => {
    const open: ChatMessage[] = [
      { role: 'user', content: 'q' },
      { role: 'assistant', content: 'So' },
    ];
    assert.deepEqual((bodyFor('mistral', { messages: open }).messages as unknown[])[1], {
      role: 'assistant',
      content: 'So',
      prefix: true,
    });
    assert.equal(bodyFor('groq', { messages: open }).messages, open);
  });

  it('names nobody at Groq', () => {
    assert.equal('name' in (bodyFor('groq', { messages }).messages as ChatMessage[])[0]!, false);
  });
});

describe('stripSchemaKeys', () => {
  it('removes keywords at every depth, but neither properties nor values of those names', () => {
    const schema = {
      $schema: 'x',
      type: 'object',
      additionalProperties: false,
      properties: {
        additionalProperties: { type: 'string' },
        list: { type: 'array', items: { type: 'object', additionalProperties: false } },
      },
      default: { additionalProperties: 1 },
    };
    assert.deepEqual(stripSchemaKeys(schema, ['additionalProperties', '$schema']), {
      type: 'object',
      properties: { additionalProperties: { type: 'string' }, list: { type: 'array', items: { type: 'object' } } },
      default: { additionalProperties: 1 },
    });
  });
});
