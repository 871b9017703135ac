import type { ResponseFormat } from '../../protocol/chat.js';
import { isRecord } from '../surfaces/looseParts.js';
import { JsonScanner, parseJson } from './jsonScanner.js';
import { type Kinds, kindsOf, resolveSchema } from './schemaKinds.js';

export type JsonFormat = Exclude<ResponseFormat, { type: 'text' }>;

/** Some put the value in a code fence, a few in single backticks. */
const FENCED = /^`{1,3}[\w+-]*\s*(?=[{[])/;
const MAYBE_FENCED = /^`{1,3}[\w+-]*\s*$/;
/** A fence with a value in it, after some prose. */
const FENCE_WITHIN = /```[\w+-]*\s*(?=[{[])/;
/** Without one of these a value goes on. */
const CLOSING = /[}\]]/;
const JSON_SPACE = /^[ \t\r\n]*$/;
/** How much prose may stand before a fence, in characters, and how much of what follows the value is looked at. */
const MAX_PROSE = 1000;

const PROSE = 'The answer is prose, not the JSON that was asked for';
const SEVERAL = 'The answer has more than one JSON value';
const CUT_SHORT = "The answer's JSON is cut short";

/**
 * Holds the visible text of one answer to JSON mode. Text passes as it comes from the value's first bracket to its last;
 * a fence around it and what follows it are left out. Only an opening that can still be one is held: white space, the
 * beginning of a fence. Prose is rejected at its first character, or, where `mayWait`, if no fence follows soon.
 */
export class JsonScreen {
  /** Why this is not the JSON that was asked for; null while it may be. */
  rejection: string | null = null;
  private state: 'opening' | 'prose' | 'value' | 'scalar' | 'after' = 'opening';
  private held = '';
  private isFenced = false;
  private readonly kinds: Kinds;
  private readonly scanner = new JsonScanner();

  constructor(format: JsonFormat) {
    this.kinds = rootKinds(format);
  }

  /** Text that is more than white space is held. */
  get isHolding(): boolean {
    return this.state !== 'value' && this.state !== 'after' && this.held.trim() !== '';
  }

  /** Whether this piece may go out as it came; if so it is taken note of. */
  passes(text: string): boolean {
    if (this.state !== 'value' || CLOSING.test(text)) return false;
    this.scanner.feed(text);
    return true;
  }

  /** What may be sent now. `mayWait`: prose is no reason yet to give up, as a tool call or a fence may follow. */
  push(text: string, mayWait: boolean): string {
    if (this.rejection !== null) return '';
    switch (this.state) {
      case 'value':
        return this.readValue(text);
      case 'after':
        return this.readAfter(text);
      default:
        this.held += text;
        return this.readOpening(mayWait);
    }
  }

  /** What is left when the answer ends. `isCutShort`: at the client's own limit, so that it need not be whole. */
  end(isCutShort: boolean): string {
    if (this.rejection !== null) return '';
    if (this.state === 'value' && !isCutShort) this.rejection = CUT_SHORT;
    if (this.state === 'after' && hasAnotherValue(this.held)) this.rejection = SEVERAL;
    if (this.state === 'scalar') {
      if (isCutShort || parseJson(this.held) !== undefined) return this.held;
      this.rejection = PROSE;
    }
    if (this.isHolding && !(isCutShort && this.state === 'opening')) this.rejection = PROSE;
    return '';
  }

  /** A tool call came, so the text around it is no answer to be held to anything: what was held. */
  release(): string {
    const text = this.state === 'after' ? '' : this.held;
    this.held = '';
    return text;
  }

  private readOpening(mayWait: boolean): string {
    const start = this.held.trimStart();
    if (this.state === 'prose') return this.readProse();
    if (start === '' || this.state === 'scalar') return '';
    const fenced = FENCED.exec(start);
    if (fenced) return this.beginFenced(start.slice(fenced[0].length));
    if (start.startsWith('{') || start.startsWith('[')) {
      const before = this.held.slice(0, this.held.length - start.length);
      // A byte order mark is white space to JavaScript, and an error to JSON.
      const value = this.beginValue(start);
      return value !== '' && JSON_SPACE.test(before) ? before + value : value;
    }
    if (MAYBE_FENCED.test(start) && start.length < MAX_PROSE) return '';
    if (this.kinds.string || this.kinds.other) {
      // A bare number, word or string: short, and only its end shows that it is one.
      this.state = 'scalar';
      return '';
    }
    this.state = 'prose';
    if (mayWait) return this.readProse();
    this.rejection = PROSE;
    return '';
  }

  private readProse(): string {
    const fence = FENCE_WITHIN.exec(this.held);
    if (fence && fence.index <= MAX_PROSE) return this.beginFenced(this.held.slice(fence.index + fence[0].length));
    if (this.held.length > MAX_PROSE) this.rejection = PROSE;
    return '';
  }

  private beginFenced(value: string): string {
    this.isFenced = true;
    return this.beginValue(value);
  }

  private beginValue(value: string): string {
    const isObject = value.startsWith('{');
    if (isObject ? !this.kinds.object : !this.kinds.array) {
      this.rejection = `The answer is a JSON ${isObject ? 'object' : 'array'}, which is not what was asked for`;
      return '';
    }
    this.state = 'value';
    this.held = '';
    return this.readValue(value);
  }

  private readValue(text: string): string {
    const end = this.scanner.feed(text);
    if (end < 0) return text;
    this.state = 'after';
    return text.slice(0, end) + this.readAfter(text.slice(end));
  }

  private readAfter(text: string): string {
    let rest = text;
    // White space after a value that had no fence is left: the answer stays as it came.
    if (!this.isFenced && this.held === '') rest = text.trimStart();
    if (this.held.length < MAX_PROSE) this.held += rest;
    return text.slice(0, text.length - rest.length);
  }
}

/** A whole answer held to JSON mode: the text to send, or why it is not the JSON that was asked for. */
export function readJsonAnswer(
  text: string,
  format: JsonFormat,
  isCutShort: boolean,
): { text: string } | { rejection: string } {
  const screen = new JsonScreen(format);
  const value = screen.push(text, true) + screen.end(isCutShort);
  if (screen.rejection !== null) return { rejection: screen.rejection };
  if (isCutShort) return { text: value };
  const parsed = parseJson(value);
  if (parsed === undefined) return { rejection: 'The answer is not valid JSON' };
  const missing = missingProperties(parsed, format);
  if (missing.length > 0) return { rejection: `The answer's JSON lacks ${missing.join(', ')}` };
  return { text: value };
}

/** Properties that the schema requires at its top and the value has not. */
function missingProperties(value: unknown, format: JsonFormat): string[] {
  if (format.type !== 'json_schema' || !isRecord(value)) return [];
  const { schema } = format.json_schema;
  const required = resolveSchema(schema, schema)?.['required'];
  if (!Array.isArray(required)) return [];
  return required.filter((name): name is string => typeof name === 'string' && !Object.hasOwn(value, name));
}

/** JSON mode without a schema means an object; an array is let through, as prompts do ask for one. */
function rootKinds(format: JsonFormat): Kinds {
  const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
  if (!schema) return { object: true, array: true, string: false, other: false };
  return kindsOf(schema, schema);
}

function hasAnotherValue(rest: string): boolean {
  const after = rest.replace(/^\s*`{1,3}/, '').trimStart();
  return after.startsWith('{') || after.startsWith('[') || FENCE_WITHIN.test(after);
}
