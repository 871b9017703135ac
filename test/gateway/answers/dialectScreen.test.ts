import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DialectScreen, type ScreenedPiece } from '../../../src/gateway/answers/dialectScreen.js';
import { OfferedTools } from '../../../src/gateway/answers/textCalls.js';
import type { ToolDefinition } from '../../../src/protocol/chat.js';
import { cutsOf, everyCut } from './cuts.js';

const tool = (name: string, properties: Record<string, unknown>): ToolDefinition => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties } },
});
const tools = [
  tool('get_weather', { city: { type: 'string' }, days: { type: 'integer' } }),
  tool('write_file', {
    path: { type: 'string' },
    content: { type: 'string' },
    lines: { type: 'array', items: { type: 'integer' } },
    force: { type: 'boolean' },
  }),
  tool('now', {}),
];

interface Seen {
  text: string;
  calls: { name: string; args: unknown }[];
}

function screen(pieces: readonly string[]): Seen {
  const one = new DialectScreen(new OfferedTools(tools));
  const out: ScreenedPiece[] = [];
  for (const piece of pieces) one.push(piece, out);
  one.end(out);
  assert.equal(one.isHolding, false);
  return {
    text: out.map((piece) => (piece.type === 'text' ? piece.text : '')).join(''),
    calls: out.flatMap((piece) =>
      piece.type === 'call' ? [{ name: piece.call.name, args: JSON.parse(piece.call.arguments) as unknown }] : [],
    ),
  };
}

const paris = { name: 'get_weather', args: { city: 'Paris' } };
const oslo = { name: 'get_weather', args: { city: 'Oslo' } };
const json = '{"name": "get_weather", "arguments": {"city": "Paris"}}';
const jsonOslo = '{"name": "get_weather", "arguments": {"city": "Oslo"}}';
const B = '\uff5c';
const U = '\u2581';

