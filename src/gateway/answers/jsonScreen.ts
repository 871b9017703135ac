import type { ResponseFormat } from '../../protocol/chat.js';
import { isRecord } from '../surfaces/looseParts.js';
import { MAX_SCALAR, mayBecomeScalar, scalarIn } from './jsonScalar.js';
import { JsonScanner, parseJson } from './jsonScanner.js';
import { type Kinds, kindsOf, resolveSchema } from './schemaKinds.js';

export type JsonFormat = Exclude<ResponseFormat, { type: 'text' }>;

/** Some put the value in a code fence, a few in single backticks. */
const FENCED = /^(?:`+|~{3,})[\w+-]*\s*(?=[{[])/;
const MAYBE_FENCED = /^(?:`+|~+)[\w+-]*\s*$/;
/** A fence with a value in it, after some prose. */
const FENCE_WITHIN = /(?:```|~~~)[\w+-]*\s*(?=[{[])/;
/** The same after the value: a block in another language is no other value. */
const JSON_FENCE_WITHIN = /(?:```|~~~)(?:json\w*)?\s*(?=[{[])/i;
/** Without one of these a value goes on. */
const CLOSING = /[}\]]/;
const JSON_SPACE = /^[ \t\r\n]*$/;
/**
 * In characters: how much prose may stand before a fence, how much of what follows the value is looked at, how much of
 * the white space before it is kept.
 */
const MAX_PROSE = 1000;

const PROSE = 'The answer is prose, not the JSON that was asked for';
const TOO_LONG = `The answer is a JSON string of more than ${MAX_SCALAR} characters, or prose`;
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
  /** What is held, without the white space that it begins with. */
  private held = '';
  /** That white space. */
  private space = '';
  private isFenced = false;
  private readonly kinds: Kinds;
  private readonly scanner = new JsonScanner();

  constructor(format: JsonFormat) {
    this.kinds = rootKinds(format);
  }

  /** Text that is more than white space is held. */
  get isHolding(): boolean {
    return this.state !== 'value' && this.state !== 'after' && this.held !== '';
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
      case 'scalar':
        return this.readScalar(text);
      default:
        return this.holdOpening(text) ? this.readOpening(mayWait) : '';
    }
  }

  /** What is left when the answer ends. `isCutShort`: at the client's own limit, so that it need not be whole. */
  end(isCutShort: boolean): string {
    if (this.rejection !== null) return '';
    if (this.state === 'value' && !isCutShort) this.rejection = CUT_SHORT;
    if (this.state === 'after' && hasAnotherValue(this.held)) this.rejection = SEVERAL;
    const scalar = this.state === 'scalar' || this.state === 'opening' ? scalarIn(this.held, this.kinds) : null;
    if (scalar !== null && (isCutShort || parseJson(scalar) !== undefined)) {
      return JSON_SPACE.test(this.space) && scalar.length === this.held.length ? this.space + scalar : scalar;
    }
    if (this.isHolding && !(isCutShort && this.state === 'opening')) this.rejection = PROSE;
    return '';
  }

  /** A tool call came, so the text around it is no answer to be held to anything: what was held. */
  release(): string {
    const text = this.state === 'after' ? '' : this.space + this.held;
    this.held = '';
    this.space = '';
    return text;
  }

  /** Whether more than white space came by now. White space is never looked at twice. */
  private holdOpening(text: string): boolean {
    const start = this.held === '' ? text.trimStart() : text;
    if (this.space.length < MAX_PROSE) this.space += text.slice(0, text.length - start.length);
    this.held += start;
    return this.held !== '';
  }

  private readOpening(mayWait: boolean): string {
    if (this.state === 'prose') return this.readProse();
    const fenced = FENCED.exec(this.held);
    if (fenced) return this.beginFenced(this.held.slice(fenced[0].length));
    if (this.held.startsWith('{') || this.held.startsWith('[')) {
      const { space } = this;
      const value = this.beginValue(this.held);
      // A byte order mark is white space to JavaScript, and an error to JSON.
      return value !== '' && JSON_SPACE.test(space) ? space + value : value;
    }
    if (this.held.length < MAX_PROSE && MAYBE_FENCED.test(this.held)) return '';
    if (mayBecomeScalar(this.held, this.kinds)) return '';
    if (scalarIn(this.held, this.kinds) !== null) {
      this.state = 'scalar';
      return this.readScalar('');
    }
    this.state = 'prose';
    if (mayWait) return this.readProse();
    this.rejection = PROSE;
    return '';
  }

  /** A bare number, word or string: short, and only its end shows that it is one. */
  private readScalar(text: string): string {
    if (this.held.length + text.length > MAX_SCALAR) this.rejection = TOO_LONG;
    else this.held += text;
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
    this.space = '';
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
  const after = rest.replace(/^\s*(?:`+|~+)/, '').trimStart();
  return after.startsWith('{') || after.startsWith('[') || JSON_FENCE_WITHIN.test(after);
}
