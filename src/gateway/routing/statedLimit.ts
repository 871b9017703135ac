import type { Failure } from './failure.js';
import { wholeNumber } from './wholeNumber.js';

type StatedLimit = NonNullable<Failure['statedLimit']>;

const AXES: readonly [RegExp, StatedLimit['axis']][] = [
  [/\bTPM\b|tokens[ -]per[ -]minute/i, 'tpm'],
  [/\bTPD\b|tokens[ -]per[ -]day/i, 'tpd'],
  [/\bRPM\b|requests[ -]per[ -]minute/i, 'rpm'],
  [/\bRPD\b|requests[ -]per[ -]day/i, 'rpd'],
];
/** The rest of a number that is no whole one: `0.5`, `1e6`. */
const BROKEN_OFF = /^(?:\.\d|e[+\d])/i;
/** Groq: "on tokens per minute (TPM): Limit 6000, Used 0, Requested 9000". */
const LIMIT = /\blimit:?\s+(\d[\d,]*)/i;
const REQUESTED = /\brequested:?\s+(\d[\d,]*)/i;
/** Where the window's size stands in context wording. The number must be said to be a size. */
const CONTEXT_SIZES: readonly RegExp[] = [
  /maximum context length (?:is|of)\s+(?:only )?(\d[\d,]*)/i,
  /(\d[\d,]*)\s+maximum context length/i,
  /maximum number of (?:input )?tokens allowed \(?(\d[\d,]*)/i,
  /max(?:imum)? (?:size|tokens|length):?\s+(\d[\d,]*)\s*tokens/i,
  /(?:context (?:length|window|size)|n_ctx)(?: is| of|:| \(|=)\s*(\d[\d,]*)/i,
  /(?:cannot exceed|while limit is|>)\s+(\d[\d,]*)/i,
];

/**
 * A limit that an error's prose states, with what this request asked for where that is said too; null when none.
 * A per-minute or per-day limit needs its axis in words ("TPM", "requests per day"); `isContext` also reads sizes of
 * context windows.
 */
export function statedLimitIn(text: string, isContext: boolean): { limit: StatedLimit; requested?: number } | null {
  const axis = AXES.find(([pattern]) => pattern.test(text))?.[1];
  const value = axis ? numberIn(LIMIT, text) : null;
  if (axis && value) {
    const requested = numberIn(REQUESTED, text);
    return requested === null ? { limit: { axis, value } } : { limit: { axis, value }, requested };
  }
  if (!isContext) return null;
  for (const pattern of CONTEXT_SIZES) {
    const size = numberIn(pattern, text);
    if (size) return { limit: { axis: 'context', value: size } };
  }
  return null;
}

function numberIn(pattern: RegExp, text: string): number | null {
  const match = pattern.exec(text);
  const digits = match?.[1];
  if (!match || digits === undefined) return null;
  const end = text.indexOf(digits, match.index) + digits.length;
  return BROKEN_OFF.test(text.slice(end, end + 3)) ? null : wholeNumber(digits.replace(/,$/, ''));
}