/** A text, and the calls in it; `text` is what stays. */
const RESCUED: { name: string; written: string; calls: Seen['calls']; text?: string }[] = [
  { name: 'Hermes', written: `<tool_call>\n${json}\n</tool_call>`, calls: [paris] },
  { name: 'Hermes, its closing tag eaten as a stop sequence', written: `<tool_call>\n${json}`, calls: [paris] },
  {
    name: 'Hermes, two, after text',
    written: `I will look.\n<tool_call>${json}</tool_call>\n<tool_call>${jsonOslo}</tool_call>\n`,
    calls: [paris, oslo],
    text: 'I will look.\n',
  },
  {
    name: 'Hermes, right after a sentence, with a token that ends the turn',
    written: `Let me check.<tool_call>${json}</tool_call><|im_end|>`,
    calls: [paris],
    text: 'Let me check.',
  },
  {
    name: 'Hermes, and more text on a later line',
    written: `<tool_call>${json}</tool_call>\n\nWaiting.`,
    calls: [paris],
    text: '\n\nWaiting.',
  },
  {
    name: 'Hermes, arguments as a JSON string',
    written: '<tool_call>{"name":"get_weather","arguments":"{\\"city\\":\\"Paris\\"}"}</tool_call>',
    calls: [paris],
  },
  {
    name: 'Qwen coder',
    written:
      '<tool_call>\n<function=write_file>\n<parameter=path>\na.ts\n</parameter>\n<parameter=content>\nif (a < b) {\n  x("</p>")\n}\n</parameter>\n<parameter=lines>\n[1, 2]\n</parameter>\n<parameter=force>\nTrue\n</parameter>\n</function>\n</tool_call>',
    calls: [
      {
        name: 'write_file',
        args: { path: 'a.ts', content: 'if (a < b) {\n  x("</p>")\n}', lines: [1, 2], force: true },
      },
    ],
  },
  {
    name: 'Qwen coder without the outer opening tag, after text',
    written:
      'Sure:\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>3</parameter>\n</function>\n</tool_call>',
    calls: [{ name: 'get_weather', args: { city: 'Paris', days: 3 } }],
    text: 'Sure:\n',
  },
  { name: 'Qwen coder, no parameters', written: '<function=now>\n</function>', calls: [{ name: 'now', args: {} }] },
  { name: 'Llama', written: '<function=get_weather>{"city": "Paris"}</function>', calls: [paris] },
  {
    name: 'GLM',
    written:
      '<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>',
    calls: [{ name: 'get_weather', args: { city: 'Paris', days: 2 } }],
  },
  {
    name: 'Llama python tag',
    written: '<|python_tag|>{"name": "get_weather", "parameters": {"city": "Paris"}}<|eom_id|>',
    calls: [paris],
  },
  {
    name: 'Llama python tag, two',
    written: `<|python_tag|>${json}; ${jsonOslo}`,
    calls: [paris, oslo],
  },
  {
    name: 'Kimi',
    written:
      'I check the weather<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|><|tool_call_begin|>functions.get_weather:1<|tool_call_argument_begin|>{"city": "Oslo"}<|tool_call_end|><|tool_calls_section_end|>',
    calls: [paris, oslo],
    text: 'I check the weather',
  },
  {
    name: 'Kimi without its section',
    written: '<|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|>',
    calls: [paris],
  },
  {
    name: 'DeepSeek V3',
    written: `Ok<${B}tool${U}calls${U}begin${B}><${B}tool${U}call${U}begin${B}>function<${B}tool${U}sep${B}>get_weather\n\`\`\`json\n{"city": "Paris"}\n\`\`\`<${B}tool${U}call${U}end${B}>\n<${B}tool${U}call${U}begin${B}>function<${B}tool${U}sep${B}>get_weather\n\`\`\`json\n{"city": "Oslo"}\n\`\`\`<${B}tool${U}call${U}end${B}><${B}tool${U}calls${U}end${B}><${B}end${U}of${U}sentence${B}>`,
    calls: [paris, oslo],
    text: 'Ok',
  },
  {
    name: 'DeepSeek V3.1',
    written: `<${B}tool${U}calls${U}begin${B}><${B}tool${U}call${U}begin${B}>get_weather<${B}tool${U}sep${B}>{"city": "Paris"}<${B}tool${U}call${U}end${B}><${B}tool${U}calls${U}end${B}>`,
    calls: [paris],
  },
  {
    name: 'DeepSeek in ASCII',
    written:
      '<|tool_calls_begin|><|tool_call_begin|>function<|tool_sep|>get_weather\n```json\n{"city": "Paris"}\n```<|tool_call_end|><|tool_calls_end|>',
    calls: [paris],
  },
  {
    name: 'DeepSeek, bars in ASCII, without its end',
    written: `<|tool${U}calls${U}begin|><|tool${U}call${U}begin|>get_weather<|tool${U}sep|>{"city": "Paris"}`,
    calls: [paris],
  },
  { name: 'Mistral, an array', written: `[TOOL_CALLS] [${json}, ${jsonOslo}]`, calls: [paris, oslo] },
  {
    name: 'Mistral, names',
    written: 'Let me see[TOOL_CALLS]get_weather{"city": "Paris"}[TOOL_CALLS]get_weather[ARGS]{"city": "Oslo"}',
    calls: [paris, oslo],
    text: 'Let me see',
  },
  {
    name: 'Mistral, with an id',
    written: '[TOOL_CALLS]get_weather[CALL_ID]abcdefghi[ARGS]{"city": "Paris"}',
    calls: [paris],
  },
  { name: 'bare JSON', written: ` ${json}\n`, calls: [paris] },
  { name: 'bare JSON with parameters', written: json.replace('arguments', 'parameters'), calls: [paris] },
  {
    name: 'bare JSON in OpenAI’s wrapping',
    written: `{"type": "function", "function": ${json}}`,
    calls: [paris],
  },
  { name: 'a bare array', written: `[${json},\n${jsonOslo}]`, calls: [paris, oslo] },
  {
    name: 'the offered one of two',
    written: `<tool_call>{"name":"rm","arguments":{}}</tool_call>\n<tool_call>${json}</tool_call>`,
    calls: [paris],
    text: '<tool_call>{"name":"rm","arguments":{}}</tool_call>\n',
  },
  {
    name: 'a call after a code block that shows one',
    written: `So:\n\`\`\`xml\n<tool_call>${jsonOslo}</tool_call>\n\`\`\`\n<tool_call>${json}</tool_call>`,
    calls: [paris],
    text: `So:\n\`\`\`xml\n<tool_call>${jsonOslo}</tool_call>\n\`\`\`\n`,
  },
];

