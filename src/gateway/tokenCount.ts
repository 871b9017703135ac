/** More than any model's context window, by far: a count above it is a mistake, or malice. */
const MAX_TOKENS = 1e9;

/** Whether a provider's count of tokens can be one: `1e400` is Infinity once parsed, and some count below zero. */
export function isTokenCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS;
}
