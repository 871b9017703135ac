import { isRecord } from '../surfaces/looseParts.js';

/** What kinds of JSON value a schema allows, as far as its top says. */
export interface Kinds {
  object: boolean;
  array: boolean;
  string: boolean;
  /** Numbers, booleans, null. */
  other: boolean;
}

const ANYTHING: Readonly<Kinds> = { object: true, array: true, string: true, other: true };
/** Schemas that refer to each other in a circle say nothing. */
const MAX_STEPS = 8;

/** A schema with its local `$ref` followed; null if that leads nowhere. `root` holds the definitions. */
export function resolveSchema(schema: unknown, root: unknown): Record<string, unknown> | null {
  let current = schema;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    if (!isRecord(current)) return null;
    const ref = current['$ref'];
    if (typeof ref !== 'string') return current;
    if (!ref.startsWith('#')) return null;
    current = ref
      .slice(1)
      .split('/')
      .filter((part) => part !== '')
      .reduce<unknown>((at, part) => {
        const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
        return isRecord(at) && Object.hasOwn(at, name) ? at[name] : undefined;
      }, root);
  }
  return null;
}

/** The kinds a schema allows. One that says nothing of it allows everything. */
export function kindsOf(schema: unknown, root: unknown, depth = 0): Kinds {
  const resolved = depth < MAX_STEPS ? resolveSchema(schema, root) : null;
  if (!resolved) return ANYTHING;
  const { type } = resolved;
  if (typeof type === 'string') return kindsOfTypes([type]);
  if (Array.isArray(type)) return kindsOfTypes(type);
  for (const name of ['anyOf', 'oneOf']) {
    const branches = resolved[name];
    if (!Array.isArray(branches) || branches.length === 0) continue;
    return branches.map((branch) => kindsOf(branch, root, depth + 1)).reduce(either);
  }
  const { allOf } = resolved;
  if (Array.isArray(allOf) && allOf.length > 0) {
    return allOf.map((branch) => kindsOf(branch, root, depth + 1)).reduce(both);
  }
  if (isRecord(resolved['properties'])) return kindsOfTypes(['object']);
  return resolved['items'] === undefined ? ANYTHING : kindsOfTypes(['array']);
}

/** The schema of a property (a string) or of an array's items (null); undefined where it says nothing of them. */
export function childSchema(schema: unknown, root: unknown, key: string | null, depth = 0): unknown {
  const resolved = depth < MAX_STEPS ? resolveSchema(schema, root) : null;
  if (!resolved) return undefined;
  if (key === null) {
    if (resolved['items'] !== undefined) return resolved['items'];
  } else {
    const { properties } = resolved;
    if (isRecord(properties) && Object.hasOwn(properties, key)) return properties[key];
  }
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    const branches = resolved[name];
    if (!Array.isArray(branches)) continue;
    for (const branch of branches) {
      const found = childSchema(branch, root, key, depth + 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function kindsOfTypes(types: readonly unknown[]): Kinds {
  const kinds = {
    object: types.includes('object'),
    array: types.includes('array'),
    string: types.includes('string'),
    other: types.some((type) => type === 'number' || type === 'integer' || type === 'boolean' || type === 'null'),
  };
  return kinds.object || kinds.array || kinds.string || kinds.other ? kinds : ANYTHING;
}

function either(a: Kinds, b: Kinds): Kinds {
  return {
    object: a.object || b.object,
    array: a.array || b.array,
    string: a.string || b.string,
    other: a.other || b.other,
  };
}

function both(a: Kinds, b: Kinds): Kinds {
  return {
    object: a.object && b.object,
    array: a.array && b.array,
    string: a.string && b.string,
    other: a.other && b.other,
  };
}
