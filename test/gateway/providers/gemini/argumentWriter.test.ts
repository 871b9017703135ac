import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type ArgumentPath,
  createArgumentWriter,
  parseArgumentPath,
} from '../../../../src/gateway/providers/gemini/argumentWriter.js';

type Leaf = { path: ArgumentPath; value: string | number | boolean | null };

function write(leaves: readonly Leaf[]): unknown {
  const writer = createArgumentWriter();
  const text = leaves.map(({ path, value }) => writer.write(path, value, false)).join('');
  return JSON.parse(text + writer.finish());
}

/** The leaves of a value in document order; empty containers have none. */
function leavesOf(value: unknown, path: ArgumentPath = []): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ path, value: value as Leaf['value'] }];
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, member]) => leavesOf(member, [...path, key]));
}

const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
const tree = fc.letrec((tie) => ({
  node: fc.oneof({ maxDepth: 4 }, leaf, tie('array'), tie('object')),
  array: fc.array(tie('node'), { minLength: 1, maxLength: 4 }),
  object: fc.dictionary(fc.string(), tie('node'), { minKeys: 1, maxKeys: 4 }),
}));

describe('gemini argument writer', () => {
  it('writes any arguments that come in document order, once each', () => {
    fc.assert(
      fc.property(tree.object, (value) => {
        const writer = createArgumentWriter();
        let text = '';
        for (const one of leavesOf(value)) text += writer.write(one.path, one.value, false);
        text += writer.finish();
        assert.equal(text, JSON.stringify(value));
      }),
    );
  });

  it('comes to the same arguments in any order of object members', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.dictionary(fc.string(), leaf, { minKeys: 1 }), { minKeys: 1 }),
        fc.infiniteStream(fc.nat()),
        (value, random) => {
          const leaves = leavesOf(value).map((one) => ({ one, order: random.next().value as number }));
          const shuffled = leaves.sort((a, b) => a.order - b.order).map(({ one }) => one);
          assert.deepEqual(write(shuffled), JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it('streams a string in pieces, whatever they contain', () => {
    const writer = createArgumentWriter();
    const pieces = [
      writer.write(['a', 'b'], 'x"', true),
      writer.write(['a', 'b'], '\n\ud83d', true),
      writer.write(['a', 'b'], '\ude00', true),
      writer.write(['a', 'b'], '', false),
      writer.finish(),
    ];
    assert.equal(pieces[0], '{"a":{"b":"x\\"');
    assert.deepEqual(JSON.parse(pieces.join('')), { a: { b: 'x"\n😀' } });
  });

  it('goes back into a closed container by writing the member once more', () => {
    const leaves: Leaf[] = [
      { path: ['a', 0, 'x'], value: 1 },
      { path: ['a', 1, 'x'], value: 2 },
      { path: ['b'], value: true },
      { path: ['a', 0, 'y'], value: 'late' },
    ];
    assert.deepEqual(write(leaves), { a: [{ x: 1, y: 'late' }, { x: 2 }], b: true });
  });

  it('fills gaps in arrays with null, and refuses absurd ones', () => {
    const leaves: Leaf[] = [
      { path: ['a', 2], value: 'c' },
      { path: ['b', 4_000_000_000], value: 1 },
    ];
    assert.deepEqual((write(leaves) as { a: unknown }).a, [null, null, 'c']);
  });

  it('survives places that change their kind', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            path: fc.array(fc.oneof(fc.constantFrom('a', 'b'), fc.nat(2)), { minLength: 1, maxLength: 3 }),
            value: leaf,
          }),
        ),
        (leaves) => {
          assert.equal(typeof write(leaves), 'object');
        },
      ),
    );
  });

  it('adds whole arguments that were not streamed', () => {
    const writer = createArgumentWriter();
    const text = writer.write(['a'], 1, false);
    writer.merge({ a: 1, b: [2] });
    assert.equal(text + writer.finish(), '{"a":1,"b":[2]}');
    assert.equal(createArgumentWriter().finish(), '{}');
  });

  it('reads the JSON paths that name one place', () => {
    assert.deepEqual(parseArgumentPath('$.a.b[0].c-d'), ['a', 'b', 0, 'c-d']);
    assert.deepEqual(parseArgumentPath(`$['odd "key".x'][3]["it's"]`), ['odd "key".x', 3, "it's"]);
    assert.deepEqual(parseArgumentPath('$'), []);
    for (const text of ['a.b', '$..a', '$.a[*]', '$.a[']) assert.equal(parseArgumentPath(text), null, text);
  });
});
