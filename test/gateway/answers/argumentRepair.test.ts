import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ArgumentRepair, repairArguments, repairFor } from '../../../src/gateway/answers/argumentRepair.js';
import type { ToolDefinition } from '../../../src/protocol/chat.js';
import { cutsOf, everyCut } from './cuts.js';

const parameters = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    text: { type: ['string', 'null'] },
    todos: { type: 'array', items: { $ref: '#/$defs/todo' } },
    options: { anyOf: [{ type: 'object', properties: { tags: { type: 'array' } } }, { type: 'null' }] },
    anything: {},
    either: { anyOf: [{ type: 'string' }, { type: 'object' }] },
  },
  $defs: { todo: { type: 'object', properties: { meta: { type: 'object' }, title: { type: 'string' } } } },
};
const tools: ToolDefinition[] = [
  { type: 'function', function: { name: 'edit', parameters } },
  { type: 'function', function: { name: 'plain', parameters: { properties: { path: { type: 'string' } } } } },
  { type: 'function', function: { name: 'free' } },
];

function mend(pieces: readonly string[], name = 'edit'): string {
  const repair = repairFor(tools, name);
  assert.ok(repair);
  return pieces.map((piece) => repair.push(piece)).join('') + repair.end();
}

const inString = (value: unknown) => JSON.stringify(JSON.stringify(value));

/** Arguments as they came, and the value they stand for. */
const MENDED: [name: string, written: string, value: unknown][] = [
  ['all of them', inString({ path: 'a "b" \\ \n' }), { path: 'a "b" \\ \n' }],
  ['all of them, with white space', ` \n${inString({ path: 'a' })} `, { path: 'a' }],
  ['all of them, twice', JSON.stringify(inString({ path: 'a' })), { path: 'a' }],
  ['an array', `{"path": "p", "todos": ${inString([{ title: 'x' }])}}`, { path: 'p', todos: [{ title: 'x' }] }],
  ['an object that may be null', `{"options":${inString({ tags: [] })}}`, { options: { tags: [] } }],
  ['one inside another', inString({ todos: JSON.stringify([{ title: 't' }]) }), { todos: [{ title: 't' }] }],
  [
    'items of an array',
    `{"todos":[${inString({ title: 'a' })},{"title":"b"}]}`,
    { todos: [{ title: 'a' }, { title: 'b' }] },
  ],
  [
    'behind a reference',
    `{"todos":[{"meta":${inString({ a: 1 })},"title":"x"}]}`,
    { todos: [{ meta: { a: 1 }, title: 'x' }] },
  ],
  ['below an object that may be null', `{"options":{"tags":${inString(['a'])}}}`, { options: { tags: ['a'] } }],
  ['an escaped name', `{"tod\\u006fs":${inString([])}}`, { todos: [] }],
];

const UNTOUCHED = [
  '{"path":"a","text":"{\\"b\\":1}"}',
  `{"text":${inString({ b: 1 })},"path":${inString([1])}}`,
  `{"anything":${inString({ b: 1 })},"either":${inString({ b: 1 })},"other":${inString([])}}`,
  '{"todos":"not JSON"}',
  '{"todos":"{\\"a\\":1}"}',
  '{"todos":"[1, 2"}',
  '"just text"',
  '"[1]"',
  '"{\\"path\\":\\"a\\"',
  '{"path": "a", "todos": [{"title": "x, [y] {z}: \\"w\\""}]}',
  '{}',
  '',
  ' ',
  'null',
];

describe('ArgumentRepair', () => {
  for (const [name, written, value] of MENDED) {
    it(`mends ${name}, wherever they are cut`, () => {
      for (const pieces of everyCut(written)) assert.deepEqual(JSON.parse(mend(pieces)), value, JSON.stringify(pieces));
    });
  }

  for (const written of UNTOUCHED) {
    it(`leaves ${written} as it is`, () => {
      for (const pieces of everyCut(written)) assert.equal(mend(pieces), written);
    });
  }

  it('leaves what is right as it is, whatever it holds, and gives the same however it is cut', () => {
    const text = fc.oneof(fc.string(), fc.json());
    const value = fc.record(
      {
        path: text,
        text,
        todos: fc.array(fc.record({ title: text, meta: fc.dictionary(fc.string(), fc.jsonValue()) })),
        options: fc.record({ tags: fc.array(text) }),
        anything: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const texts = value.map((one) => JSON.stringify(one, null, 1));
    fc.assert(fc.property(cutsOf(texts), ({ text: whole, pieces }) => assert.equal(mend(pieces), whole)));
    const encoded = texts.map((one) => JSON.stringify(one));
    fc.assert(
      fc.property(cutsOf(encoded), ({ text: whole, pieces }) => {
        assert.deepEqual(JSON.parse(mend(pieces)), JSON.parse(JSON.parse(whole) as string));
      }),
    );
  });

  it('sends everything at once but a string that stands where an object belongs', () => {
    const repair = new ArgumentRepair(parameters);
    assert.equal(repair.push('{"path":"a '), '{"path":"a ');
    assert.equal(repair.push('b","todos":'), 'b","todos":');
    assert.equal(repair.push('"[1'), '');
    assert.equal(repair.push(']","text":"x'), '[1],"text":"x');
    assert.equal(repair.push('"}'), '"}');
    assert.equal(repair.isDone, true);
  });

  it('is done at the first bracket where no property could need it', () => {
    const repair = repairFor(tools, 'plain')!;
    assert.equal(repair.push(' {'), ' {');
    assert.equal(repair.isDone, true);
    assert.deepEqual(JSON.parse(repairArguments(tools, 'plain', inString({ path: 'x' }))), { path: 'x' });
  });

  it('has nothing for tools without a schema, or unknown ones', () => {
    assert.equal(repairFor(tools, 'free'), null);
    assert.equal(repairFor(tools, 'other'), null);
    assert.equal(repairArguments(tools, 'other', inString({})), inString({}));
  });

  it('survives a schema that refers to itself', () => {
    const circle = { type: 'object', properties: { a: { $ref: '#/properties/a' }, b: { $ref: '#' } } };
    const repair = new ArgumentRepair(circle);
    const text = `{"a":${inString({})},"b":${inString({ b: {} })}}`;
    assert.equal(repair.push(text) + repair.end(), `{"a":${inString({})},"b":{"b":{}}}`);
  });
});
