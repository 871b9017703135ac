import { inlineRef, mergeSchemas } from './schemaMerge.js';
import { isObject, type JsonObject } from './wire.js';

/** Keywords of Gemini's Schema that mean what they mean in JSON Schema (https://ai.google.dev/api/caching#Schema). */
const plainKeywords = [
  'title',
  'description',
  'nullable',
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'minProperties',
  'maxProperties',
  'propertyOrdering',
] as const;

/** `format`s that Gemini takes; any other is answered with 400. */
const formats: Readonly<Record<string, readonly string[]>> = {
  string: ['date-time', 'enum'],
  number: ['float', 'double'],
  integer: ['int32', 'int64'],
};

const types = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);
/** Deeper is cut to a plain object: recursive types, and a bound on what hostile schemas cost. */
const maxDepth = 24;
const maxNodes = 4000;

/** What one conversion carries along. */
interface Walk {
  root: JsonObject;
  /** `$ref`s being expanded on the way down; meeting one again is a cycle. */
  refs: readonly string[];
  depth: number;
  budget: { nodes: number };
}

/**
 * Turns JSON Schema (any draft) into the subset that Gemini accepts for `parameters` and `responseSchema`.
 *
 * `$ref` is inlined (cycles become plain objects), `const` becomes a one-value enum, `oneOf` becomes `anyOf`, `allOf` is
 * merged, type unions become `nullable` or `anyOf`. Unknown keywords go; names of properties never do. The
 * input is not changed.
 */
export function toGeminiSchema(schema: JsonObject): JsonObject {
  return convert(schema, { root: schema, refs: [], depth: 0, budget: { nodes: maxNodes } });
}

function convert(schema: unknown, walk: Walk): JsonObject {
  // `true`, `{}` and what is no schema at all: any value. Gemini demands a type; text can hold anything.
  if (!isObject(schema)) return { type: 'string' };
  if (walk.depth > maxDepth || --walk.budget.nodes < 0) return { type: 'object' };
  const inlined = inlineRef(schema, walk.root, walk.refs);
  if (!inlined) return { type: 'object', ...pickText(schema) };
  const inner = { ...walk, refs: inlined.refs };
  const flat = mergeAll(inlined.schema, inner);
  const branches = alternatives(flat);
  return branches ? convertUnion(branches, flat, inner) : convertPlain(flat, inner);
}

/** Folds `allOf` into the schema around it. */
function mergeAll(schema: JsonObject, walk: Walk): JsonObject {
  if (!Array.isArray(schema.allOf)) return schema;
  const { allOf, ...rest } = schema;
  let merged: JsonObject = {};
  for (const part of allOf as unknown[]) {
    if (!isObject(part) || walk.depth > maxDepth || --walk.budget.nodes < 0) continue;
    const inlined = inlineRef(part, walk.root, walk.refs);
    if (!inlined) continue;
    merged = mergeSchemas(merged, mergeAll(inlined.schema, { ...walk, refs: inlined.refs, depth: walk.depth + 1 }));
  }
  return mergeSchemas(merged, rest);
}

/** The branches of `anyOf`, `oneOf` or a type union, each complete in itself; null when there are none. */
function alternatives(schema: JsonObject): JsonObject[] | null {
  const { anyOf, oneOf, ...base } = schema;
  const given = (Array.isArray(anyOf) ? anyOf : oneOf) as unknown;
  if (Array.isArray(given)) {
    const branches = given.filter(isObject).filter((branch) => isSubstantial(branch));
    // Only constraints such as `required` alternatives: the base says all that Gemini can be told.
    if (branches.length === 0) return null;
    const { title: _title, description: _description, nullable: _nullable, ...shared } = base;
    return branches.map((branch) => mergeSchemas(shared, branch));
  }
  if (!Array.isArray(schema.type)) return null;
  return schema.type.map((type: unknown) => ({ ...withoutText(base), type }));
}

function isSubstantial(branch: JsonObject): boolean {
  const keys = ['type', 'properties', 'items', 'enum', 'const', '$ref', 'anyOf', 'oneOf', 'allOf', 'format', 'pattern'];
  return keys.some((key) => key in branch);
}

function convertUnion(branches: JsonObject[], schema: JsonObject, walk: Walk): JsonObject {
  const values = branches.filter((branch) => !isNull(branch));
  const isNullable = values.length < branches.length || schema.nullable === true;
  const converted = unique(values.map((branch) => convert(branch, { ...walk, depth: walk.depth + 1 })));
  const single = mergeEnums(converted) ?? (converted.length === 1 ? converted[0] : undefined);
  const body = single ?? (converted.length === 0 ? { type: 'string' } : { anyOf: converted });
  return { ...body, ...pickText(schema), ...(isNullable && { nullable: true }) };
}

