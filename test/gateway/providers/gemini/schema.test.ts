import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toGeminiSchema } from '../../../../src/gateway/providers/gemini/schema.js';

describe('gemini schema', () => {
  it('keeps every property name and drops unknown keywords (conformance 98)', () => {
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      $id: 'x',
      type: 'object',
      additionalProperties: false,
      'x-vendor': 1,
      properties: {
        'x-foo': { type: 'string', 'x-bar': true, format: 'uri' },
        title: { type: 'string', title: 'T', format: 'date-time' },
        default: { type: 'integer', default: 3, format: 'int32', exclusiveMinimum: 0 },
        const: { const: 'only' },
        $ref: { type: 'boolean' },
        type: { type: 'number', exclusiveMaximum: 2, multipleOf: 3 },
        properties: { type: 'array', items: { type: 'string', examples: ['a'] }, uniqueItems: true },
      },
      required: ['x-foo', 'gone', 'const'],
    };
    assert.deepEqual(toGeminiSchema(schema), {
      type: 'object',
      properties: {
        'x-foo': { type: 'string' },
        title: { type: 'string', title: 'T', format: 'date-time' },
        default: { type: 'integer', format: 'int32', minimum: 1 },
        const: { type: 'string', enum: ['only'] },
        $ref: { type: 'boolean' },
        type: { type: 'number', maximum: 2 },
        properties: { type: 'array', items: { type: 'string' } },
      },
      required: ['x-foo', 'const'],
    });
  });

  it('inlines $ref with siblings, escapes and cycles', () => {
    const schema = {
      $ref: '#/$defs/Tree',
      $defs: {
        Tree: {
          type: 'object',
          properties: {
            kids: { type: 'array', items: { $ref: '#/$defs/Tree' } },
            'a/b': { $ref: '#/$defs/a~1b%20c', description: 'mine' },
            lost: { $ref: 'https://example.com/x' },
          },
        },
        'a/b c': { type: 'string', description: 'theirs', minLength: 1 },
      },
    };
    assert.deepEqual(toGeminiSchema(schema), {
      type: 'object',
      properties: {
        kids: { type: 'array', items: { type: 'object' } },
        'a/b': { type: 'string', description: 'mine', minLength: 1 },
        lost: { type: 'object' },
      },
    });
  });

  it('turns unions into nullable or anyOf', () => {
    const convert = (schema: Record<string, unknown>): unknown => toGeminiSchema(schema);
    assert.deepEqual(convert({ type: ['number', 'null'], description: 'd' }), {
      type: 'number',
      description: 'd',
      nullable: true,
    });
    assert.deepEqual(convert({ type: ['string', 'integer'] }), { anyOf: [{ type: 'string' }, { type: 'integer' }] });
    assert.deepEqual(convert({ anyOf: [{ type: 'string' }, { type: 'null' }], description: 'd' }), {
      type: 'string',
      description: 'd',
      nullable: true,
    });
    assert.deepEqual(convert({ oneOf: [{ const: 'a', title: 'A' }, { const: 'b' }] }), {
      type: 'string',
      enum: ['a', 'b'],
    });
    const oneOf = [{ type: 'object', properties: { a: { const: 1 } } }, { type: 'boolean' }];
    assert.deepEqual(convert({ oneOf }), {
      anyOf: [
        { type: 'object', properties: { a: { type: 'integer', description: 'Allowed values: 1' } } },
        { type: 'boolean' },
      ],
    });
  });

  it('keeps the base of alternatives that only constrain it', () => {
    const properties = { a: { type: 'string' }, b: { type: 'string' } };
    const anyOf = [{ required: ['a'] }, { required: ['b'] }];
    assert.deepEqual(toGeminiSchema({ type: 'object', properties, anyOf }), { type: 'object', properties });
  });

  it('merges allOf', () => {
    const schema = {
      allOf: [{ type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }, { $ref: '#/definitions/B' }],
      properties: { a: { description: 'd' } },
      definitions: { B: { properties: { b: { type: 'integer' } }, required: ['b'] } },
    };
    assert.deepEqual(toGeminiSchema(schema), {
      type: 'object',
      properties: { a: { type: 'string', description: 'd' }, b: { type: 'integer' } },
      required: ['a', 'b'],
    });
  });

  it('tells values that are no strings in words, and null by nullable', () => {
    assert.deepEqual(toGeminiSchema({ type: 'integer', enum: [1, 2], description: 'Level.' }), {
      type: 'integer',
      description: 'Level. Allowed values: 1, 2',
    });
    assert.deepEqual(toGeminiSchema({ enum: ['a', null, ''] }), { type: 'string', nullable: true });
    assert.deepEqual(toGeminiSchema({ enum: ['a', null] }), { type: 'string', nullable: true, enum: ['a'] });
  });

  it('always gives arrays items and everything a type', () => {
    assert.deepEqual(toGeminiSchema({ type: 'array' }), { type: 'array', items: { type: 'string' } });
    assert.deepEqual(
      toGeminiSchema({ type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }], minItems: 2 }),
      {
        type: 'array',
        minItems: 2,
        items: { type: 'number' },
      },
    );
    assert.deepEqual(toGeminiSchema({ properties: { any: {}, yes: true }, type: 'OBJECT' }), {
      type: 'object',
      properties: { any: { type: 'string' }, yes: { type: 'string' } },
    });
  });

  it('ends on anything, with nothing that Gemini does not know', () => {
    const allowed = new Set(
      'type format title description nullable enum items properties required anyOf minimum maximum minItems maxItems minLength maxLength pattern minProperties maxProperties propertyOrdering'.split(
        ' ',
      ),
    );
    const check = (schema: unknown): void => {
      const { properties, items, anyOf, ...rest } = schema as Record<string, unknown>;
      for (const key of Object.keys(rest)) assert.ok(allowed.has(key), key);
      for (const member of Object.values((properties ?? {}) as object)) check(member);
      if (items) check(items);
      for (const branch of (anyOf ?? []) as unknown[]) check(branch);
    };
    const names = fc.constantFrom('a', 'title', '__proto__');
    const { node } = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, fc.constant({ type: 'string' }), fc.constant({ $ref: '#' }), tie('full')),
      full: fc.record(
        {
          type: fc.constantFrom('string', 'object', 'array', 'null', 'integer', 7, ['string', 'null']),
          $ref: fc.constantFrom('#', '#/properties/a', '#/allOf/0', '#/nowhere'),
          properties: fc.dictionary(names, tie('node'), { maxKeys: 2 }),
          items: tie('node'),
          anyOf: fc.array(tie('node'), { maxLength: 2 }),
          allOf: fc.array(tie('node'), { maxLength: 2 }),
          enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }),
          required: fc.array(fc.jsonValue({ maxDepth: 1 }), { maxLength: 2 }),
          'x-y': fc.integer(),
        },
        { requiredKeys: [] },
      ),
    }));
    fc.assert(
      fc.property(node, (schema) => check(toGeminiSchema(schema as Record<string, unknown>))),
      { numRuns: 200 },
    );
  });

  it('is bounded where every reference leads to all others', () => {
    const names = Array.from({ length: 12 }, (_, at) => `D${at}`);
    const refs = names.map((name) => ({ $ref: `#/$defs/${name}` }));
    const members = Object.fromEntries(names.map((name, at) => [name, refs[at]]));
    for (const body of [{ allOf: refs }, { anyOf: refs }, { type: 'object', properties: members }]) {
      const $defs = Object.fromEntries(names.map((name) => [name, body]));
      assert.ok(JSON.stringify(toGeminiSchema({ ...body, $defs })).length < 1_000_000);
    }
  });
});
