import { isRecord } from '../surfaces/looseParts.js';
import { jsonEnd, parseJson } from './jsonScanner.js';
import type { OfferedTools, TextCall } from './textCalls.js';

/** Instead of a position: the text ends before this can be told. */
export const MORE = -1;
/** Instead of a position: it is not there, and will not be. */
export const NO = -2;
/** Ids and names before their closing token; longer is no name. */
export const MAX_NAME = 200;
const NAME = /[\w.:/-]+/y;

/**
 * What the readers of the dialects share. Positions are indices into the text; a reader gives the one behind what it
 * read, or `MORE` or `NO`. The calls it read are added to `calls`.
 */
export class CallCursor {
  protected readonly calls: TextCall[] = [];
  private argumentsText = '';

  /** `isWhole`: nothing follows the text. */
  constructor(
    protected readonly text: string,
    protected readonly tools: OfferedTools,
    protected readonly isWhole: boolean,
  ) {}

  /** An object of arguments, kept for `add`. */
  protected jsonArguments(at: number): number {
    if (at === this.text.length) return this.open();
    if (this.text[at] !== '{') return NO;
    const end = jsonEnd(this.text, at);
    if (end < 0) return this.open();
    this.argumentsText = this.text.slice(at, end);
    return isRecord(parseJson(this.argumentsText)) ? end : NO;
  }

  protected add(name: string, end: number): number {
    this.calls.push({ name, arguments: this.argumentsText });
    return end;
  }

  /** A name from here on; that of an offered tool unless said otherwise. */
  protected name(at: number, isTool = true): string | number {
    NAME.lastIndex = at;
    const name = NAME.exec(this.text)?.[0] ?? '';
    if (at + name.length === this.text.length) {
      return !this.isWhole && (!isTool || this.tools.canBecome(name)) ? MORE : NO;
    }
    return name !== '' && (!isTool || this.tools.has(name)) ? name : NO;
  }

  /** The text up to the first of these tokens, and where it ends. */
  protected until(at: number, tokens: readonly string[], max = Infinity): { text: string; end: number } | number {
    let found: { text: string; end: number } | null = null;
    for (const token of tokens) {
      const index = this.text.indexOf(token, at);
      if (index < 0 || (found && index > at + found.text.length)) continue;
      found = { text: this.text.slice(at, index), end: index + token.length };
    }
    if (found) return found.text.length > max ? NO : found;
    return this.text.length - at > max + MAX_NAME ? NO : this.open();
  }

  /** After a body: its closing token, which the end of the answer may stand for (it is a stop sequence of many servers). */
  protected close(end: number, token: string): number {
    return this.closeAny(end, [token]);
  }

  protected closeAny(end: number, tokens: readonly string[]): number {
    if (end < 0) return end;
    const next = this.space(end);
    return next === this.text.length && this.isWhole ? next : this.anyOf(next, tokens);
  }

  protected sectionEnd(next: number, section: number, tokens: readonly string[]): number {
    if (next === this.text.length) return this.isWhole ? next : MORE;
    const end = this.anyOf(next, tokens);
    // Without a section's opening token there is none that closes it.
    return end === NO && section === NO ? next : end;
  }

  protected orOpen(result: number, at: number): number {
    return at === this.text.length ? this.open() : result;
  }

  /** Where the text ends too soon. */
  protected open(): number {
    return this.isWhole ? NO : MORE;
  }

  protected anyOf(at: number, tokens: readonly string[]): number {
    let isOpen = false;
    for (const token of tokens) {
      const end = this.literal(at, token);
      if (end >= 0) return end;
      isOpen ||= end === MORE;
    }
    return isOpen ? MORE : NO;
  }

  protected literal(at: number, token: string): number {
    if (this.text.startsWith(token, at)) return at + token.length;
    const rest = this.text.length - at;
    return !this.isWhole && rest < token.length && token.startsWith(this.text.slice(at)) ? MORE : NO;
  }

  protected space(at: number, kinds = ' \t\r\n'): number {
    let next = at;
    while (next < this.text.length && kinds.includes(this.text[next]!)) next += 1;
    return next;
  }
}
