import assert from 'node:assert/strict';
import { decodeChatRequest } from '../../../src/gateway/surfaces/decodeChatRequest.js';
import { requestNeeds } from '../../../src/gateway/surfaces/requestNeeds.js';

const needs = (content: unknown, more: Record<string, unknown> = {}) =>
  requestNeeds(decodeChatRequest({ messages: [{ role: 'user', content }], ...more }));
const about = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) <= expected * 0.05 + 8, `${actual}, not about ${expected}`);

describe('requestNeeds', () => {
  it('four Latin characters a token', () => {
    about(needs('x'.repeat(400)).promptTokens, 100);
    about(needs('word '.repeat(32_000)).promptTokens, 40_000);
  });
  it('a CJK character a token, short and long, mixed too', () => {
    about(needs('漢'.repeat(100)).promptTokens, 100);
    about(needs('漢字'.repeat(10_000)).promptTokens, 20_000);
    about(needs('漢'.repeat(10_000) + 'x'.repeat(10_000)).promptTokens, 12_500);
  });
  it('tool schemas count', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`p${at}`, { type: 'string', description: 'd'.repeat(85) }]),
    );
    const tools = [{ type: 'function', function: { name: 'a', parameters: { type: 'object', properties } } }];
    const found = needs('hi', { tools });
    assert.equal(found.tools, true);
    about(found.promptTokens, JSON.stringify(tools).length / 4);
  });
  it('images: vision, and not by the length of their data', () => {
    const found = needs([
      { type: 'text', text: 'x' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(2_000_000)}` } },
    ]);
    assert.equal(found.vision, true);
    assert.ok(found.promptTokens >= 258 && found.promptTokens < 2000);
  });
  it('calls, results and reasoning count', () => {
    const request = decodeChatRequest({
      messages: [
        {
          role: 'assistant',
          reasoning_content: 'r'.repeat(400),
          tool_calls: [{ id: 'c', function: { name: 'a', arguments: 'x'.repeat(400) } }],
        },
        { role: 'tool', tool_call_id: 'c', content: 'x'.repeat(400) },
      ],
    });
    about(requestNeeds(request).promptTokens, 315);
  });
  it('json', () => {
    assert.equal(needs('hi').json, false);
    assert.equal(needs('hi', { response_format: { type: 'text' } }).json, false);
    assert.equal(needs('hi', { response_format: { type: 'json_object' } }).json, true);
  });
});
