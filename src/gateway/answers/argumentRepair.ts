import type { ToolDefinition } from '../../protocol/chat.js';
import { isRecord } from '../surfaces/looseParts.js';
import { parseJson } from './jsonScanner.js';
import { childSchema, kindsOf } from './schemaKinds.js';

interface Frame {
  /** The schema of this object or array. */
  schema: unknown;
  isArray: boolean;
  /** Of an object: a property's name comes next. */
  isKeyNext: boolean;
  /** Of an object: the property at hand. */
  key: string;
}

/** Models encode twice, never more often. */
const MAX_ENCODINGS = 3;
/** How deep a schema is searched for objects and arrays. */
const MAX_SEARCH = 4;

/**
 * Mends JSON in strings in a tool call's arguments: where the tool's schema wants an object or an array, allows no
 * string, and the model wrote a string that holds one, it is put in the string's place. Arguments come in pieces and
 * leave at once; only such a string is held, from its quote on, until it ends. What is no such JSON stays as it came.
 */
export class ArgumentRepair {
  /** Nothing can need mending any more. */
  isDone = false;
  private readonly frames: Frame[] = [];
  private isInString = false;
  private isEscaped = false;
  private isKey = false;
  /** The name at hand, as it is written. */
  private key = '';
  /** The string that is held, quote and all; null when none is. */
  private held: string | null = null;
  private heldSchema: unknown;

  /** `root` is where `$ref` in the schema leads to. */
  constructor(
    private readonly schema: unknown,
    private readonly root: unknown = schema,
  ) {}

  /** What may be sent of the arguments so far and was not yet. */
  push(text: string): string {
    if (this.isDone) return text;
    let out = '';
    let from = 0;
    for (let index = 0; index < text.length; index += 1) {
      const char = text[index]!;
      if (this.isInString) {
        if (!this.endsString(char)) continue;
        if (this.held === null) continue;
        out += this.mend(this.held + text.slice(from, index + 1), this.heldSchema);
        this.held = null;
        from = index + 1;
      } else if (char === '"') {
        if (!this.beginsHeldString()) continue;
        out += text.slice(from, index);
        from = index;
        this.held = '';
      } else this.follow(char);
      if (this.isDone) return out + text.slice(from);
    }
    if (this.held === null) return out + text.slice(from);
    this.held += text.slice(from);
    return out;
  }

  /** What is still held when the arguments end. */
  end(): string {
    const rest = this.held ?? '';
    this.held = null;
    this.isDone = true;
    return rest;
  }

  /** Within a string: whether this character closes it. */
  private endsString(char: string): boolean {
    if (this.isEscaped) this.isEscaped = false;
    else if (char === '\\') this.isEscaped = true;
    else if (char === '"') {
      this.isInString = false;
      const frame = this.frames.at(-1);
      if (this.isKey && frame) frame.key = parseName(this.key);
      else if (!frame) this.isDone = true;
      this.isKey = false;
      return true;
    }
    if (this.isKey) this.key += char;
    return false;
  }

  private beginsHeldString(): boolean {
    this.isInString = true;
    const frame = this.frames.at(-1);
    if (frame?.isKeyNext) {
      this.isKey = true;
      this.key = '';
      return false;
    }
    this.heldSchema = this.valueSchema();
    return wantsContainer(this.heldSchema, this.root);
  }

  private follow(char: string): void {
    const frame = this.frames.at(-1);
    if (char === '{' || char === '[') {
      const schema = this.valueSchema();
      if (!frame && !holdsContainers(schema, this.root, 0)) this.isDone = true;
      this.frames.push({ schema, isArray: char === '[', isKeyNext: char === '{', key: '' });
    } else if (char === '}' || char === ']') {
      this.frames.pop();
      if (this.frames.length === 0) this.isDone = true;
    } else if (char === ':' && frame) frame.isKeyNext = false;
    else if (char === ',' && frame) frame.isKeyNext = !frame.isArray;
  }

  private valueSchema(): unknown {
    const frame = this.frames.at(-1);
    return frame ? childSchema(frame.schema, this.root, frame.isArray ? null : frame.key) : this.schema;
  }

  private mend(token: string, schema: unknown): string {
    let written = token;
    let value: unknown = parseJson(token);
    for (let times = 1; times < MAX_ENCODINGS && typeof value === 'string'; times += 1) {
      written = value;
      value = parseJson(written);
    }
    const kinds = kindsOf(schema, this.root);
    const isWanted = (Array.isArray(value) && kinds.array) || (isRecord(value) && kinds.object);
    if (!isWanted) return token;
    const inner = new ArgumentRepair(schema, this.root);
    return inner.push(written) + inner.end();
  }
}

/** Mends the arguments of calls of these tools: null for names that are none of them, or have no schema. */
export function repairFor(tools: readonly ToolDefinition[], name: string): ArgumentRepair | null {
  const parameters = tools.find((tool) => tool.function.name === name)?.function.parameters;
  if (!parameters) return null;
  // Arguments are an object always, also where the schema forgets to say so.
  const isSaid = parameters['type'] !== undefined || parameters['$ref'] !== undefined;
  return new ArgumentRepair(isSaid ? parameters : { ...parameters, type: 'object' }, parameters);
}

/** Whole arguments, mended. */
export function repairArguments(tools: readonly ToolDefinition[], name: string, text: string): string {
  const repair = repairFor(tools, name);
  return repair ? repair.push(text) + repair.end() : text;
}

function parseName(written: string): string {
  const name = written.includes('\\') ? parseJson(`"${written}"`) : written;
  return typeof name === 'string' ? name : written;
}

function wantsContainer(schema: unknown, root: unknown): boolean {
  if (schema === undefined) return false;
  const kinds = kindsOf(schema, root);
  return !kinds.string && (kinds.object || kinds.array);
}

/** Whether anything below this object or array could be mended. */
function holdsContainers(schema: unknown, root: unknown, depth: number): boolean {
  if (depth >= MAX_SEARCH) return true;
  if (!isRecord(schema)) return false;
  const { properties, items } = schema;
  // Behind a reference or a choice: rather look than know.
  if (schema['$ref'] ?? schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf']) return true;
  const below = isRecord(properties) ? Object.values(properties) : [];
  if (items !== undefined) below.push(items);
  return below.some((child) => wantsContainer(child, root) || holdsContainers(child, root, depth + 1));
}
