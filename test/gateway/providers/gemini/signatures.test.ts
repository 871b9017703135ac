import assert from 'node:assert/strict';
import type { Adapter } from '../../../../src/gateway/providers/adapter.js';
import { createGeminiAdapter } from '../../../../src/gateway/providers/gemini/adapter.js';
import { createSignatureCache } from '../../../../src/gateway/providers/gemini/signatureCache.js';
import type { ChatMessage, ToolCall } from '../../../../src/protocol/chat.js';
import { chatRequest, target } from './support.js';

const model = 'gemini-3-flash-preview';
const sentinel = 'context_engineering_is_the_way_to_go';

/** An answer with one signed call; returns the call as the client sees it. */
function answer(adapter: Adapter, modelId = model, signature = 'sig-1'): ToolCall {
  const part = { functionCall: { id: 'c1', name: 'f', args: { a: 1, b: 2 } }, thoughtSignature: signature };
  const text = JSON.stringify({ candidates: [{ content: { parts: [part] }, finishReason: 'STOP' }] });
  const body = adapter.decodeBody(text, chatRequest(), target(modelId));
  assert.ok(body.type === 'completion');
  const calls = body.completion.choices?.[0]?.message?.tool_calls as ToolCall[] | undefined;
  assert.ok(calls?.[0]);
  return calls[0];
}

/** The signatures that go back upstream with this history. */
function sent(adapter: Adapter, modelId: string, ...assistants: Omit<ChatMessage, 'role'>[]): (string | undefined)[] {
  const messages = assistants.flatMap((message): ChatMessage[] => [
    { role: 'user', content: 'go' },
    { role: 'assistant', ...message },
  ]);
  const body = JSON.parse(adapter.buildRequest(chatRequest({ messages }), target(modelId)).body ?? '') as {
    contents: { role: string; parts: { thoughtSignature?: string }[] }[];
  };
  const parts = body.contents.filter((turn) => turn.role === 'model').flatMap((turn) => turn.parts);
  return parts.map((part) => part.thoughtSignature);
}

function bare(id: string, args = '{"b":2, "a":1}'): ToolCall {
  return { id, type: 'function', function: { name: 'f', arguments: args } };
}

describe('gemini thought signatures', () => {
  it('are shown to the client, and taken back from it', () => {
    const call = answer(createGeminiAdapter());
    assert.deepEqual(call.extra_content, { google: { thought_signature: 'sig-1' } });
    assert.deepEqual(sent(createGeminiAdapter(), model, { content: null, tool_calls: [call] }), ['sig-1']);
  });

  it('come back by id, and by name and arguments, when the client dropped them (conformance 97)', () => {
    const adapter = createGeminiAdapter();
    answer(adapter);
    assert.deepEqual(sent(adapter, model, { content: null, tool_calls: [bare('c1', '{"a":9}')] }), ['sig-1']);
    assert.deepEqual(sent(adapter, model, { content: null, tool_calls: [bare('rewritten')] }), ['sig-1']);
  });

  it('fall back to the sentinel on the first call of each turn, for Gemini 3 only', () => {
    const history = [
      { content: null, tool_calls: [bare('x'), bare('y')] },
      { content: 'text', tool_calls: [bare('z')] },
    ];
    const adapter = createGeminiAdapter();
    assert.deepEqual(sent(adapter, model, ...history), [sentinel, undefined, undefined, sentinel]);
    assert.deepEqual(sent(adapter, 'gemini-2.5-flash', ...history), [undefined, undefined, undefined, undefined]);
  });

  it('of another model are not used', () => {
    const adapter = createGeminiAdapter();
    const call = answer(adapter, 'gemini-2.5-pro');
    assert.deepEqual(sent(adapter, model, { content: null, tool_calls: [call] }), [sentinel]);
    assert.deepEqual(sent(adapter, model, { content: null, tool_calls: [bare('c1')] }), [sentinel]);
    assert.deepEqual(sent(adapter, 'gemini-2.5-pro', { content: null, tool_calls: [call] }), ['sig-1']);
  });

  it('of texts come back with the same text', () => {
    const adapter = createGeminiAdapter();
    const decoder = adapter.createStreamDecoder(chatRequest(), target(model));
    for (const parts of [[{ text: 'Hel' }], [{ text: 'lo' }], [{ text: '', thoughtSignature: 'sig-t' }]]) {
      const data = JSON.stringify({ candidates: [{ content: { parts }, finishReason: 'STOP' }] });
      decoder.decode({ event: undefined, data });
    }
    decoder.end();
    assert.deepEqual(sent(adapter, model, { content: 'Hello' }, { content: 'Other' }), ['sig-t', undefined]);
  });

  it('are kept per adapter, up to a number and for a time', () => {
    let now = 0;
    const cache = createSignatureCache(() => now, 6, 1000);
    const call = (id: string): { id: string; name: string; args: string } => ({ id, name: id, args: '{}' });
    for (const id of ['a', 'b', 'c', 'd']) cache.rememberCall(model, call(id), `sig-${id}`);
    assert.equal(cache.size, 6);
    assert.equal(cache.findCall(model, call('a')), undefined);
    assert.equal(cache.findCall(model, call('d')), 'sig-d');
    now = 1000;
    assert.equal(cache.findCall(model, call('d')), undefined);
  });
});