const call = `<tool_call>\n${json}\n</tool_call>`;
const line = `<tool_call>${json}</tool_call>`;
const mistral = `[TOOL_CALLS] [${json}]`;
const prefixed = (text: string, prefix: string): string => `${prefix}${text.replaceAll('\n', `\n${prefix}`)}`;

/** Examples of calls, whole blocks; no line of them is a call. */
const BLOCKS = [call, line, mistral, `${line}\n\n${call}`].flatMap((example) => [
  `\`\`\`\n${example}\n\`\`\`\n`,
  `\`\`\`xml title="a \\\` b"\n${example}\n\`\`\` \n`,
  `~~~xml\n${example}\n~~~\n`,
  `~~~~ \`a\`\n~~~\n\`\`\`\n${example}\n~~~~~\n`,
  `\`\`\`\`md\n\`\`\`xml\n${example}\n\`\`\`\n${example}\n\`\`\`\`\n`,
  `\`\`\`markdown\n# Doc\n\`\`\`json\n{}\n\`\`\`\n${example}\n\`\`\`\n`,
  `\`\`\`\n- \`\`\`\n> \`\`\`\n      \`\`\`\n\`\`\`x y\n~~~\n${example}\n\`\`\`\n`,
  `${prefixed(`Example:\n\n\`\`\`\n${example}\n\`\`\``, '> ')}\n`,
  `${prefixed(`\`\`\`\n${example}`, '> ')}\n\n`,
  `${prefixed(example, '> ')}\n`,
  `${prefixed(`- ~~~\n  ${example.replaceAll('\n', '\n  ')}\n  ~~~`, '> ')}\n`,
  `- \`\`\`\n  ${example.replaceAll('\n', '\n  ')}\n  \`\`\`\n`,
  `1. Example:\n\n   \`\`\`\n   ${example.replaceAll('\n', '\n   ')}\n   \`\`\`\n`,
  `10) * + \`\`\`xml\n${example}\n        \`\`\`\n`,
  `* ~~~\n${example}\n~~~\n`,
  `\n${prefixed(example, '    ')}\n`,
  `\n${prefixed(example, '\t')}\n`,
  `\n  \t${example.replaceAll('\n', '\n\n      ')}\n`,
  `-     ${example.replaceAll('\n', '\n      ')}\n`.replaceAll('\n      <', '\n\n      <'),
  `<pre>\n${example}\n</pre>\n`,
  `<pre>${example}</pre>\n`,
  `<PRE class="a>b"><code>\n${example}\n</code>\n\n${example}</PRE>\n`,
  `<code>\n${example}\n</code>\n`,
  `Like this: <pre>\n${example}\n</pre>\n`,
  `Like this:\`\`\`xml\n${example}\n\`\`\`\n`,
]);
/** The same within a line. */
const INLINE = [line, mistral, '<|python_tag|>', '<function=now></function>'].flatMap((example) => [
  `Write \`${example}\` so.\n`,
  `\`${example}\`\n`,
  `Write: \`\`\` \`\` ${example}\`\`\` so.\n`,
  `\`\`\`${example}\`\`\`\n`,
  `A <code>${example}</code> is one.\n`,
  `- \`${example}\`: one.\n`,
]);
/** Tags that stand where none is meant. */
const SPOKEN_OF = [
  `a -> ${line}\n`,
  `1 > ${line}\n`,
  `if a < b and c > ${line}\n`,
  `=> ${line}\n`,
  `- ${line}\n`,
  `1. ${line}\n`,
  `* 2) ${line}\n`,
];
const QUIET = ['So.\n', 'And\n', '\n', '# Title\n', '1) one\n', '---\n', '**bold** ~~gone~~ x\n', 'a < b\n', '<br>\n'];

