import assert from 'node:assert/strict';
import { fromPage } from '../../../src/protocol/pages.js';
import { bodyOf, shownBody } from '../../../webview/lib/playground/request.js';
import { BOUNDS, NO_SAMPLING, readNumber } from '../../../webview/lib/playground/sampling.js';
import { EXAMPLE_TOOL, prettyArguments, readTools } from '../../../webview/lib/playground/tools.js';
import { exchange, params, step } from './steps.js';

const call = (id: string, result: string | null) => ({ id, name: 'f', arguments: '{}', result });

describe('a request of the playground', () => {
  it('has only what was filled in', () => {
    assert.deepEqual(bodyOf(params(), [], exchange('hi', []), [], 0), {
      model: 'auto',
      messages: [{ role: 'user', content: 'hi' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    const sampling = { temperature: 0, topP: 0.5, maxTokens: 5, seed: 0, effort: 'low' as const, isJson: true };
    const body = bodyOf(params({ system: 'Be brief.', sampling, tools: EXAMPLE_TOOL }), [], exchange('hi', []), [], 0);
    const { messages, tools, ...rest } = body;
    assert.deepEqual(messages[0], { role: 'system', content: 'Be brief.' });
    assert.deepEqual(rest, {
      ...{ model: 'auto', stream: true, stream_options: { include_usage: true }, temperature: 0, top_p: 0.5 },
      ...{ max_tokens: 5, seed: 0, reasoning_effort: 'low', response_format: { type: 'json_object' } },
    });
    assert.equal((tools as unknown[]).length, 1);
    assert.equal(fromPage.safeParse({ type: 'chat.start', id: 'chat00001', body }).success, true);
  });

  it('tells each column its own past', () => {
    const before = [
      exchange('one', [step('A1')], [step('B1')]),
      exchange('two', [step('A2')]),
      exchange('three', [step('', { end: { kind: 'stopped' } })], [step('part', { end: { kind: 'stopped' } })]),
    ];
    const said = (column: number) =>
      bodyOf(params(), before, exchange('now', []), [], column).messages.map(({ content }) => content);
    assert.deepEqual(said(0), ['one', 'A1', 'two', 'A2', 'three', 'now']);
    assert.deepEqual(said(1), ['one', 'B1', 'two', 'A2', 'three', 'part', 'now']);
  });

  it('names files that were too long to be kept', () => {
    const file = { kind: 'text' as const, name: 'a.log', bytes: 5, text: null };
    const { messages } = bodyOf(params(), [], { ...exchange('q', []), attachments: [file] }, [], 0);
    assert.deepEqual(messages[0]?.['content'], [
      { type: 'text', text: '(a.log)' },
      { type: 'text', text: 'q' },
    ]);
  });

  it('hands tool results back, and drops calls that nobody answered', () => {
    const steps = [step('', { calls: [call('c1', '42'), call('c2', '')] })];
    const { messages } = bodyOf(params(), [], exchange('q', []), steps, 0);
    assert.deepEqual(messages.slice(1), [
      {
        role: 'assistant',
        content: null,
        tool_calls: ['c1', 'c2'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
      },
      { role: 'tool', tool_call_id: 'c1', content: '42' },
      { role: 'tool', tool_call_id: 'c2', content: '' },
    ]);
    const open = exchange('q', [step('Let me see.', { calls: [call('c1', null)] })]);
    assert.deepEqual(
      bodyOf(params(), [open], exchange('next', []), [], 0).messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
  });

  it('takes files in as parts, text in a fence that nothing in it ends', () => {
    const question = {
      ...exchange('what is it?', []),
      attachments: [
        { kind: 'image' as const, name: 'a.png', bytes: 3, url: `data:image/png;base64,${'A'.repeat(4_000)}` },
        { kind: 'text' as const, name: 'b.md', bytes: 3, text: '````\nx\n````' },
      ],
    };
    const body = bodyOf(params(), [], question, [], 0);
    const content = body.messages[0]?.['content'] as Record<string, unknown>[];
    assert.deepEqual(
      content.map(({ type }) => type),
      ['image_url', 'text', 'text'],
    );
    assert.equal(content[1]?.['text'], 'b.md:\n`````\n````\nx\n````\n`````');
    assert.match(shownBody(body), /data:image\/png;base64,… \(4 KB\)/);
  });
});

describe('fields of the playground', () => {
  it('read numbers, and say what is none', () => {
    assert.equal(readNumber(' ', BOUNDS.seed), null);
    assert.equal(readNumber('0,7', BOUNDS.temperature), 0.7);
    for (const [text, bounds] of [
      ['2.1', BOUNDS.temperature],
      ['x', BOUNDS.seed],
      ['1.5', BOUNDS.seed],
      ['0', BOUNDS.maxTokens],
    ] as const)
      assert.ok(Number.isNaN(readNumber(text, bounds)), text);
    assert.equal(NO_SAMPLING.temperature, null);
  });

  it('read tools as people paste them', () => {
    assert.deepEqual(readTools(' ').tools, []);
    const bare = readTools('{"name":"f","parameters":{"type":"object"}}').tools;
    const full = readTools('[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]').tools;
    assert.deepEqual(bare, full);
    assert.equal(readTools(EXAMPLE_TOOL).problem, null);
  });

  it('say what is wrong with tools', () => {
    const wrong: [string, RegExp][] = [
      ['[', /not JSON/],
      ['[1]', /Tool 1: expected an object/],
      ['[{"name":"a"},{"name":"a b"}]', /Tool 2: it needs a name/],
      ['[{"name":"a"},{"name":"a"}]', /Two tools are named a/],
      ['{"name":"a","parameters":[]}', /parameters must be a JSON schema/],
      ['{"name":"a","parameters":{"type":"string"}}', /parameters must be a JSON schema/],
      ['{"type":"x","function":{"name":"a"}}', /type must be “function”/],
      ['{"name":"a","description":1}', /description must be text/],
    ];
    for (const [text, words] of wrong) assert.match(readTools(text).problem ?? '', words);
  });

  it('show arguments indented, and as they are where they are no JSON', () => {
    assert.equal(prettyArguments('{"a":1}'), '{\n  "a": 1\n}');
    assert.equal(prettyArguments('{"a":'), '{"a":');
  });
});
