import { MAX_NAME, MORE, NO } from './callCursor.js';
import { DEEPSEEK, END_TOKENS, KIMI, OPENERS, TOKEN_OPENERS } from './dialectTokens.js';
import { JsonCallCursor } from './jsonCallCursor.js';
import type { OfferedTools, TextCall } from './textCalls.js';

/**
 * What a text is that begins where a dialect of tool calls might.
 * - `no`: no call of an offered tool, whatever follows.
 * - `more`: may become one.
 * - `calls`: these, up to `end`; what follows is text again.
 */
export type DialectMatch = { type: 'no' } | { type: 'more' } | { type: 'calls'; calls: TextCall[]; end: number };

/** Where in an answer a text begins. */
export interface Place {
  /** Nothing came before it. */
  isOpening: boolean;
  /** A line or a sentence begins. */
  isStart: boolean;
}

/** Reads a text from its first character on as calls of offered tools. `isWhole`: nothing follows it. */
export function matchDialect(text: string, tools: OfferedTools, place: Place, isWhole: boolean): DialectMatch {
  try {
    return new DialectReader(text, tools, isWhole).match(place);
  } catch {
    // Nesting deeper than the stack.
    return { type: 'no' };
  }
}

class DialectReader extends JsonCallCursor {
  /** Where the last block ends, with the tokens that end a turn. */
  private blockEnd = 0;

