import { isObject } from './wire.js';

export type ArgumentPath = readonly (string | number)[];
export type ArgumentValue = string | number | boolean | null;

/** A JSON document being written from left to right. */
export interface ArgumentWriter {
  /**
   * Puts a value at a path of the arguments object; a string at a path that already holds one extends it.
   * Returns the JSON text that this adds, which may be empty.
   */
  write(path: ArgumentPath, value: ArgumentValue, willContinue: boolean): string;
  /** Takes whole arguments as well: members that were not streamed are added. */
  merge(args: Record<string, unknown>): void;
  /** The rest of the document. The concatenation of everything returned is valid JSON of one object. */
  finish(): string;
}

/** A container that is open at the end of the text so far. `key` is its place in the container above. */
interface Frame {
  key: string | number;
  isArray: boolean;
  count: number;
}

/** An index this far beyond the end is not a gap but nonsense, and padding it would cost memory. */
const maxGap = 1000;

/**
 * Turns Gemini's `partialArgs` (a JSON path and a piece of value each) into the incremental JSON text that OpenAI
 * clients expect.
 *
 * Gemini fills arguments depth-first, so nearly always a value is appended behind the last one. Should it go back into
 * an object or array that is already closed, the text cannot be changed any more; then the whole top-level member is
 * written once more at the end, because for a repeated name JSON parsers keep the last value (RFC 8259 section 4).
 */
export function createArgumentWriter(): ArgumentWriter {
  const root = emptyContainer(false) as Record<string, unknown>;
  const stack: Frame[] = [{ key: '', isArray: false, count: 0 }];
  const rewritten = new Set<string>();
  let openString: string | null = null;
  let hasBegun = false;

  function begin(): string {
    if (hasBegun) return '';
    hasBegun = true;
    return '{';
  }

  function closeString(): string {
    const text = openString === null ? '' : '"';
    openString = null;
    return text;
  }

  function closeTo(depth: number): string {
    let text = closeString();
    while (stack.length > depth + 1) text += stack.pop()?.isArray ? ']' : '}';
    return text;
  }

  function appendValue(path: ArgumentPath, depth: number, value: ArgumentValue, isOpen: boolean): string {
    let text = closeTo(depth);
    for (let i = depth; i < path.length; i++) {
      text += appendKey(stack.at(-1) as Frame, path[i] as string | number);
      if (i === path.length - 1) break;
      const isArray = typeof path[i + 1] === 'number';
      stack.push({ key: path[i] as string | number, isArray, count: 0 });
      text += isArray ? '[' : '{';
    }
    if (typeof value !== 'string' || !isOpen) return text + JSON.stringify(value);
    openString = pathKey(path);
    return text + JSON.stringify(value).slice(0, -1);
  }

  return {
    write(path, value, willContinue) {
      if (path.length === 0 || typeof path[0] !== 'string') return '';
      const isContinuation = openString !== null && openString === pathKey(path) && typeof value === 'string';
      // A member that is written again anyway takes no more text: its open containers may have been replaced since.
      const depth = rewritten.has(path[0]) ? null : appendDepth(root, stack, path);
      const change = store(root, path, value);
      if (change === 'refused') return '';
      if (isContinuation) return JSON.stringify(value).slice(1, -1) + (willContinue ? '' : closeString());
      if (depth === null) {
        if (change === 'changed') rewritten.add(path[0]);
        return '';
      }
      return begin() + appendValue(path, depth, value, willContinue);
    },
    merge(args) {
      for (const [key, value] of Object.entries(args)) {
        if (Object.hasOwn(root, key) && JSON.stringify(root[key]) === JSON.stringify(value)) continue;
        root[key] = value;
        rewritten.add(key);
      }
    },
    finish() {
      let text = begin() + closeTo(0);
      const top = stack[0] as Frame;
      for (const key of rewritten) text += appendKey(top, key) + JSON.stringify(root[key]);
      rewritten.clear();
      return `${text}}`;
    },
  };
}

/** How deep the open containers go along this path, or null when the value cannot simply be appended. */
function appendDepth(root: Record<string, unknown>, stack: readonly Frame[], path: ArgumentPath): number | null {
  let depth = 0;
  let node: unknown = root;
  while (depth < path.length - 1 && stack[depth + 1]?.key === path[depth]) {
    node = (node as Record<string | number, unknown>)[path[depth] as string];
    depth++;
  }
  const key = path[depth] as string | number;
  if (typeof node !== 'object' || node === null) return null;
  if (Array.isArray(node) !== (typeof key === 'number')) return null;
  if (Array.isArray(node)) return (key as number) >= node.length ? depth : null;
  return Object.hasOwn(node, key) ? null : depth;
}

function appendKey(frame: Frame, key: string | number): string {
  let text = '';
  while (typeof key === 'number' && frame.count < key) text += frame.count++ > 0 ? ',null' : 'null';
  if (frame.count++ > 0) text += ',';
  return typeof key === 'number' ? text : `${text}${JSON.stringify(key)}:`;
}

/** Mirrors the value in the tree. `refused` when the path makes no sense, `same` for an empty end of a string. */
function store(
  root: Record<string, unknown>,
  path: ArgumentPath,
  value: ArgumentValue,
): 'changed' | 'same' | 'refused' {
  let node: Record<string | number, unknown> | unknown[] = root;
  for (let i = 0; i < path.length; i++) {
    const key = path[i] as string | number;
    if (Array.isArray(node)) {
      if (typeof key !== 'number' || key > node.length + maxGap) return 'refused';
      while (node.length <= key) node.push(null);
    } else if (typeof key === 'number') return 'refused';
    const members = node as Record<string | number, unknown>;
    const old = Object.hasOwn(members, key) ? members[key] : undefined;
    if (i === path.length - 1) {
      members[key] = typeof old === 'string' && typeof value === 'string' ? old + value : value;
      return typeof old === 'string' && value === '' ? 'same' : 'changed';
    }
    if (Array.isArray(old) || isObject(old)) node = old;
    else {
      const fresh = emptyContainer(typeof path[i + 1] === 'number');
      members[key] = fresh;
      node = fresh;
    }
  }
  return 'refused';
}

/** Without a prototype, so that a parameter named `__proto__` is one like any other. */
function emptyContainer(isArray: boolean): Record<string, unknown> | unknown[] {
  return isArray ? [] : (Object.create(null) as Record<string, unknown>);
}

function pathKey(path: ArgumentPath): string {
  return JSON.stringify(path);
}

/**
 * Reads the subset of JSON Path (RFC 9535) that names one place: `$.a.b[0]['odd key']`.
 * Null when it is anything else.
 */
export function parseArgumentPath(text: string): ArgumentPath | null {
  if (!text.startsWith('$')) return null;
  const path: (string | number)[] = [];
  const segment = /\.([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]/gy;
  let position = 1;
  while (position < text.length) {
    segment.lastIndex = position;
    const match = segment.exec(text);
    if (!match) return null;
    position = segment.lastIndex;
    if (match[1] !== undefined) path.push(match[1]);
    else if (match[2] !== undefined) path.push(Number(match[2]));
    else path.push(unquote(match[3] as string));
  }
  return path;
}

function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1);
  const asJson = quoted.startsWith('"') ? quoted : `"${inner.replaceAll("\\'", "'").replace(/(?<!\\)"/g, '\\"')}"`;
  try {
    return JSON.parse(asJson) as string;
  } catch {
    return inner;
  }
}
