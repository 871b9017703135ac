import { isObject, type JsonObject } from './wire.js';

/**
 * Replaces `$ref` (and what it leads to) by the schema it names; siblings of `$ref` win.
 * Null for a cycle and for anything that is not in this document.
 */
export function inlineRef(
  schema: JsonObject,
  root: JsonObject,
  refs: readonly string[],
): { schema: JsonObject; refs: readonly string[] } | null {
  let current = schema;
  let seen = refs;
  while (typeof current.$ref === 'string') {
    const { $ref: ref, ...siblings } = current as JsonObject & { $ref: string };
    const target = seen.includes(ref) ? undefined : resolvePointer(root, ref);
    if (!isObject(target)) return null;
    seen = [...seen, ref];
    current = mergeSchemas(target, siblings);
  }
  return { schema: current, refs: seen };
}

/** RFC 6901, in the fragment form that JSON Schema uses. */
function resolvePointer(root: JsonObject, ref: string): unknown {
  if (ref !== '#' && !ref.startsWith('#/')) return undefined;
  let node: unknown = root;
  for (const token of ref.split('/').slice(1)) {
    const name = decode(token).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(node)) node = node[Number(name)];
    else if (isObject(node) && Object.hasOwn(node, name)) node = node[name];
    else return undefined;
  }
  return node;
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

/** Both schemas at once, as `allOf` means it; where they contradict each other `over` wins. */
export function mergeSchemas(base: JsonObject, over: JsonObject): JsonObject {
  const merged: JsonObject = { ...base, ...over };
  if (isObject(base.properties) && isObject(over.properties)) {
    merged.properties = mergeProperties(base.properties, over.properties);
  }
  if (Array.isArray(base.required) && Array.isArray(over.required)) {
    merged.required = [...new Set([...base.required, ...over.required])];
  }
  if (Array.isArray(base.allOf) && Array.isArray(over.allOf)) merged.allOf = [...base.allOf, ...over.allOf];
  return merged;
}

function mergeProperties(base: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base));
  for (const [name, schema] of Object.entries(over)) {
    const known = merged.get(name);
    merged.set(name, isObject(known) && isObject(schema) && !('$ref' in schema) ? mergeSchemas(known, schema) : schema);
  }
  return Object.fromEntries(merged);
}
