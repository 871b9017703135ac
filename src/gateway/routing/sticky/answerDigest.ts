import type { ToolCallDelta } from '../../../protocol/chat.js';
import type { AnswerListener } from '../../surfaces/chunkNormalizer.js';
import { TextHash } from './textHash.js';

/** Answers that begin with so many characters alike are taken for the same: the rest would cost and tell nothing. */
const MAX_TEXT = 4096;
/** Longer arguments are compared by their text instead of their value. */
const MAX_PARSED = 16 * 1024;
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
  private readonly said = new TextHash(MAX_TEXT);
  private made: Call[] | null = null;

  text(piece: string): void {
    this.said.text(piece);
  }

  calls(deltas: readonly ToolCallDelta[]): void {
    this.made ??= [];
    for (const { index, function: fn } of deltas) {
      const call = this.made[index];
      if (!call) this.made[index] = { name: fn?.name ?? '', arguments: fn?.arguments ?? '' };
      else if (fn?.arguments) call.arguments += fn.arguments;
    }
  }

  /** Of the whole answer; null while it says nothing. */
  get value(): number | null {
    const { said, made } = this;
    if (!made) return said.length === 0 ? null : said.value;
    const hash = new TextHash();
    hash.number(said.value);
    for (const call of made) {
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
  if (value === undefined) hash.text(text);
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
    hash.text(String(value));
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
