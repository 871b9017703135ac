import { matchDialect, type Place } from './dialects.js';
import { TAG_OPENERS, TOKEN_OPENERS } from './dialectTokens.js';
import { MarkdownPlace } from './markdownPlace.js';
import type { OfferedTools, TextCall } from './textCalls.js';

/** A piece of an answer after the calls written in its text were taken out. */
export type ScreenedPiece = { type: 'text'; text: string } | { type: 'call'; call: TextCall };

const LONGEST_OPENER = Math.max(...[...TAG_OPENERS, ...TOKEN_OPENERS].map(({ length }) => length));
/** Misses after long looks: who gets here has no calls to be found, and each costs. */
const MAX_LONG_MISSES = 32;
/** Held text up to this length is looked at with every piece, longer text each time it has doubled. */
const LOOKED_AT_ALWAYS = 512;
/** Characters of a call that may be held; longer, it is text. */
const MAX_HELD = 1_000_000;

/**
 * Takes tool calls out of streamed text that a model wrote in its own dialect. Text is held only from where a dialect
 * may begin until it is a call or can be none. Text that merely speaks of one stays: in code, in the middle of a
 * sentence, before more text on the same line, of a tool that is not offered.
 */
export class DialectScreen {
  private held: string | null = null;
  /** Where what is held begins. */
  private place: Place = { isOpening: true, isStart: true };
  private nextLook = 0;
  private longMisses = 0;
  private readonly markdown = new MarkdownPlace();

  constructor(private readonly tools: OfferedTools) {}

  get isHolding(): boolean {
    return this.held !== null;
  }

  /** Whether this piece may go out as it came; if so it is taken note of. */
  passes(text: string): boolean {
    if (this.held !== null || this.markdown.isOpening) return false;
    if (this.longMisses >= MAX_LONG_MISSES) return true;
    if (/[<[]/.test(text)) return false;
    this.markdown.readAll(text);
    return true;
  }

  push(text: string, out: ScreenedPiece[]): void {
    let rest = text;
    if (this.held !== null) {
      rest = this.held + text;
      if (rest.length > LOOKED_AT_ALWAYS && rest.length < this.nextLook) {
        this.held = rest;
        return;
      }
      this.held = null;
      rest = this.look(rest, false, out);
    }
    this.scan(rest, false, out);
  }

  /** What is held when the answer ends. */
  end(out: ScreenedPiece[]): void {
    const rest = this.held;
    this.held = null;
    if (rest !== null) this.scan(this.look(rest, true, out), true, out);
  }

  /** What is held, as text: the provider itself made a call of it. */
  release(): string {
    const rest = this.held ?? '';
    this.held = null;
    return rest;
  }

  /** Sends what is text, up to where a dialect may begin. */
  private scan(text: string, isWhole: boolean, out: ScreenedPiece[]): void {
    let rest = text;
    while (rest !== '') {
      const at = this.findOpener(rest);
      if (at > 0) addText(out, rest.slice(0, at));
      rest = rest.slice(at);
      if (rest === '') return;
      this.place = { isOpening: this.markdown.isOpening, isStart: this.markdown.isStart };
      rest = this.look(rest, isWhole, out);
    }
  }

  /** Looks at text that begins with an opener; gives what of it is to be scanned as text. */
  private look(text: string, isWhole: boolean, out: ScreenedPiece[]): string {
    const match = matchDialect(text, this.tools, this.place, isWhole);
    if (match.type === 'more' && text.length <= MAX_HELD) {
      this.held = text;
      this.nextLook = Math.min(2 * text.length, MAX_HELD + 1);
      return '';
    }
    this.markdown.isOpening = false;
    if (match.type !== 'calls') {
      if (match.type === 'more') this.longMisses = MAX_LONG_MISSES;
      else if (text.length > LOOKED_AT_ALWAYS) this.longMisses += 1;
      this.markdown.read(text[0]!);
      addText(out, text[0]!);
      return text.slice(1);
    }
    for (const call of match.calls) out.push({ type: 'call', call });
    this.markdown.beginLine();
    return text.slice(match.end);
  }

  /** The index of the first character from which on this may be a dialect; the length where there is none. */
  private findOpener(text: string): number {
    if (this.longMisses >= MAX_LONG_MISSES) return text.length;
    for (let index = 0; index < text.length; index += 1) {
      const char = text[index]!;
      if ((char === '<' || char === '[' || char === '{') && this.mayOpen(text, index, char)) return index;
      this.markdown.read(char);
    }
    return text.length;
  }

  private mayOpen(text: string, index: number, char: string): boolean {
    const { markdown } = this;
    markdown.settle(char);
    if (markdown.isExample) return false;
    if (markdown.isOpening && char !== '<') return true;
    if (char === '{') return false;
    const start = text.slice(index, index + LONGEST_OPENER);
    if (TOKEN_OPENERS.some((opener) => startsAlike(start, opener))) return true;
    return markdown.isStart && TAG_OPENERS.some((opener) => startsAlike(start, opener));
  }
}

/** Text that follows text is one piece. */
function addText(out: ScreenedPiece[], text: string): void {
  const last = out.at(-1);
  if (last?.type === 'text') last.text += text;
  else out.push({ type: 'text', text });
}

/** Whether one of the two begins with the other. */
function startsAlike(text: string, opener: string): boolean {
  return text.length < opener.length ? opener.startsWith(text) : text.startsWith(opener);
}