const UNTOUCHED = [
  'An ordinary answer, with a < b and c > d, [1] and {x}.',
  `To call it, write \`<tool_call>${json}</tool_call>\` in your answer.`,
  `Like this:\n\`\`\`xml\n<tool_call>\n${json}\n</tool_call>\n\`\`\`\nThat is all.`,
  `Like this:\n\`\`\`\`md\n\`\`\`\n<tool_call>${json}</tool_call>\n\`\`\`\`\n`,
  `Write <tool_call>${json}</tool_call> to call it.`,
  `You would write <tool_call>${json}</tool_call>`,
  `<tool_call>${json}</tool_call> is how it is called.`,
  'The <tool_call> tag is Hermes’s; Kimi has <|tool_calls_section_begin|> and Mistral [TOOL_CALLS] instead.',
  '<tool_call> is a tag.\n<function=foo> is another.',
  '<tool_call>{"name": "delete_everything", "arguments": {}}</tool_call>',
  '<function=delete_everything>{"a": 1}</function>',
  '[TOOL_CALLS]delete_everything{"a": 1}',
  '[TOOL_CALLS] [{"name": "delete_everything", "arguments": {}}]',
  '<|tool_calls_section_begin|><|tool_call_begin|>functions.rm:0<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>',
  `<${B}tool${U}calls${U}begin${B}><${B}tool${U}call${U}begin${B}>rm<${B}tool${U}sep${B}>{}<${B}tool${U}call${U}end${B}><${B}tool${U}calls${U}end${B}>`,
  '<tool_call>{"name": "get_weather", "arguments": {"city": "Par',
  '<tool_call>{"name": "get_weather", "arguments": {"city": Paris}}</tool_call>',
  '<tool_call>get_weather',
  '<function=get_weather>\n<parameter=city>\nPar',
  '{"name": "Ada", "arguments": {"a": 1}}',
  '{"name": "get_weather"}',
  '{"name": "get_weather", "arguments": {}, "why": "an example"}',
  `${json} is a call.`,
  '{"type": "object", "properties": {}}',
  '{"id": 1, "name": "get_weather", "arguments": {}}',
  '[1, 2, 3]',
  '[x](https://example.org) is a link',
  '{',
  '<',
  '<tool_call>',
  '[TOOL_CALLS]',
  '',
];

