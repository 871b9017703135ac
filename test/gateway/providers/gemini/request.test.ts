import assert from 'node:assert/strict';
import { createGeminiAdapter } from '../../../../src/gateway/providers/gemini/adapter.js';
import type { ChatMessage, ChatRequest, ReasoningEffort, ToolCall } from '../../../../src/protocol/chat.js';
import { chatRequest, target } from './support.js';

type Body = Record<string, unknown> & {
  contents: { role: string; parts: Record<string, unknown>[] }[];
  generationConfig?: Record<string, unknown>;
};

function build(over: Partial<ChatRequest>, modelId?: string, maxOutput?: number): Body {
  return JSON.parse(
    createGeminiAdapter().buildRequest(chatRequest(over), target(modelId, maxOutput)).body ?? '',
  ) as Body;
}

function call(id: string, name = 'f', args = '{}'): ToolCall {
  return { id, type: 'function', function: { name, arguments: args } };
}

const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } } as const;

describe('gemini request', () => {
  it('puts the key into the header only, and the method into the URL', () => {
    const adapter = createGeminiAdapter();
    const plain = adapter.buildRequest(chatRequest(), target());
    assert.equal(plain.url, 'http://127.0.0.1:9/v1beta/models/gemini-2.5-flash:generateContent');
    assert.equal(plain.headers['x-goog-api-key'], 'k-test');
    assert.equal(plain.headers.authorization, undefined);
    const stream = adapter.buildRequest(chatRequest({ stream: true }), target());
    assert.equal(stream.url, 'http://127.0.0.1:9/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse');
    assert.deepEqual(JSON.parse(plain.body ?? ''), { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] });
  });

  it('joins system messages, and folds them into the first turn for Gemma', () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'one' },
      { role: 'user', content: 'hi' },
      { role: 'system', content: [{ type: 'text', text: 'two' }] },
    ];
    assert.deepEqual(build({ messages }).systemInstruction, { parts: [{ text: 'one\n\ntwo' }] });
    const gemma = build({ messages }, 'gemma-4-31b-it');
    assert.equal(gemma.systemInstruction, undefined);
    assert.deepEqual(gemma.contents, [{ role: 'user', parts: [{ text: 'one\n\ntwo' }, { text: 'hi' }] }]);
  });

  it('always has a conversation that begins with the user', () => {
    assert.deepEqual(build({ messages: [{ role: 'system', content: 'only' }] }).contents, [
      { role: 'user', parts: [{ text: 'only' }] },
    ]);
    assert.equal(build({ messages: [{ role: 'assistant', content: 'hello' }] }).contents[0]?.role, 'user');
    assert.equal(build({ messages: [{ role: 'user', content: '' }] }).contents.length, 1);
  });

  it('sends all results of a round in one user turn, named by their calls (conformance 100)', () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [call('a', 'f', '{"x":1}'), call('b', 'g', '[1]'), call('c', 'h', '')],
      },
      { role: 'tool', tool_call_id: 'b', content: '{"ok":true}' },
      { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'plain' }] },
      { role: 'assistant', content: '' },
      { role: 'tool', tool_call_id: 'c', content: '' },
      { role: 'user', content: 'and' },
    ];
    assert.deepEqual(build({ messages }).contents.slice(1), [
      {
        role: 'model',
        parts: [
          { functionCall: { id: 'a', name: 'f', args: { x: 1 } } },
          { functionCall: { id: 'b', name: 'g', args: { value: [1] } } },
          { functionCall: { id: 'c', name: 'h', args: {} } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { id: 'b', name: 'g', response: { ok: true } } },
          { functionResponse: { id: 'a', name: 'f', response: { output: 'plain' } } },
          { functionResponse: { id: 'c', name: 'h', response: { output: '' } } },
          { text: 'and' },
        ],
      },
    ]);
  });

  it('keeps parts in order, data inline and URLs by reference', () => {
    const content: ChatMessage['content'] = [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'text', text: 'between' },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.webp?x=1' } },
      { type: 'image_url', image_url: { url: 'data:image/svg+xml,%3Csvg%3E' } },
      { type: 'input_audio', input_audio: { data: 'BBBB', format: 'mp3' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
      { type: 'video_url', video_url: { url: 'https://youtu.be/x' } },
      { type: 'image_url', image_url: { url: 'file:///etc/passwd' } },
    ];
    assert.deepEqual(build({ messages: [{ role: 'user', content }] }).contents[0]?.parts, [
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { text: 'between' },
      { fileData: { fileUri: 'https://example.com/cat.webp?x=1', mimeType: 'image/webp' } },
      { inlineData: { mimeType: 'image/svg+xml', data: Buffer.from('<svg>').toString('base64') } },
      { inlineData: { mimeType: 'audio/mpeg', data: 'BBBB' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
      { fileData: { fileUri: 'https://youtu.be/x', mimeType: 'video/mp4' } },
    ]);
  });

  it('declares functions and search, with a tool config only where there is a choice', () => {
    const search = { type: 'function', function: { name: 'Google_Search' } } as const;
    assert.deepEqual(build({ tools: [search] }).tools, [{ google_search: {} }]);
    const both = build({ tools: [tool, search], tool_choice: 'required' });
    assert.deepEqual(both.tools, [{ functionDeclarations: [{ name: 'f' }] }, { google_search: {} }]);
    assert.deepEqual(both.toolConfig, { functionCallingConfig: { mode: 'ANY' } });
    assert.equal(build({ tools: [tool] }).toolConfig, undefined);
    const named = build({ tools: [tool], tool_choice: { type: 'function', function: { name: 'f' } } });
    assert.deepEqual(named.toolConfig, { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } });
  });

  it('maps sampling parameters and caps the output', () => {
    const config = build(
      {
        temperature: 0,
        top_p: 0.5,
        top_k: 3,
        seed: 7,
        stop: ['x'],
        presence_penalty: 0,
        frequency_penalty: 1,
        max_tokens: 9000,
      },
      undefined,
      4096,
    ).generationConfig;
    assert.deepEqual(config, {
      temperature: 0,
      topP: 0.5,
      topK: 3,
      seed: 7,
      stopSequences: ['x'],
      frequencyPenalty: 1,
      maxOutputTokens: 4096,
    });
  });

  it('asks for JSON; beside functions only where the model takes both', () => {
    const schema = { type: 'object', properties: { a: { const: 'x' } } };
    const response_format = { type: 'json_schema', json_schema: { schema } } as const;
    const expected = {
      responseMimeType: 'application/json',
      responseSchema: { type: 'object', properties: { a: { type: 'string', enum: ['x'] } } },
    };
    assert.deepEqual(build({ response_format }).generationConfig, expected);
    assert.deepEqual(build({ response_format, tools: [tool] }, 'gemini-3-flash-preview').generationConfig, expected);
    assert.equal(build({ response_format, tools: [tool] }).generationConfig, undefined);
    assert.deepEqual(build({ response_format: { type: 'json_object' } }).generationConfig, {
      responseMimeType: 'application/json',
    });
  });

  it('asks for thinking as each model takes it', () => {
    const config = (model: string, reasoning_effort?: ReasoningEffort): unknown =>
      build({ ...(reasoning_effort && { reasoning_effort }) }, model).generationConfig?.thinkingConfig;
    assert.equal(config('gemini-2.5-flash'), undefined);
    assert.deepEqual(config('gemini-2.5-flash', 'none'), { thinkingBudget: 0 });
    assert.deepEqual(config('gemini-2.5-flash-lite', 'none'), { thinkingBudget: 0 });
    assert.deepEqual(config('gemini-2.5-pro', 'none'), { thinkingBudget: 128 });
    assert.deepEqual(config('gemini-2.5-pro', 'high'), { thinkingBudget: 24_576, includeThoughts: true });
    assert.deepEqual(config('gemini-3-flash-preview', 'none'), { thinkingLevel: 'minimal' });
    assert.deepEqual(config('gemini-3.1-pro-preview', 'none'), { thinkingLevel: 'low' });
    assert.deepEqual(config('gemini-3-pro-preview', 'medium'), { thinkingLevel: 'high', includeThoughts: true });
    assert.deepEqual(config('gemini-flash-latest', 'low'), { thinkingLevel: 'low', includeThoughts: true });
    for (const model of ['gemini-2.0-flash', 'gemini-1.5-pro', 'gemma-4-31b-it', 'gemini-2.5-flash-image']) {
      assert.equal(config(model, 'high'), undefined, model);
    }
  });
});
