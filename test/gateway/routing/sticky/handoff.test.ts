import assert from 'node:assert/strict';
import { cohereBody } from '../../../../src/gateway/providers/cohere.js';
import { createGeminiAdapter } from '../../../../src/gateway/providers/gemini/adapter.js';
import { providerSpec } from '../../../../src/gateway/providers/table.js';
import { HANDOFF_TEXT, HANDOFF_TOKENS, withHandoff } from '../../../../src/gateway/routing/sticky/handoff.js';
import { requestNeeds } from '../../../../src/gateway/surfaces/requestNeeds.js';
import type { ChatMessage, ChatRequest } from '../../../../src/protocol/chat.js';

const turns: ChatMessage[] = [
  { role: 'user', content: 'Hello' },
  { role: 'assistant', content: 'Hi.' },
  { role: 'user', content: 'Go on' },
];
const requestOf = (...system: ChatMessage['content'][]): ChatRequest => ({
  model: 'auto',
  stream: false,
  messages: [...system.map((content): ChatMessage => ({ role: 'system', content })), ...turns],
});

describe('withHandoff', () => {
  it('appends to the last of the leading system messages, whatever its shape', () => {
    const appended = `Be brief.\n\n${HANDOFF_TEXT}`;
    assert.deepEqual(withHandoff(requestOf('Be brief.')).messages[0]?.content, appended);
    assert.deepEqual(
      withHandoff(requestOf('One.', 'Be brief.')).messages.map(({ content }) => content),
      ['One.', appended, 'Hello', 'Hi.', 'Go on'],
    );
    assert.equal(withHandoff(requestOf('')).messages[0]?.content, HANDOFF_TEXT);
    const part = { type: 'text' as const, text: 'Be brief.' };
    assert.deepEqual(withHandoff(requestOf([part])).messages[0]?.content, [part, { type: 'text', text: HANDOFF_TEXT }]);
  });

  it('leaves the request and what it shares alone', () => {
    for (const request of [requestOf(), requestOf('Be brief.'), requestOf([{ type: 'text', text: 'Be brief.' }])]) {
      const before = structuredClone(request);
      const told = withHandoff(request);
      assert.deepEqual(request, before);
      assert.equal(told.messages.at(-1), request.messages.at(-1));
    }
  });

  it('is short, and its estimate holds it', () => {
    const needs = (request: ChatRequest) => requestNeeds(request).promptTokens;
    const added = needs(withHandoff(requestOf())) - needs(requestOf());
    assert.ok(added <= HANDOFF_TOKENS && HANDOFF_TOKENS <= 60, String(added));
  });

  it('reaches Gemini, Gemma and Cohere, once each', () => {
    const targetOf = (provider: string, modelId: string) => ({
      provider: providerSpec(provider) ?? assert.fail(),
      baseUrl: 'http://127.0.0.1:1/v1',
      modelId,
      secret: null,
    });
    for (const request of [withHandoff(requestOf()), withHandoff(requestOf('Be brief.'))]) {
      const bodies = ['gemini-3-flash', 'gemma-4-31b-it'].map((model) =>
        String(createGeminiAdapter().buildRequest(request, targetOf('google', model)).body),
      );
      bodies.push(JSON.stringify(cohereBody(request, targetOf('cohere', 'command-a-03-2025'))));
      for (const body of bodies) assert.equal(body.split(HANDOFF_TEXT).length, 2, body);
      assert.match(bodies[0] ?? '', /"systemInstruction":/);
      assert.doesNotMatch(bodies[1] ?? '', /"systemInstruction":/);
    }
  });
});