/** `oneOf` of constants, the usual way to document enum members, is one enum. */
function mergeEnums(schemas: readonly JsonObject[]): JsonObject | undefined {
  if (schemas.length < 2 || !schemas.every((schema) => schema.type === 'string' && Array.isArray(schema.enum))) {
    return undefined;
  }
  return { type: 'string', enum: [...new Set(schemas.flatMap((schema) => schema.enum as string[]))] };
}

function convertPlain(schema: JsonObject, walk: Walk): JsonObject {
  if (isNull(schema)) return { type: 'string', nullable: true, ...pickText(schema) };
  const result: JsonObject = { type: typeOf(schema) };
  for (const keyword of plainKeywords) if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
  const type = result.type as string;
  if (typeof schema.format === 'string' && formats[type]?.includes(schema.format)) result.format = schema.format;
  convertLimits(schema, result, type);
  convertEnum(schema, result, type);
  if (type === 'array') convertItems(schema, result, walk);
  if (type === 'object') convertProperties(schema, result, walk);
  else delete result.propertyOrdering;
  return result;
}

function typeOf(schema: JsonObject): string {
  const type = typeof schema.type === 'string' ? schema.type.toLowerCase() : '';
  if (types.has(type)) return type;
  if (isObject(schema.properties) || Array.isArray(schema.required) || 'additionalProperties' in schema)
    return 'object';
  if ('items' in schema || 'prefixItems' in schema) return 'array';
  const sample = 'const' in schema ? schema.const : Array.isArray(schema.enum) ? schema.enum[0] : undefined;
  if (typeof sample === 'number') return Number.isInteger(sample) ? 'integer' : 'number';
  if (typeof sample === 'boolean') return 'boolean';
  return 'minimum' in schema || 'maximum' in schema ? 'number' : 'string';
}

/** Exclusive limits: exact for integers, the nearest that Gemini can be told for others. */
function convertLimits(schema: JsonObject, result: JsonObject, type: string): void {
  const step = type === 'integer' ? 1 : 0;
  const { exclusiveMinimum: above, exclusiveMaximum: below } = schema;
  if (typeof above === 'number') result.minimum = Math.max(above + step, numberOr(result.minimum, above));
  if (typeof below === 'number') result.maximum = Math.min(below - step, numberOr(result.maximum, below));
}

function numberOr(value: unknown, fallback: number): number {
  return typeof value === 'number' ? value : fallback;
}

/** Gemini's enums hold strings only; the values of others are told in words so that the type stays right. */
function convertEnum(schema: JsonObject, result: JsonObject, type: string): void {
  const given: unknown[] = 'const' in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : [];
  const values = given.filter((value) => value !== null);
  if (values.length < given.length) result.nullable = true;
  if (values.length === 0) return;
  if (type === 'string') {
    const texts = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    // An empty member is answered with 400.
    const members = [...new Set(texts)].filter((text) => text !== '');
    if (members.length > 0 && members.length === new Set(texts).size) result.enum = members;
    return;
  }
  const words = `Allowed values: ${values.map((value) => JSON.stringify(value)).join(', ')}`;
  result.description = typeof result.description === 'string' ? `${result.description} ${words}` : words;
}

function convertItems(schema: JsonObject, result: JsonObject, walk: Walk): void {
  const deeper = { ...walk, depth: walk.depth + 1 };
  const tuple = Array.isArray(schema.prefixItems) ? schema.prefixItems : schema.items;
  if (!Array.isArray(tuple)) {
    result.items = convert(schema.items, deeper);
    return;
  }
  const members = unique(tuple.map((item: unknown) => convert(item, deeper)));
  result.items = members.length > 1 ? { anyOf: members } : (members[0] ?? { type: 'string' });
}

function convertProperties(schema: JsonObject, result: JsonObject, walk: Walk): void {
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  const names = new Set(properties.map(([name]) => name));
  // An empty `properties` is answered with 400 ("should be non-empty for OBJECT type").
  if (names.size > 0) {
    const deeper = { ...walk, depth: walk.depth + 1 };
    result.properties = Object.fromEntries(properties.map(([name, member]) => [name, convert(member, deeper)]));
  }
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => names.has(name as string)) : [];
  if (required.length > 0) result.required = [...new Set(required)];
  if (!Array.isArray(result.propertyOrdering)) return;
  result.propertyOrdering = result.propertyOrdering.filter((name) => names.has(name as string));
}

function isNull(schema: JsonObject): boolean {
  return schema.type === 'null' || ('const' in schema && schema.const === null);
}

function pickText(schema: JsonObject): JsonObject {
  const { title, description } = schema;
  return { ...(typeof title === 'string' && { title }), ...(typeof description === 'string' && { description }) };
}

function withoutText(schema: JsonObject): JsonObject {
  const { title: _title, description: _description, ...rest } = schema;
  return rest;
}

function unique(schemas: readonly JsonObject[]): JsonObject[] {
  return [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
}
