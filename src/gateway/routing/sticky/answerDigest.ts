import type { ChatDelta, ToolCallDelta } from '../../../protocol/chat.js';
import type { AnswerListener } from '../../surfaces/chunkNormalizer.js';
import { TextHash } from './textHash.js';

/** Texts that begin with so many bytes alike are taken for the same: the rest would cost and tell nothing. */
const MAX_BYTES = 1024;
/** So much of a text is kept until it ends: enough for those bytes, however it is indented. */
const MAX_KEPT = 4096;
/** Longer arguments are compared by how their text begins instead of by their value. */
const MAX_PARSED = 8192;
/** JSON that is nested deeper is not looked into. */
const MAX_DEPTH = 32;

interface Call {
  name: string;
  arguments: string;
}

/**
 * What tells one answer from another: its text, and its tool calls' names and arguments. The same for an answer that
 * streams in pieces and for the message that a client makes of it and sends back.
 */
export class AnswerDigest implements AnswerListener {
  private said = '';
  private made: Call[] | null = null;

  hear({ content, refusal, tool_calls: calls }: ChatDelta): void {
    // A client that is refused sends the refusal back as text.
    if (content) this.text(content);
    else if (refusal) this.text(refusal);
    if (calls) this.calls(calls);
  }

  private text(piece: string): void {
    // Joined first: a piece may end within a character.
    if (this.said.length < MAX_KEPT) this.said += piece;
  }

  private calls(deltas: readonly ToolCallDelta[]): void {
    this.made ??= [];
    for (const { index, function: fn } of deltas) {
      const call = this.made[index];
      if (!call) this.made[index] = { name: fn?.name ?? '', arguments: fn?.arguments ?? '' };
      else if (fn?.arguments) call.arguments += fn.arguments;
    }
  }

  /** Of the whole answer; null while it says nothing. */
  get value(): number | null {
    const hash = new TextHash();
    hash.text(this.said.slice(0, MAX_KEPT), MAX_BYTES);
    if (!this.made) return hash.isEmpty ? null : hash.value;
    for (const call of this.made) {
      if (!call) continue;
      hash.number(1);
      hash.text(call.name);
      addArguments(hash, call.arguments);
    }
    return hash.value;
  }
}

/** Clients parse arguments and write them anew: their value counts, not their spelling. */
function addArguments(hash: TextHash, text: string): void {
  const value = text.length <= MAX_PARSED ? parse(text) : undefined;
  if (value === undefined) hash.text(text.slice(0, MAX_KEPT), MAX_BYTES);
  else addValue(hash, value, 0);
}

/** Undefined where it is no JSON. No arguments are an empty object, and what was encoded twice is decoded twice. */
function parse(text: string): unknown {
  try {
    const value: unknown = text.trim() === '' ? {} : JSON.parse(text);
    return typeof value === 'string' && /^\s*[[{]/.test(value) ? JSON.parse(value) : value;
  } catch {
    return undefined;
  }
}

function addValue(hash: TextHash, value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) {
    hash.text(String(value).slice(0, MAX_KEPT), MAX_BYTES);
    return;
  }
  if (depth === MAX_DEPTH) return;
  const isArray = Array.isArray(value);
  hash.number(isArray ? 2 : 3);
  for (const name of isArray ? value.keys() : Object.keys(value).sort()) {
    hash.number(4);
    if (!isArray) hash.text(`${name}:`);
    addValue(hash, (value as Record<string | number, unknown>)[name], depth + 1);
  }
}
