import assert from 'node:assert/strict';
import type { DecodedEvent } from '../../../../src/gateway/providers/adapter.js';
import { createGeminiAdapter } from '../../../../src/gateway/providers/gemini/adapter.js';
import { chatRequest, foldEvents, target } from './support.js';

function decode(...responses: unknown[]): DecodedEvent[] {
  const decoder = createGeminiAdapter().createStreamDecoder(chatRequest(), target());
  const events = responses.flatMap((one) => decoder.decode({ event: undefined, data: JSON.stringify(one) }));
  return [...events, ...decoder.end()];
}

function response(parts: unknown[], finishReason?: string, usageMetadata?: unknown): unknown {
  return { candidates: [{ content: { role: 'model', parts }, finishReason }], usageMetadata };
}

function finishOf(...responses: unknown[]): string | null {
  return foldEvents(decode(...responses)).finish;
}

const callF = { functionCall: { name: 'f', args: { a: 1 } } };
const callG = { functionCall: { id: 'g1', name: 'g', args: {} } };

describe('gemini answer', () => {
  it('gives parallel calls their own index and id, in one chunk or several (conformance 96)', () => {
    for (const responses of [
      [response([callF, callG, callF], 'STOP')],
      [response([callF]), response([callG]), response([callF]), response([{ text: '' }], 'STOP')],
    ]) {
      const { calls, finish } = foldEvents(decode(...responses));
      assert.deepEqual(
        calls.map((call) => [call.name, call.args]),
        [
          ['f', '{"a":1}'],
          ['g', '{}'],
          ['f', '{"a":1}'],
        ],
      );
      assert.equal(new Set(calls.map((call) => call.id)).size, 3);
      assert.equal(calls[1]?.id, 'g1');
      assert.equal(finish, 'tool_calls');
    }
  });

  it('never hands out the same id twice', () => {
    const { calls } = foldEvents(decode(response([callG, callG], 'STOP')));
    assert.notEqual(calls[0]?.id, calls[1]?.id);
  });

  it('emits well-formed chunks, the role once and the usage last', () => {
    const usage = {
      promptTokenCount: 5,
      candidatesTokenCount: 3,
      thoughtsTokenCount: 2,
      toolUsePromptTokenCount: 1,
      cachedContentTokenCount: 4,
      totalTokenCount: 11,
    };
    const events = decode(
      {
        ...(response([{ text: 'th', thought: true }, { text: 'Hel' }], undefined, { promptTokenCount: 5 }) as object),
        responseId: 'r1',
        modelVersion: 'gemini-x',
      },
      response([{ text: 'lo' }], 'STOP', { promptTokenCount: 5 }),
      { usageMetadata: usage },
    );
    const chunks = events.flatMap((event) => (event.type === 'chunk' ? [event.chunk] : []));
    for (const chunk of chunks) {
      assert.equal(chunk.id, 'chatcmpl-r1');
      assert.equal(chunk.object, 'chat.completion.chunk');
      assert.equal(chunk.model, 'gemini-x');
      assert.equal(typeof chunk.created, 'number');
    }
    assert.deepEqual(
      chunks.map((chunk) => chunk.choices?.[0]?.delta),
      [{ role: 'assistant', reasoning_content: 'th' }, { content: 'Hel' }, { content: 'lo' }, {}, undefined],
    );
    assert.deepEqual(
      chunks.map((chunk) => chunk.usage !== undefined),
      [false, false, false, false, true],
    );
    assert.deepEqual(chunks.at(-1)?.choices, []);
    assert.deepEqual(chunks.at(-1)?.usage, {
      prompt_tokens: 6,
      completion_tokens: 5,
      total_tokens: 11,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 2 },
    });
    assert.equal(events.at(-1)?.type, 'done');
  });

  it('says nothing of an end when the stream was cut (conformance 99)', () => {
    const events = decode(response([{ text: 'Hel' }], undefined, { promptTokenCount: 5 }));
    assert.deepEqual(
      events.map((event) => event.type),
      ['chunk'],
    );
    assert.equal(foldEvents(events).finish, null);
  });

  it('maps finish reasons', () => {
    assert.equal(finishOf(response([{ text: 'a' }], 'MAX_TOKENS')), 'length');
    for (const reason of ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'IMAGE_SAFETY']) {
      assert.equal(finishOf(response([{ text: 'a' }], reason)), 'content_filter', reason);
    }
    for (const reason of ['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL', 'OTHER']) {
      const folded = foldEvents(decode({ candidates: [{ finishReason: reason }] }));
      assert.deepEqual([folded.finish, folded.text, folded.calls.length], ['stop', '', 0], reason);
    }
  });

  it('takes a blocked prompt for a filtered, empty answer', () => {
    const blocked = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' }, usageMetadata: { promptTokenCount: 3 } };
    const events = decode(blocked);
    assert.equal(foldEvents(events).finish, 'content_filter');
    assert.equal(events.at(-1)?.type, 'done');
    const body = createGeminiAdapter().decodeBody(JSON.stringify(blocked), chatRequest(), target());
    assert.ok(body.type === 'completion');
    assert.deepEqual(body.completion.choices, [
      { index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'content_filter' },
    ]);
  });

  it('never passes a cut call off as complete', () => {
    const begun = response([
      {
        functionCall: {
          name: 'f',
          willContinue: true,
          partialArgs: [{ jsonPath: '$.a', stringValue: 'x', willContinue: true }],
        },
      },
    ]);
    const cut = foldEvents(decode(begun, { candidates: [{ finishReason: 'MAX_TOKENS' }] }));
    assert.equal(cut.finish, 'length');
    assert.throws(() => JSON.parse(cut.calls[0]?.args ?? ''));
    const stopped = foldEvents(decode(begun, { candidates: [{ finishReason: 'STOP' }] }));
    assert.deepEqual([stopped.finish, stopped.calls[0]?.args], ['tool_calls', '{"a":"x"}']);
  });

  it('survives anything in a frame', () => {
    const frames = [
      null,
      1,
      [],
      {},
      { candidates: {} },
      { candidates: [null] },
      {
        candidates: [
          {
            content: {
              parts: [
                null,
                3,
                { functionCall: null },
                { functionCall: { name: 'f', partialArgs: [null, { jsonPath: 7 }] } },
              ],
            },
          },
        ],
      },
    ];
    assert.doesNotThrow(() => decode(...frames));
    const decoder = createGeminiAdapter().createStreamDecoder(chatRequest(), target());
    assert.deepEqual(decoder.decode({ event: undefined, data: '{"cand' }), []);
  });

  it('leaves server-side tools out and keeps the text around them', () => {
    const parts = [
      { text: 'a' },
      { executableCode: { code: 'x' } },
      { codeExecutionResult: { output: 'y' } },
      { toolCall: {} },
      { toolResponse: {} },
      { text: 'b' },
    ];
    const folded = foldEvents(decode(response(parts, 'STOP')));
    assert.deepEqual([folded.text, folded.calls.length, folded.finish], ['ab', 0, 'stop']);
  });

  it('hands on an error that came with status 200', () => {
    const error = { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } };
    assert.deepEqual(decode(error), [{ type: 'error', body: error, status: 503, message: 'overloaded' }]);
    const body = createGeminiAdapter().decodeBody(JSON.stringify([error]), chatRequest(), target());
    assert.deepEqual(body, { type: 'error', body: error, status: 503, message: 'overloaded' });
  });

  it('decodes a whole body, and an array of responses', () => {
    const adapter = createGeminiAdapter(() => 1_700_000_000_000);
    const whole = response([{ text: 'th', thought: true }, callG], 'STOP', { promptTokenCount: 1, totalTokenCount: 1 });
    for (const text of [
      JSON.stringify(whole),
      JSON.stringify([
        response([{ text: 'th', thought: true }]),
        response([callG], 'STOP', { promptTokenCount: 1, totalTokenCount: 1 }),
      ]),
    ]) {
      const body = adapter.decodeBody(text, chatRequest(), target());
      assert.ok(body.type === 'completion');
      assert.equal(body.completion.created, 1_700_000_000);
      assert.equal(body.completion.model, 'gemini-2.5-flash');
      const calls = [{ id: 'g1', type: 'function', function: { name: 'g', arguments: '{}' } }];
      const message = { role: 'assistant', content: null, reasoning_content: 'th', tool_calls: calls };
      assert.deepEqual(body.completion.choices, [{ index: 0, message, finish_reason: 'tool_calls' }]);
    }
    for (const text of ['<html>', '{"candidates":[', '{}', '7', '[]', '{"embedding":{}}']) {
      assert.equal(adapter.decodeBody(text, chatRequest(), target()).type, 'malformed', text);
    }
  });
});
