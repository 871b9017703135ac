import { CallCursor, MORE, NO } from './callCursor.js';
import { jsonEnd, parseJson } from './jsonScanner.js';
import { callsInJson, hasOnlyCallKeys } from './textCalls.js';

/** The first two names in an object that is a call; the second place is looked at only when the first is `name`. */
const CALL_HEAD = /[[\s]*\{\s*"name"\s*:\s*"(?<name>[^"\\]*)(?<quote>"?)(?:\s*,\s*"(?<next>[a-z_]*)(?<nextQuote>"?))?/y;
const FIRST_KEYS = ['name', 'arguments', 'parameters', 'function', 'type'];
const SECOND_KEYS = ['arguments', 'parameters', 'type', 'id'];
const BARE_HEAD = /^(?:\[\s*)?\{\s*(?:"(?<key>[a-z]*)(?<quote>"?)(?:\s*:\s*"(?<value>[^"]*)"?)?)?/;

/** Reads calls that are JSON objects with a name and arguments, bare or inside of a dialect's tokens. */
export class JsonCallCursor extends CallCursor {
  /** A whole answer that is nothing but a call, or an array of calls. */
  protected bare(): number {
    if (!this.canBeBare()) return NO;
    const end = this.jsonCalls(0);
    if (end < 0) return end;
    const next = this.space(end);
    if (next < this.text.length || !hasOnlyCallKeys(parseJson(this.text.slice(0, end)))) return NO;
    return this.isWhole ? next : MORE;
  }

  private canBeBare(): boolean {
    const head = BARE_HEAD.exec(this.text);
    if (!head) return this.text.trim() === '[' || (this.text.startsWith('[') && this.space(1) === this.text.length);
    const { key, quote, value } = head.groups ?? {};
    if (key === undefined) return head[0].length === this.text.length;
    if (!quote && head[0].length < this.text.length) return false;
    const isKnown = FIRST_KEYS.some((one) => (quote ? one === key : one.startsWith(key)));
    return isKnown && (key !== 'type' || value === undefined || 'function'.startsWith(value));
  }

  /** The calls in a JSON value, all of offered tools. */
  protected jsonCalls(at: number): number {
    if (at === this.text.length) return this.open();
    const end = jsonEnd(this.text, at);
    if (end < 0) return this.isWhole || !this.canBeCall(at) ? NO : MORE;
    const calls = callsInJson(parseJson(this.text.slice(at, end)));
    if (!calls?.every(({ name }) => this.tools.has(name))) return NO;
    this.calls.push(...calls);
    return end;
  }

  /** Of JSON that is still coming: whether its name can be an offered tool's. */
  private canBeCall(at: number): boolean {
    const first = this.text[at];
    if (first !== '{' && first !== '[') return false;
    CALL_HEAD.lastIndex = at;
    const { name, quote, next, nextQuote } = CALL_HEAD.exec(this.text)?.groups ?? {};
    if (name === undefined) return true;
    if (!quote) return this.tools.canBecome(name);
    if (!this.tools.has(name)) return false;
    if (next === undefined) return true;
    return SECOND_KEYS.some((key) => (nextQuote ? key === next : key.startsWith(next)));
  }
}
