import assert from 'node:assert/strict';
import { BLOCK_CHARACTERS, type Block, BlockSplitter } from '../../../webview/lib/playground/blocks.js';

/** The blocks of a text that comes in parts of so many characters. */
function split(text: string, size = text.length): Block[] {
  const splitter = new BlockSplitter();
  const blocks: Block[] = [];
  for (let at = 0; at < text.length; at += Math.max(1, size)) blocks.push(...splitter.push(text.slice(at, at + size)));
  return [...blocks, ...splitter.end()];
}

const texts = (blocks: Block[]): string[] => blocks.map(({ kind, text }) => `${kind}: ${text.trim()}`);

const SAMPLE = `# Title

First paragraph
with two lines.

\`\`\`ts
const a = 1;

const b = 2;
\`\`\`
After it.

- one

  more of one
- two

1. x
2. y

~~~
\`\`\`
not a fence
~~~

| a | b |
|---|---|
| 1 | 2 |
`;

describe('blocks of Markdown', () => {
  it('end at blank lines, save within fences and lists', () => {
    assert.deepEqual(texts(split(SAMPLE)), [
      'markdown: # Title',
      'markdown: First paragraph\nwith two lines.',
      'code: const a = 1;\n\nconst b = 2;',
      'markdown: After it.',
      'markdown: - one\n\n  more of one\n- two\n\n1. x\n2. y',
      'code: ```\nnot a fence',
      'markdown: | a | b |\n|---|---|\n| 1 | 2 |',
    ]);
    assert.equal(split(SAMPLE)[2]?.language, 'ts');
  });

  it('are the same however the text comes', () => {
    const whole = split(SAMPLE);
    for (const size of [1, 2, 3, 7, 50]) assert.deepEqual(split(SAMPLE, size), whole, `in parts of ${size}`);
  });

  it('show what grows, and never change what is complete', () => {
    const splitter = new BlockSplitter();
    const open = (): Block | null => splitter.open;
    assert.equal(open(), null);
    assert.deepEqual(splitter.push('Hello wor'), []);
    assert.equal(open()?.text, 'Hello wor');
    assert.deepEqual(texts(splitter.push('ld\n\n```py\nx')), ['markdown: Hello world']);
    assert.deepEqual(open(), { kind: 'code', text: 'x', language: 'py', continues: false });
    assert.deepEqual(texts(splitter.push(' = 1\n```\n')), ['code: x = 1']);
    assert.equal(open(), null);
  });

  it('take a fence that is never closed to the end', () => {
    assert.deepEqual(texts(split('a\n```js\nlet x;\n\nlet y;')), ['markdown: a', 'code: let x;\n\nlet y;']);
  });

  it('keep a fence in a list within it', () => {
    assert.equal(split('- a\n\n  ```js\n  x\n  ```\n\n- b\n').length, 1);
  });

  it('are cut where they are long, and nothing of the text is lost', () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `line ${at}`).join('\n');
    const code = split(`\`\`\`\n${lines}\n\`\`\`\n`, 999);
    assert.equal(code.map(({ text }) => text).join(''), `${lines}\n`);
    assert.ok(code.every(({ text }) => text.length < BLOCK_CHARACTERS + 100));
    assert.deepEqual([...new Set(code.slice(1).map(({ continues }) => continues))], [true]);
    assert.equal(code[0]?.continues, false);

    const one = '𝒳'.repeat(50_000);
    const plain = split(one, 777);
    assert.equal(plain.map(({ text }) => text.trimEnd()).join(''), one);
    assert.ok(plain.every(({ text }) => text.length <= BLOCK_CHARACTERS + 1));

    const list = Array.from({ length: 5_000 }, (_, at) => `- item ${at}`).join('\n');
    assert.ok(split(list).every(({ text }) => text.length < BLOCK_CHARACTERS + 100));
    const paragraph = Array.from({ length: 5_000 }, (_, at) => `words ${at}`).join('\n');
    assert.ok(split(paragraph).every(({ text }) => text.length < BLOCK_CHARACTERS + 100));
    const nested = `- a\n${'  more\n'.repeat(20_000)}`;
    assert.ok(split(nested).every(({ text }) => text.length < 4 * BLOCK_CHARACTERS));
  });
});
