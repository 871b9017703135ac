import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ChunkParser } from '../../../src/gateway/providers/chunkParser.js';

const chunk = (delta: object, more: object = {}) => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: null }],
  ...more,
});

/** Every text as one parser after the other gives it, and as JSON.parse does: a value, or that it is no JSON. */
function compare(texts: string[]): void {
  const parser = new ChunkParser();
  const result = (parse: (text: string) => unknown, text: string) => {
    try {
      return { value: parse(text) };
    } catch {
      return 'no JSON';
    }
  };
  for (const text of texts) {
    assert.deepEqual(
      result((own) => parser.parse(own), text),
      result(JSON.parse, text),
      text,
    );
  }
}

describe('ChunkParser', () => {
  it('gives what JSON.parse gives, for a stream with all kinds of chunks', () => {
    compare(
      [
        chunk({ role: 'assistant', content: '' }),
        chunk({ role: 'assistant', content: 'The' }),
        chunk({ content: 'c1' }),
        chunk({ content: ' m' }),
        chunk({ content: 'a "quoted" \\ word\n' }),
        chunk({ content: ' é 漢字 😀' }),
        chunk({ content: 'x' }, { id: 'c2' }),
        chunk({ content: 'y' }, { id: 'c2', error: { message: 'x' } }),
        chunk({ content: '', reasoning_content: 'hm' }),
        chunk({ content: '', reasoning_content: ' so' }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: '{"content":"x"}' } }] }),
        chunk({}, { usage: { prompt_tokens: 1 } }),
        { choices: [] },
        [],
        'text',
        null,
      ].map((value) => JSON.stringify(value)),
    );
  });

  it('does not take another place of the same text for the delta', () => {
    const twice = (text: string) => `{"a":{"content":"${text}"},"choices":[{"delta":{"content":"${text}"}}]}`;
    compare([twice('x'), twice('y'), '{"a":{"content":"z"},"choices":[{"delta":{"content":"x"}}]}']);
    const after = (text: string) => `{"choices":[{"delta":{"content":"x","n":"${text}"}}],"n":{"content":"${text}"}}`;
    compare([after('x'), after('y')]);
    const double = (text: string) => `{"choices":[{"delta":{"content":"x","content":"${text}"}}]}`;
    compare([double('x'), double('y'), '{"choices":[{"delta":{"content":"y","content":"x"}}]}']);
    const odd = (text: string) => `{"choices":[{"delta":{"a\\"content":"${text}","content" : "x"}}]}`;
    compare([odd('x'), odd('y')]);
  });

  it('refuses what is no JSON though it begins and ends like the chunk before', () => {
    const frame = (text: string) => `{"choices":[{"index":0,"delta":{"content":"${text}"}}]}`;
    compare([
      frame('a'),
      frame('b"'),
      frame('\\'),
      frame('\t'),
      frame('\\x'),
      frame('","b":"'),
      frame('"'),
      frame('c'),
    ]);
    compare([frame('a'), frame('a').slice(0, -1), '{"choices":[{"index":0,"delta":{"content":"}}]}', frame('')]);
  });

  it('gives what JSON.parse gives for any texts', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('content', '"content":"x"'));
    const delta = fc.record({ content: text, reasoning: text }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(fc.tuple(delta, fc.constantFrom('a', 'b')), { maxLength: 12 }), (deltas) => {
        compare(deltas.map(([own, id]) => JSON.stringify(chunk(own, { id }))));
      }),
    );
  });

  it('hands out objects that later chunks do not change', () => {
    const parser = new ChunkParser();
    const texts = ['a', 'b', 'c'].map((content) => JSON.stringify(chunk({ content })));
    const parsed = texts.map((text) => parser.parse(text));
    assert.deepEqual(
      parsed,
      texts.map((text) => JSON.parse(text) as unknown),
    );
  });
});
