import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AnswerDigest } from '../../../../src/gateway/routing/sticky/answerDigest.js';
import { digestOf } from '../../../../src/gateway/routing/sticky/sessionKeys.js';
import { ChunkNormalizer } from '../../../../src/gateway/surfaces/chunkNormalizer.js';
import type { ChatMessage } from '../../../../src/protocol/chat.js';
import { chunk } from '../../../support/provider.js';

/** The digest of an answer that streams in these deltas, raw where it can pass. */
function streamed(deltas: Record<string, unknown>[], finish = 'stop'): number | null {
  const listener = new AnswerDigest();
  const normalizer = new ChunkNormalizer({
    model: 'm',
    includeUsage: false,
    created: 1,
    promptTokens: 1,
    newId: (prefix) => `${prefix}1`,
    listener,
  });
  for (const one of [...deltas.map((delta) => chunk(delta)), chunk({}, finish)]) {
    normalizer.push(one, JSON.stringify(one));
  }
  normalizer.finish();
  return listener.value;
}

function sentBack(content: ChatMessage['content'], calls: [name: string, args: string][] = []): number | null {
  const tool_calls = calls.map(([name, args], at) => ({
    id: `call_${at}`,
    type: 'function' as const,
    function: { name, arguments: args },
  }));
  return digestOf({ role: 'assistant', content, ...(calls.length > 0 ? { tool_calls } : {}) });
}

/** Every way to cut a text in two. */
function cuts(text: string): [string, string][] {
  return Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
}

const callOf = (index: number, name: string | undefined, args: string) => ({
  tool_calls: [
    {
      index,
      ...(name ? { id: `up_${index}`, type: 'function' } : {}),
      function: { ...(name ? { name } : {}), arguments: args },
    },
  ],
});

describe('AnswerDigest', () => {
  const text = ' Sure, I will.\n\n```ts\nconst a = "ä";\n``` \n';

  it('is that of the message which the client makes of the stream, wherever the stream is cut', () => {
    const expected = sentBack(text);
    assert.notEqual(expected, null);
    for (const [head, tail] of cuts(text)) {
      assert.equal(streamed([{ content: head }, { content: tail }]), expected, JSON.stringify(head));
    }
    assert.equal(streamed([...text].map((content) => ({ content }))), expected);
  });

  it('is blind to white space, to parts instead of a string, and to reasoning, wherever it stands', () => {
    const expected = sentBack(text);
    assert.equal(sentBack(text.trim()), expected);
    assert.equal(sentBack(text.replaceAll('\n', '\r\n')), expected);
    assert.equal(
      sentBack([
        { type: 'text', text: text.slice(0, 9) },
        { type: 'text', text: text.slice(9) },
      ]),
      expected,
    );
    assert.equal(sentBack(`<think>\nhm\n</think>\n\n${text}`), expected);
    assert.equal(streamed([{ reasoning_content: 'hm' }, { content: text }]), expected);
    for (const [head, tail] of cuts(`<think>hm</think>${text}`)) {
      assert.equal(streamed([{ content: head }, { content: tail }]), expected, JSON.stringify(head));
    }
  });

  it('tells answers apart by a single character, by a call beside the text, and by what a call is given', () => {
    const digests = [
      sentBack('Sure'),
      sentBack('sure'),
      sentBack('Sure.'),
      sentBack('Sure', [['read', '{}']]),
      sentBack(null, [['read', '{}']]),
      sentBack(null, [['write', '{}']]),
      sentBack(null, [['read', '{"path":"a"}']]),
      sentBack(null, [['read', '{"path":"b"}']]),
      sentBack(null, [['read', '{"path":["a"]}']]),
      sentBack(null, [['read', '{"path":"1"}']]),
      sentBack(null, [['read', '{"a":{"path":"a"}}']]),
      sentBack(null, [
        ['read', '{}'],
        ['read', '{}'],
      ]),
      sentBack('read{}'),
    ];
    assert.equal(new Set(digests).size, digests.length);
  });

  it('takes arguments for the same when they are written anew', () => {
    const args = '{"path": "src/a b.ts", "lines": [1, 2.0], "note": "caf\\u00e9", "deep": {"x": null, "y": true}}';
    const expected = sentBack(null, [['read', args]]);
    const rewritten = '{"deep":{"y":true,"x":null},"lines":[1,2],"note":"café","path":"src/a b.ts"}';
    assert.equal(sentBack(' ', [['read', rewritten]]), expected);
    assert.equal(sentBack(null, [['read', JSON.stringify(args)]]), expected, 'encoded twice');
    for (const [head, tail] of cuts(args)) {
      assert.equal(streamed([callOf(0, 'read', head), callOf(0, undefined, tail)], 'tool_calls'), expected, head);
    }
    assert.equal(streamed([callOf(0, 'list', '')], 'tool_calls'), sentBack(null, [['list', '{}']]));
  });

  it('keeps the calls of one answer apart', () => {
    const expected = sentBack('Both.', [
      ['read', '{"path":"a"}'],
      ['read', '{"path":"b"}'],
    ]);
    const both = [callOf(0, 'read', '{"path"'), callOf(0, undefined, ':"a"}'), callOf(1, 'read', '{"path":"b"}')];
    assert.equal(streamed([{ content: 'Both.' }, ...both], 'tool_calls'), expected);
    assert.notEqual(streamed([{ content: 'Both.' }, ...both.slice(0, 2)], 'tool_calls'), expected);
  });

  it('says nothing of an answer that says nothing', () => {
    assert.equal(sentBack(' \n'), null);
    assert.equal(sentBack(null), null);
    assert.equal(streamed([{ reasoning_content: 'hm' }], 'length'), null);
  });

  it('reads a refusal as the text that it becomes', () => {
    assert.equal(streamed([{ refusal: 'I must ' }, { refusal: 'not.' }]), sentBack('I must not.'));
  });

  it('takes arguments as they come: broken, long, or nested deeper than a stack', () => {
    for (const args of ['{"path": "a', '[', '"'.repeat(7)]) assert.notEqual(sentBack(null, [['x', args]]), null);
    const long = JSON.stringify({ text: 'x'.repeat(50_000) });
    assert.equal(sentBack(null, [['x', long]]), sentBack(null, [['x', long.replace(':', ': ')]]));
    assert.notEqual(sentBack(null, [['x', '['.repeat(8000) + ']'.repeat(8000)]]), null);
  });

  it('is the same for any text in any pieces, raw or rebuilt', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }), { minLength: 1 }), (pieces) => {
        const whole = pieces.join('');
        fc.pre(whole.trim() !== '' && !whole.trimStart().startsWith('<'));
        assert.equal(streamed(pieces.map((content) => ({ content }))), sentBack(whole));
      }),
    );
  });

  it('looks at no more than the first 1024 characters of a text', () => {
    const long = 'word '.repeat(256);
    assert.equal(long.replaceAll(' ', '').length, 1024);
    assert.equal(sentBack(`${long}one`), sentBack(`${long}another`));
    assert.notEqual(sentBack(`${long.slice(0, -2)}one`), sentBack(`${long.slice(0, -2)}another`));
  });
});