  match(place: Place): DialectMatch {
    // One that begins with a bracket is JSON, or `[TOOL_CALLS]`.
    if (place.isOpening && /^(?:\{|\[[^T])/.test(this.text)) return this.result(this.bare());
    let at = 0;
    if (!place.isStart && this.anyOf(0, TOKEN_OPENERS) === NO) return { type: 'no' };
    let accepted: DialectMatch = { type: 'no' };
    for (;;) {
      const end = this.block(at);
      if (end === MORE) return { type: 'more' };
      if (end === NO) return accepted;
      const next = this.afterBlock(end);
      if (next === MORE) return { type: 'more' };
      // Text on the same line: somebody speaks of a call.
      if (next === NO) return accepted;
      accepted = { type: 'calls', calls: [...this.calls], end: next === this.text.length ? next : this.blockEnd };
      if (next === this.text.length) return accepted;
      at = next;
    }
  }

  private result(end: number): DialectMatch {
    if (end === MORE) return { type: 'more' };
    return end === NO ? { type: 'no' } : { type: 'calls', calls: this.calls, end };
  }

  private block(at: number): number {
    const readers = [this.toolCallTag, this.functionTag, this.pythonTag, this.kimi, this.deepSeek, this.mistral];
    const count = this.calls.length;
    for (const read of readers) {
      const end = read.call(this, at);
      if (end !== NO) return end;
      this.calls.length = count;
    }
    return NO;
  }

  /** Where the next block may begin, past white space; the text's length at its end; NO if other text is on the line. */
  private afterBlock(end: number): number {
    let at = this.space(end, ' \t');
    for (;;) {
      const token = this.anyOf(at, END_TOKENS);
      if (token === MORE || (at === this.text.length && !this.isWhole)) return MORE;
      if (token === NO) break;
      at = this.space(token, ' \t');
    }
    this.blockEnd = at;
    const next = this.space(at);
    if (next === this.text.length) return this.isWhole ? next : MORE;
    if (this.text.slice(at, next).includes('\n')) return next;
    return this.anyOf(next, OPENERS) === NO ? NO : next;
  }

  /** Hermes, Qwen: JSON or Qwen coder's tags; GLM: a name and tagged arguments. */
  private toolCallTag(at: number): number {
    const open = this.literal(at, '<tool_call>');
    if (open < 0) return open;
    const body = this.space(open);
    if (body === this.text.length) return this.open();
    const first = this.text[body];
    if (first === '{' || first === '[') return this.close(this.jsonCalls(body), '</tool_call>');
    return this.close(first === '<' ? this.functionBody(body) : this.glm(body), '</tool_call>');
  }

  private functionTag(at: number): number {
    const end = this.functionBody(at);
    if (end < 0) return end;
    // Qwen coder forgets the tag that this one closes.
    const stray = this.literal(this.space(end), '</tool_call>');
    return stray >= 0 || (stray === MORE && this.space(end) < this.text.length) ? stray : end;
  }

  /** `<function=name>` with JSON (Llama) or `<parameter=x>` tags (Qwen coder). */
  private functionBody(at: number): number {
    const open = this.literal(at, '<function=');
    if (open < 0) return open;
    const name = this.name(open);
    if (typeof name === 'number') return name;
    const body = this.literal(open + name.length, '>');
    if (body < 0) return body;
    const first = this.space(body);
    if (first === this.text.length) return this.open();
    if (this.text[first] !== '{') return this.parameters(name, body);
    const end = this.jsonArguments(first);
    return end < 0 ? end : this.close(this.add(name, end), '</function>');
  }

  private parameters(name: string, from: number): number {
    const values: [string, string][] = [];
    for (let at = from; ; ) {
      const next = this.space(at);
      const end = this.literal(next, '</function>');
      const isOver = next === this.text.length && this.isWhole && values.length > 0;
      if (end >= 0 || isOver) {
        this.calls.push({ name, arguments: this.tools.argumentsOf(name, values) });
        return isOver ? next : end;
      }
      const open = this.literal(next, '<parameter=');
      if (open < 0) return end === MORE || open === MORE ? MORE : NO;
      const key = this.until(open, ['>'], MAX_NAME);
      if (typeof key === 'number') return key;
      const value = this.until(key.end, ['</parameter>']);
      if (typeof value === 'number') return value;
      values.push([key.text.trim(), value.text]);
      at = value.end;
    }
  }

  private glm(at: number): number {
    const name = this.name(at);
    if (typeof name === 'number') return name;
    const values: [string, string][] = [];
    for (let from = at + name.length; ; ) {
      const next = this.space(from);
      const open = this.literal(next, '<arg_key>');
      if (open === MORE) return MORE;
      if (open === NO) {
        this.calls.push({ name, arguments: this.tools.argumentsOf(name, values) });
        // A bare name without its closing tag is no call.
        return next === this.text.length && values.length === 0 ? NO : next;
      }
      const key = this.until(open, ['</arg_key>'], MAX_NAME);
      if (typeof key === 'number') return key;
      const valueOpen = this.literal(this.space(key.end), '<arg_value>');
      if (valueOpen < 0) return valueOpen;
      const value = this.until(valueOpen, ['</arg_value>']);
      if (typeof value === 'number') return value;
      values.push([key.text.trim(), value.text]);
      from = value.end;
    }
  }

  /** Llama: JSON, several parted by `;`, or its function tags. */
  private pythonTag(at: number): number {
    const open = this.literal(at, '<|python_tag|>');
    if (open < 0) return open;
    let next = this.space(open);
    if (this.text[next] === '<') return this.functionBody(next);
    for (;;) {
      const end = this.jsonCalls(next);
      if (end < 0) return end;
      next = this.space(end);
      if (this.text[next] !== ';') return end;
      next = this.space(next + 1);
    }
  }

  private kimi(at: number): number {
    const section = this.literal(at, KIMI.open);
    if (section === MORE) return MORE;
    for (let from = section === NO ? at : section; ; ) {
      const next = this.space(from);
      const open = this.literal(next, KIMI.call);
      const isFirst = from === at || from === section;
      if (open < 0)
        return isFirst || open === MORE ? this.orOpen(open, next) : this.sectionEnd(next, section, [KIMI.close]);
      // `functions.get_weather:0`
      const id = this.until(open, [KIMI.arguments], MAX_NAME);
      if (typeof id === 'number') return id;
      const name = id.text
        .trim()
        .replace(/^functions\./, '')
        .replace(/:\d+$/, '');
      const end = this.tools.has(name) ? this.jsonArguments(this.space(id.end)) : NO;
      if (end < 0) return end;
      from = this.close(this.add(name, end), KIMI.end);
      if (from < 0) return from;
    }
  }

  /** V3: a type, the name, then JSON in a fence; V3.1: the name, then JSON. */
  private deepSeek(at: number): number {
    const section = this.anyOf(at, DEEPSEEK.open);
    if (section < 0) return section;
    for (let from = section; ; ) {
      const next = this.space(from);
      const open = this.anyOf(next, DEEPSEEK.call);
      if (open < 0)
        return from === section || open === MORE
          ? this.orOpen(open, next)
          : this.sectionEnd(next, section, DEEPSEEK.close);
      const type = this.until(open, DEEPSEEK.name, MAX_NAME);
      if (typeof type === 'number') return type;
      let name = type.text.trim();
      let body = this.space(type.end);
      if (this.text[body] !== '{') {
        if (body === this.text.length) return this.open();
        const line = this.until(body, ['\n'], MAX_NAME);
        if (typeof line === 'number') return line;
        name = line.text.trim();
        body = this.literal(this.space(line.end), '```json');
        if (body < 0) return body;
        body = this.space(body);
      }
      const end = this.tools.has(name) ? this.jsonArguments(body) : NO;
      if (end < 0) return end;
      const fence = this.literal(this.space(end), '```');
      if (fence === MORE && this.space(end) < this.text.length) return MORE;
      from = this.closeAny(this.add(name, fence >= 0 ? fence : end), DEEPSEEK.end);
      if (from < 0) return from;
    }
  }

  /** `[TOOL_CALLS]` with a JSON array, or a name and JSON, `[CALL_ID]` and `[ARGS]` between them or not. */
  private mistral(at: number): number {
    const open = this.literal(at, '[TOOL_CALLS]');
    if (open < 0) return open;
    const body = this.space(open);
    if (body === this.text.length) return this.open();
    if (this.text[body] === '[' || this.text[body] === '{') return this.jsonCalls(body);
    const name = this.name(body);
    if (typeof name === 'number') return name;
    let next = this.space(body + name.length);
    const id = this.literal(next, '[CALL_ID]');
    if (id === MORE) return MORE;
    if (id >= 0) {
      const value = this.name(id, false);
      if (typeof value === 'number') return value;
      next = this.space(id + value.length);
    }
    const args = this.literal(next, '[ARGS]');
    if (args === MORE) return MORE;
    const end = this.jsonArguments(this.space(args >= 0 ? args : next));
    return end < 0 ? end : this.add(name, end);
  }
}