describe('DialectScreen', () => {
  for (const { name, written, calls, text } of RESCUED) {
    it(`makes calls of ${name}, wherever the text is cut`, () => {
      const expected = { text: (text ?? '').trim(), calls };
      for (const pieces of everyCut(written)) {
        const seen = screen(pieces);
        assert.deepEqual({ ...seen, text: seen.text.trim() }, expected, JSON.stringify(pieces));
      }
    });
  }

  for (const text of UNTOUCHED) {
    it(`leaves ${JSON.stringify(text.slice(0, 60))} as it is`, () => {
      for (const pieces of everyCut(text))
        assert.deepEqual(screen(pieces), { text, calls: [] }, JSON.stringify(pieces));
    });
  }

  for (const text of [...BLOCKS, ...INLINE, ...SPOKEN_OF]) {
    it(`leaves the example ${JSON.stringify(text.slice(0, 50))} as it is, and sees the call after it`, () => {
      const before = `So:\n${text}`;
      for (const pieces of everyCut(before))
        assert.deepEqual(screen(pieces), { text: before, calls: [] }, JSON.stringify(pieces));
      assert.deepEqual(screen([`${before}${line}`]), { text: before, calls: [paris] });
    });
  }

  it('finds no call in any text that has them in code only, however it is cut', () => {
    const parts = fc.constantFrom(...BLOCKS, ...INLINE, ...SPOKEN_OF, ...QUIET, ...QUIET);
    const texts = fc.array(parts, { minLength: 1, maxLength: 5 }).map((list) => `So:\n${list.join('')}`);
    fc.assert(
      fc.property(cutsOf(texts), ({ text, pieces }) => {
        assert.deepEqual(screen(pieces), { text, calls: [] });
        assert.deepEqual(screen([text]), { text, calls: [] });
        assert.deepEqual(screen([...text]), { text, calls: [] });
        assert.deepEqual(screen([`${text}\n\n${line}`]).calls, [paris]);
      }),
      { numRuns: 500 },
    );
  });

  it('takes a call right after a tag, and after a code block that a list or a quote holds', () => {
    const args = [paris];
    for (const before of [
      '</think>',
      'Ok.</b> ',
      '- a\n\n',
      '> quoted\n',
      '> ```\n> quoted\n',
      'a ~~~ b.\n',
      '`` ` ``\n',
    ])
      for (const pieces of everyCut(`${before}${line}`))
        assert.deepEqual(screen(pieces), { text: before, calls: args }, JSON.stringify(pieces));
    // White space that an answer begins with is no indentation.
    assert.deepEqual(screen([`\n\n    ${line}`]).calls, args);
  });

  it('gives up on a call that does not end, and on any after it', () => {
    const one = new DialectScreen(new OfferedTools(tools));
    const out: ScreenedPiece[] = [];
    const opening = '<tool_call>{"name": "get_weather", "arguments": {"city": "';
    const piece = 'x'.repeat(1000);
    one.push(opening, out);
    for (let sent = 0; sent < 999; sent += 1) one.push(piece, out);
    assert.equal(one.isHolding, true);
    assert.deepEqual(out, []);
    one.push(piece, out);
    assert.equal(one.isHolding, false);
    assert.equal(one.passes(`"}}\n${line}`), true);
    assert.deepEqual(out, [{ type: 'text', text: opening + piece.repeat(1000) }]);
  });

  it('gives the same for any mixture of these, however it is cut', () => {
    const parts = fc.constantFrom(
      ...RESCUED.map(({ written }) => written),
      ...UNTOUCHED,
      '\n',
      ' ',
      'so ',
      '`',
      '```\n',
    );
    const texts = fc.array(parts, { minLength: 1, maxLength: 4 }).map((list) => list.join(''));
    fc.assert(
      fc.property(cutsOf(texts), ({ text, pieces }) => {
        assert.deepEqual(screen(pieces), screen([text]));
      }),
      { numRuns: 400 },
    );
  });

  it('says of what is not held that it may pass as it came, and takes note of it', () => {
    const texts = fc.array(
      fc.oneof(
        fc.constantFrom('so ', 'a b', '\n', ' x.\n', '`', '```', line, '<', 'f(x) ', '!'),
        fc.constantFrom('>', '- ', '1', '. ', '~~~', '    ', '\t', '<pre', 'code>', '</code>', ' js\n', '\n\n', line),
      ),
      { minLength: 1, maxLength: 10 },
    );
    fc.assert(
      fc.property(texts, (pieces) => {
        const one = new DialectScreen(new OfferedTools(tools));
        const out: ScreenedPiece[] = [];
        for (const piece of pieces) {
          if (one.passes(piece)) out.push({ type: 'text', text: piece });
          else one.push(piece, out);
        }
        one.end(out);
        const text = out.map((piece) => (piece.type === 'text' ? piece.text : '')).join('');
        const expected = screen(pieces);
        assert.equal(text, expected.text);
        assert.equal(out.filter(({ type }) => type === 'call').length, expected.calls.length);
      }),
      { numRuns: 400 },
    );
  });

  it('holds no longer than the text may be a call', () => {
    const held = (text: string) => {
      const one = new DialectScreen(new OfferedTools(tools));
      one.push(text, []);
      return one.isHolding;
    };
    for (const text of [
      '<',
      'a.\n<tool',
      '<tool_call>',
      '<tool_call>\n{"name": "get_w',
      '{"na',
      '<|tool_calls_',
      '[TOOL',
    ])
      assert.equal(held(text), true, text);
    for (const text of [
      'a',
      'a <b',
      '<div',
      '<tool_calls>',
      '<tool_call>is',
      '<tool_call>{"name": "x',
      '{"b',
      '{"name": "Ada"',
    ])
      assert.equal(held(text), false, text);
    for (const text of [
      '<function=rm',
      '[TOOL_CALLS]rm',
      '<|tool_calls_section_begin|> is',
      '[1',
      '[x',
      'a, <tool_call>',
    ])
      assert.equal(held(text), false, text);
  });

  it('reads a long call without looking at it again and again', () => {
    const content = 'x'.repeat(200_000);
    const written = `<tool_call>{"name": "write_file", "arguments": {"path": "a", "content": "${content}"}}</tool_call>`;
    const pieces = written.match(/.{1,20}/gs)!;
    assert.deepEqual(screen(pieces).calls, [{ name: 'write_file', args: { path: 'a', content } }]);
  });

  it('gives up on a text that opens calls over and over', () => {
    const text = `${'<tool_call>{"name":"get_weather",\n'.repeat(20_000)}`;
    assert.equal(screen([text]).text, text);
  });
});
