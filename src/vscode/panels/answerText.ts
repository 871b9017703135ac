import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { ChatCall, ChatRoute, ChatUsage } from '../../protocol/playground.js';

/** Of the answer as it came, so much is kept of its beginning and of its end. */
const RAW_HEAD = 48 * 1024;
const RAW_TAIL = 8 * 1024;
/** An answer that is longer is broken off. */
export const LARGEST_ANSWER = 64 * 1024 * 1024;
/** Calls beyond are not shown. */
const MOST_CALLS = 128;

/** Why an answer broke off, in the gateway's words. */
export interface StreamError {
  message: string;
  code: string | null;
}

interface Delta {
  content?: unknown;
  refusal?: unknown;
  reasoning_content?: unknown;
  tool_calls?: ({ index?: number; id?: unknown; function?: { name?: unknown; arguments?: unknown } } | null)[];
}

/** Reads an answer's event stream and adds up what it says. Makes nothing of what it does not know. */
export class AnswerText {
  content = '';
  reasoning = '';
  readonly calls: ChatCall[] = [];
  /** Counts the changes of `calls`. */
  callChanges = 0;
  usage: ChatUsage | null = null;
  finish: string | null = null;
  error: StreamError | null = null;
  isDone = false;
  /** What comments told of the route, where the headers had to leave before it was known. */
  readonly facts = new Map<string, string>();
  private readonly parser: EventSourceParser;
  private head = '';
  private tail = '';
  private rawLength = 0;

  constructor() {
    this.parser = createParser({
      maxBufferSize: LARGEST_ANSWER,
      onEvent: ({ data }) => this.take(data),
      onComment: (comment) => this.note(comment.trim()),
    });
  }

  /** @throws when a single event is larger than any answer may be. */
  feed(text: string): void {
    this.rawLength += text.length;
    if (this.head.length < RAW_HEAD) this.head += text.slice(0, RAW_HEAD - this.head.length);
    // The end is cut out of what has just come: what came before is looked at only where that is short.
    this.tail = (text.length >= RAW_TAIL ? text : this.tail + text).slice(-RAW_TAIL);
    this.parser.feed(text);
  }

  /** Something was said: text, reasoning or a call. */
  get hasBegun(): boolean {
    return this.content !== '' || this.reasoning !== '' || this.calls.length > 0;
  }

  get length(): number {
    return this.content.length + this.reasoning.length + this.callLength;
  }

  /** Of all arguments together. */
  get callLength(): number {
    return this.calls.reduce((sum, call) => sum + call.arguments.length, 0);
  }

  /** The answer as it came; the middle of a long one is left out, which `cut` says. */
  raw(cut: (characters: number) => string): string {
    if (this.rawLength <= this.head.length) return this.head;
    const missing = this.rawLength - this.head.length - this.tail.length;
    if (missing <= 0) return this.head + this.tail.slice(-(this.rawLength - this.head.length));
    return `${this.head}\n\n${cut(missing)}\n\n${this.tail}`;
  }

  private take(data: string): void {
    if (data === '[DONE]') {
      this.isDone = true;
      return;
    }
    const chunk = parse(data);
    if (chunk === null) return;
    if (chunk.error) {
      const { message, code } = chunk.error;
      this.error = { message: String(message ?? ''), code: typeof code === 'string' ? code : null };
    }
    if (chunk.usage) {
      const { prompt_tokens, completion_tokens } = chunk.usage;
      this.usage = { promptTokens: Number(prompt_tokens ?? 0), completionTokens: Number(completion_tokens ?? 0) };
    }
    const choice = chunk.choices?.[0];
    if (typeof choice?.finish_reason === 'string') this.finish = choice.finish_reason;
    if (choice?.delta) this.add(choice.delta);
  }

  private add({ content, refusal, reasoning_content, tool_calls }: Delta): void {
    if (typeof content === 'string') this.content += content;
    if (typeof refusal === 'string') this.content += refusal;
    if (typeof reasoning_content === 'string') this.reasoning += reasoning_content;
    if (!Array.isArray(tool_calls)) return;
    for (const call of tool_calls) {
      const { index = this.calls.length, id, function: said } = call ?? {};
      if (!Number.isInteger(index) || index < 0 || index > this.calls.length || index >= MOST_CALLS) continue;
      this.calls[index] ??= { id: '', name: '', arguments: '' };
      const known = this.calls[index];
      if (typeof id === 'string' && known.id === '') known.id = id;
      if (typeof said?.name === 'string' && known.name === '') known.name = said.name;
      if (typeof said?.arguments === 'string') known.arguments += said.arguments;
    }
    this.callChanges += 1;
  }

  private note(comment: string): void {
    const space = comment.indexOf(' ');
    if (comment.startsWith('x-') && space > 0) this.facts.set(comment.slice(0, space), comment.slice(space + 1));
  }
}

interface Chunk {
  error?: { message?: unknown; code?: unknown };
  usage?: { prompt_tokens?: unknown; completion_tokens?: unknown } | null;
  choices?: { delta?: Delta; finish_reason?: unknown }[];
}

function parse(data: string): Chunk | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as Chunk) : null;
  } catch {
    return null;
  }
}

/** The route as headers or comments tell it: `x-routed-via` and `x-fallback-trail` of the contract. */
export function routeOf(fact: (name: string) => string | undefined): ChatRoute {
  const trail = fact('x-fallback-trail') ?? '';
  return {
    requestId: fact('x-request-id') ?? null,
    via: decoded(fact('x-routed-via')) ?? null,
    fallbacks: trail
      .split('; ')
      .filter((part) => part.includes('='))
      .map((part) => {
        const at = part.lastIndexOf('=');
        return { model: decoded(part.slice(0, at)) ?? '', kind: part.slice(at + 1) };
      }),
  };
}

/** What is not ASCII is percent-encoded in headers. */
function decoded(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
