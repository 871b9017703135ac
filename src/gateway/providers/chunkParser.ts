import type { LooseChunk } from './adapter.js';
import { isObject } from './errorBody.js';

/** Where the growing text of an answer stands in a delta. */
const TEXT_FIELDS = ['content', 'reasoning_content', 'reasoning'] as const;

/** A chunk of which others differ in one text of `choices[0].delta` only. */
interface Template {
  field: (typeof TEXT_FIELDS)[number];
  /** Up to and with the quote that opens the text. */
  prefix: string;
  /** From the quote that closes it. */
  suffix: string;
  chunk: LooseChunk;
}

/** What stands in a JSON string as it is. Escapes, and what JSON forbids, are left to the parser. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON forbids
const PLAIN_TEXT = /^[^"\\\u0000-\u001f]+$/;
const PROBE = 'probe';
/** Streams whose chunks differ in more than a text (a time, padding) are not searched for templates for ever. */
const MAX_TEMPLATES = 8;

/**
 * `JSON.parse` for the events of one stream. Most chunks repeat the one before in all but a text, and parsing them was
 * a third of what a stream costs: their common shape is parsed once, then only compared. What comes out is what
 * `JSON.parse` would give, but chunks of one shape share what lies deeper than the delta, so it is for reading only.
 */
export class ChunkParser {
  private template: Template | null = null;
  private learnt = 0;

  /** @throws SyntaxError when it is no JSON. */
  parse(data: string): unknown {
    const repeat = this.template && repeatOf(this.template, data);
    if (repeat) return repeat;
    const body: unknown = JSON.parse(data);
    if (this.learnt < MAX_TEMPLATES && isObject(body)) this.learn(data, body);
    return body;
  }

  private learn(data: string, chunk: LooseChunk): void {
    const delta = Array.isArray(chunk.choices) ? chunk.choices[0]?.delta : undefined;
    if (!isObject(delta)) return;
    const field = TEXT_FIELDS.find((name) => typeof delta[name] === 'string' && delta[name] !== '');
    if (!field) return;
    const quoted = `"${delta[field] as string}"`;
    const key = data.indexOf(`"${field}":`);
    const opening = key < 0 ? -1 : data.indexOf(quoted, key + field.length + 3);
    if (opening < 0) return;
    this.learnt += 1;
    const prefix = data.slice(0, opening + 1);
    const suffix = data.slice(opening + quoted.length - 1);
    if (isTextBetween(prefix, suffix, field)) this.template = { field, prefix, suffix, chunk };
  }
}

/** The proof that this place is the field's, whatever else the chunk holds. */
function isTextBetween(prefix: string, suffix: string, field: string): boolean {
  try {
    const probe = JSON.parse(`${prefix}${PROBE}${suffix}`) as LooseChunk;
    return probe.choices?.[0]?.delta?.[field] === PROBE;
  } catch {
    return false;
  }
}

/** The chunk that `data` holds when it differs from the template in the text only, else null. */
function repeatOf({ field, prefix, suffix, chunk }: Template, data: string): LooseChunk | null {
  const end = data.length - suffix.length;
  // Compared as slices: several times as fast as startsWith and endsWith.
  if (end <= prefix.length || data.slice(0, prefix.length) !== prefix || data.slice(end) !== suffix) return null;
  const text = data.slice(prefix.length, end);
  if (!PLAIN_TEXT.test(text)) return null;
  const [choice, ...others] = chunk.choices!;
  return { ...chunk, choices: [{ ...choice, delta: { ...choice!.delta, [field]: text } }, ...others] };
}
