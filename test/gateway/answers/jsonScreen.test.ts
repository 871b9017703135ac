import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type JsonFormat, JsonScreen, readJsonAnswer } from '../../../src/gateway/answers/jsonScreen.js';
import { cutsOf, everyCut } from './cuts.js';

const object: JsonFormat = { type: 'json_object' };
const schema = (one: Record<string, unknown>): JsonFormat => ({ type: 'json_schema', json_schema: { schema: one } });
const person = schema({ type: 'object', properties: { name: {}, age: {} }, required: ['name', 'age'] });

function stream(pieces: readonly string[], format = object, mayWait = false, isCutShort = false) {
  const screen = new JsonScreen(format);
  const text = pieces.map((piece) => screen.push(piece, mayWait)).join('') + screen.end(isCutShort);
  return { text, rejection: screen.rejection };
}

const value = '{"a": "x } ] \\" ```", "b": [1, {"c": null}]}';

/** Answers that are JSON after all. */
const UNWRAPPED: [name: string, written: string][] = [
  ['JSON', value],
  ['JSON in white space', `\n  ${value}\n`],
  ['a json fence', `\`\`\`json\n${value}\n\`\`\``],
  ['a fence without a language', `\n\`\`\`\n${value}\n\`\`\`\n`],
  ['a JSON fence in one line', `\`\`\`JSON ${value}\`\`\``],
  ['a fence of four backticks', `\`\`\`\`json\n${value}\n\`\`\`\``],
  ['a fence of tildes', `~~~json\n${value}\n~~~`],
  ['a fence with a block of code after it', `\`\`\`json\n${value}\n\`\`\`\nUse:\n\`\`\`python\n[1, 2]\n\`\`\`\n`],
  ['a fence with a block of tildes after it', `\`\`\`json\n${value}\n\`\`\`\n~~~js\n{}\n~~~\n`],
  ['single backticks', `\`${value}\``],
  ['a fence and prose after it', `\`\`\`json\n${value}\n\`\`\`\nI hope this [helps]!`],
  ['JSON and prose after it', `${value}\n\nThat is all.`],
];
const PROSE = ['Sure, here it is', '"a": 1', 'I cannot do that.', '**{"a": 1}**', '`json`', '``', '42', '"{}"', 'true'];

