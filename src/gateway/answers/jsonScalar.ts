import { parseJson } from './jsonScanner.js';
import type { Kinds } from './schemaKinds.js';

/** Characters of a bare JSON string, number or word that are held: only its end shows that it is one. */
export const MAX_SCALAR = 100_000;

const WORDS = ['true', 'false', 'null'];
const FENCE = /^(?:`+|~{3,})/;
const LANGUAGE = /^[\w+-]*\s+/;

/** Whether a text that is still coming may begin a scalar, in a code fence or not, but is too short to tell. */
export function mayBecomeScalar(text: string, kinds: Kinds): boolean {
  if (!kinds.other) return false;
  return bodiesOf(text).some(
    (body) => body === '-' || WORDS.some((word) => body !== '' && body.length < word.length && word.startsWith(body)),
  );
}

/**
 * The bare string, number or word of these kinds that a text begins, without a code fence around it; null if it begins
 * none. It need not be whole, or right. `text`: without white space before it.
 */
export function scalarIn(text: string, kinds: Kinds): string | null {
  const found = bodiesOf(text).filter((body) => beginsScalar(body, kinds));
  return found.find((body) => parseJson(body) !== undefined) ?? found[0] ?? null;
}

function beginsScalar(text: string, kinds: Kinds): boolean {
  if (text.startsWith('"')) return kinds.string;
  return kinds.other && (/^-?\d/.test(text) || WORDS.some((word) => text.startsWith(word)));
}

/** What a text may say: itself, or what is in its fence, the first word of which is a language or not. */
function bodiesOf(text: string): string[] {
  const fence = FENCE.exec(text)?.[0];
  if (fence === undefined) return [text];
  const close = text.lastIndexOf(fence);
  const body = (close > 0 ? text.slice(fence.length, close) : text.slice(fence.length)).trim();
  const rest = body.replace(LANGUAGE, '');
  return rest === body ? [body] : [body, rest];
}
