import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkNormalizer } from '../../../src/gateway/surfaces/chunkNormalizer.js';
import { splitThinking, ThinkSplitter } from '../../../src/gateway/surfaces/thinkSplitter.js';
import type { ChatChunk } from '../../../src/protocol/chat.js';

function normalizer(includeUsage = false): ChunkNormalizer {
  let ids = 0;
  return new ChunkNormalizer({
    model: 'fallback-model',
    includeUsage,
    created: 1_700_000_000,
    promptTokens: 10,
    newId: (prefix) => `${prefix}${++ids}`,
  });
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

/** What a client makes of the texts. */
function parse(texts: string[]): ChatChunk[] {
  return texts.map((text) => JSON.parse(text) as ChatChunk);
}

describe('ChunkNormalizer', () => {
  it('says the role once, first, and passes later chunks as they were received', () => {
    const one = normalizer();
    assert.deepEqual(one.push(loose({ role: 'assistant', content: '' })), []);
    assert.equal(one.hasOutput, false, 'a role alone is no output');
    const [role, first] = parse(one.push(loose({ role: 'assistant', content: 'Hel' })));
    assert.equal(role?.choices[0]?.delta.role, 'assistant');
    assert.equal(first?.choices[0]?.delta.role, undefined);
    const raw = JSON.stringify(loose({ content: 'lo' })).replace('"m"', '"m" ');
    assert.deepEqual(one.push(JSON.parse(raw), raw), [raw]);
  });

  it('sends usage last and only when asked for, also when it came with text', () => {
    for (const isAsked of [true, false]) {
      const one = normalizer(isAsked);
      const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
      const texts = one.push({ ...loose({ content: 'hi' }), usage }, 'never sent raw');
      texts.push(...one.push(loose({}, 'stop')), ...one.finish());
      const chunks = parse(texts);
      const withUsage = chunks.filter((chunk) => chunk.usage);
      assert.equal(withUsage.length, isAsked ? 1 : 0);
      if (isAsked) assert.deepEqual([chunks.at(-1)?.choices, chunks.at(-1)?.usage], [[], usage]);
      assert.deepEqual(one.usage, usage);
    }
  });

  it('splits content and tool calls of one delta, and ends such an answer with tool_calls', () => {
    const one = normalizer();
    const call = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    const chunks = parse([...one.push(loose({ content: 'so', tool_calls: [call] }, 'stop')), ...one.finish()]);
    const deltas = chunks.map((chunk) => chunk.choices[0]?.delta ?? {});
    assert.ok(deltas.every((delta) => !(delta.content && delta.tool_calls)));
    assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls');
  });

  it('tells calls apart that a provider numbers alike, and gives ids where there are none', () => {
    const one = normalizer();
    const call = (id: string | undefined, name: string) => ({ index: 0, id, function: { name, arguments: '{"x":1}' } });
    const chunks = parse([
      ...one.push(loose({ tool_calls: [call('a', 'f')] })),
      ...one.push(loose({ tool_calls: [call('b', 'g')] })),
      ...one.push(loose({ tool_calls: [{ function: { name: 'h', arguments: '' } }] })),
      ...one.finish(),
    ]);
    const calls = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []).filter(({ id }) => id);
    assert.deepEqual(
      calls.map(({ index, function: fn }) => [index, fn?.name]),
      [
        [0, 'f'],
        [1, 'g'],
        [2, 'h'],
      ],
    );
    assert.equal(new Set(calls.map(({ id }) => id)).size, 3);
    const filled = chunks
      .flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
      .filter(({ index }) => index === 2);
    assert.equal(filled.map(({ function: fn }) => fn?.arguments).join(''), '{}', 'missing arguments become {}');
  });

  it('holds white space until a word comes, so that an empty answer can still be failed over', () => {
    const one = normalizer();
    assert.deepEqual(one.push(loose({ content: '\n ' })), []);
    assert.equal(one.hasOutput, false);
    const chunks = parse(one.push(loose({ content: 'word' })));
    assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), '\n word');
  });
});

describe('ThinkSplitter', () => {
  it('gives the same, however the text is cut', () => {
    const texts = fc.constantFrom(
      '<think>a<b</think>\n\nc',
      '  <think>x</think>hi',
      'no <think>tags</think> here',
      '<thin air',
      '<think>never closed',
    );
    fc.assert(
      fc.property(texts, fc.array(fc.nat(30)), (text, cuts) => {
        const splitter = new ThinkSplitter();
        const result = { reasoning: '', content: '' };
        const positions = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length];
        for (let i = 1; i < positions.length; i++) {
          for (const piece of splitter.push(text.slice(positions[i - 1], positions[i])))
            result[piece.kind] += piece.text;
        }
        for (const piece of splitter.end()) result[piece.kind] += piece.text;
        assert.deepEqual(result, splitThinking(text));
      }),
    );
  });

  it('takes a tag only where it opens the message', () => {
    assert.deepEqual(splitThinking('<think>x</think>\nhi'), { reasoning: 'x', content: 'hi' });
    assert.deepEqual(splitThinking('say <think>x</think>'), { reasoning: '', content: 'say <think>x</think>' });
  });
});