describe('JsonScreen', () => {
  for (const [name, written] of UNWRAPPED) {
    it(`takes the value out of ${name}, wherever the text is cut`, () => {
      for (const pieces of everyCut(written)) {
        const { text, rejection } = stream(pieces);
        assert.deepEqual([text.trim(), rejection], [value, null], JSON.stringify(pieces));
        assert.deepEqual(readJsonAnswer(written, object, false), { text });
      }
      // What is JSON already stays as it was written, white space and all.
      if (written.trim() === value) assert.equal(stream([written]).text, written);
    });
  }

  for (const written of PROSE) {
    it(`rejects ${written} before anything is sent`, () => {
      for (const pieces of everyCut(written)) {
        const { text, rejection } = stream(pieces);
        assert.equal(text, '');
        assert.match(rejection ?? '', /not the JSON/);
      }
      assert.ok('rejection' in readJsonAnswer(written, object, false));
    });
  }

  it('rejects prose at its first character', () => {
    const screen = new JsonScreen(object);
    screen.push(' \n', false);
    assert.equal(screen.rejection, null);
    screen.push('S', false);
    assert.match(screen.rejection ?? '', /prose/);
  });

  it('holds no more than the opening', () => {
    const screen = new JsonScreen(object);
    for (const piece of [' ', '``', '`js', 'on', '\n']) {
      assert.equal(screen.push(piece, false), '');
      assert.equal(screen.rejection, null);
    }
    assert.equal(screen.isHolding, true);
    assert.equal(screen.push('{', false), '{');
    assert.equal(screen.isHolding, false);
    assert.equal(screen.passes('"a": 1, '), true);
    assert.equal(screen.push('"b": []', false), '"b": []');
    assert.equal(screen.push('}\n``', false), '}');
    assert.equal(screen.push('`', false) + screen.end(false), '');
    assert.equal(screen.rejection, null);
  });

  it('finds one fence after a little prose where it may wait', () => {
    const written = `Here is the JSON you asked for:\n\n\`\`\`json\n${value}\n\`\`\`\nBye.`;
    for (const pieces of everyCut(written)) {
      assert.deepEqual(stream(pieces, object, true), { text: value, rejection: null });
    }
    assert.deepEqual(readJsonAnswer(written, object, false), { text: value });
    assert.match(stream(['x'.repeat(1001), '```json\n{}```'], object, true).rejection ?? '', /prose/);
  });

  it('rejects several values', () => {
    for (const written of [
      `${value}\n${value}`,
      `\`\`\`json\n${value}\n\`\`\`\nor\n\`\`\`json\n${value}\n\`\`\``,
      `${value} or \`\`\`json\n${value}\n\`\`\``,
      `\`\`\`\`\n${value}\n\`\`\`\`\n\`\`\`JSON5\n${value}\n\`\`\``,
      `~~~\n${value}\n~~~\n~~~\n${value}\n~~~`,
    ]) {
      assert.match(stream([written]).rejection ?? '', /more than one/);
      assert.ok('rejection' in readJsonAnswer(written, object, false));
    }
  });

  it('rejects JSON that is cut short, unless the client’s own limit cut it', () => {
    const half = value.slice(0, 20);
    assert.match(stream([half]).rejection ?? '', /cut short/);
    assert.deepEqual(stream([`\`\`\`json\n${half}`], object, false, true), { text: half, rejection: null });
    assert.deepEqual(readJsonAnswer(half, object, true), { text: half });
    assert.deepEqual(readJsonAnswer('```json', object, true), { text: '' });
    assert.ok('rejection' in readJsonAnswer('I think', object, true));
  });

  it('rejects what only has the brackets of JSON, where it sees the whole', () => {
    assert.deepEqual(readJsonAnswer("{'a': 1}", object, false), { rejection: 'The answer is not valid JSON' });
  });

  it('wants the properties that the schema requires at its top, as a whole', () => {
    assert.deepEqual(readJsonAnswer('{"name":"x","age":null}', person, false), { text: '{"name":"x","age":null}' });
    assert.deepEqual(readJsonAnswer('{"name":"x"}', person, false), { rejection: "The answer's JSON lacks age" });
    const referring = schema({ $ref: '#/$defs/p', $defs: { p: { type: 'object', required: ['q'] } } });
    assert.ok('rejection' in readJsonAnswer('{}', referring, false));
    assert.deepEqual(stream(['{"name":"x"}'], person), { text: '{"name":"x"}', rejection: null });
  });

  it('wants the kind of value that the schema names', () => {
    const list = schema({ type: 'array', items: { type: 'string' } });
    assert.deepEqual(stream(['["a"]'], list), { text: '["a"]', rejection: null });
    assert.match(stream(['{"a":1}'], list).rejection ?? '', /object/);
    assert.match(stream(['[{'], person).rejection ?? '', /array/);
    const word = schema({ type: 'string', enum: ['a', 'b'] });
    assert.deepEqual(stream(['"', 'a', '"\n'], word), { text: '"a"\n', rejection: null });
    assert.match(stream(['a'], word).rejection ?? '', /not the JSON/);
    assert.deepEqual(stream(['1', '2'], schema({ type: ['integer', 'null'] })), { text: '12', rejection: null });
    assert.deepEqual(stream([value], schema({})), { text: value, rejection: null });
  });

  it('takes a scalar out of its fence, wherever the text is cut', () => {
    const any = schema({ enum: ['a', -1, true, null] });
    for (const scalar of ['"a"', '"`a` ``` b"', '-1', '42', 'true', 'null']) {
      for (const written of [
        scalar,
        `\`\`\`json\n${scalar}\n\`\`\``,
        `\`\`\`\n${scalar}\n\`\`\`\n`,
        `\n~~~\n${scalar}\n~~~`,
        `\`${scalar}\``,
        `\`\`\`\`json\n${scalar}`,
      ]) {
        for (const pieces of everyCut(written))
          assert.deepEqual(stream(pieces, any), { text: scalar, rejection: null }, JSON.stringify(pieces));
        assert.deepEqual(readJsonAnswer(written, any, false), { text: scalar });
      }
    }
    const number = schema({ type: 'number' });
    assert.deepEqual(stream(['```\n42\n```\nThat is it.'], number), { text: '42', rejection: null });
    assert.deepEqual(stream(['```\n4'], number, false, true), { text: '4', rejection: null });
    for (const written of ['"a"', '```\n"a"\n```', '`json`', '-', 'tru', '4 2', 'The 42', '```\nfour\n```', '{}']) {
      for (const pieces of everyCut(written)) {
        const { text, rejection } = stream(pieces, number);
        assert.equal(text, '');
        assert.notEqual(rejection, null, JSON.stringify(pieces));
      }
    }
  });

  it('rejects prose at once where the schema allows words and numbers', () => {
    const screen = new JsonScreen(schema({}));
    screen.push('t', false);
    assert.deepEqual([screen.rejection, screen.isHolding], [null, true]);
    screen.push('he answer', false);
    assert.match(screen.rejection ?? '', /prose/);
    const fenced = `I think:\n\`\`\`json\n${value}\n\`\`\``;
    assert.deepEqual(readJsonAnswer(fenced, schema({}), false), { text: value });
  });

  it('gives up on a scalar that does not end', () => {
    const screen = new JsonScreen(schema({ type: 'string' }));
    screen.push('"', false);
    for (let sent = 1; sent < 100_000; sent += 1) {
      screen.push('x', false);
      assert.equal(screen.isHolding, true);
    }
    assert.equal(screen.rejection, null);
    assert.equal(screen.push('x', false), '');
    assert.match(screen.rejection ?? '', /100000/);
    assert.ok('rejection' in readJsonAnswer(`"${'x'.repeat(100_000)}"`, schema({ type: 'string' }), false));
  });

  it('reads a flood of white space in linear time, and keeps little of it', () => {
    for (const format of [object, schema({}), schema({ type: 'number' })]) {
      const screen = new JsonScreen(format);
      for (let sent = 0; sent < 200_000; sent += 1) {
        assert.equal(screen.push(' \n', false), '');
        assert.equal(screen.isHolding, false);
      }
      assert.ok(screen.push('{', false).length <= 1100);
    }
    const late = new JsonScreen(object);
    late.push('```json', false);
    for (let sent = 0; sent < 200_000 && late.rejection === null; sent += 1) late.push(' \n', false);
    assert.match(late.rejection ?? '', /prose/);
  });

  it('gives any object and array as it was written, however it is cut', () => {
    const values = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue()));
    const written = fc.tuple(values, fc.constantFrom(0, 2), fc.constantFrom('', '```json\n', '```\n'));
    fc.assert(
      fc.property(
        written.chain(([one, indent, fence]) => {
          const json = JSON.stringify(one, null, indent);
          return cutsOf(fc.constant(fence === '' ? json : `${fence}${json}\n\`\`\``)).map((cut) => ({ ...cut, json }));
        }),
        ({ text, pieces, json }) => {
          assert.deepEqual(stream(pieces), { text: json, rejection: null });
          assert.deepEqual(readJsonAnswer(text, object, false), { text: json });
        },
      ),
    );
  });
});
