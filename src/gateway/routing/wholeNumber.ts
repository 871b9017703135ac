const WHOLE = /^\d+$/;
const WITH_THOUSANDS = /^\d{1,3}(?:,\d{3})+$/;

/**
 * A count as providers write it: digits, with or without a comma before every three; or a number. null for all else:
 * fractions, `1e6`, what is below 0 or too large to be exact. Half of such a text read as a number would be a limit that
 * nobody set.
 */
export function wholeNumber(value: unknown): number | null {
  let number = value;
  if (typeof value === 'string') {
    const text = value.trim();
    if (WHOLE.test(text)) number = Number(text);
    else if (WITH_THOUSANDS.test(text)) number = Number(text.replaceAll(',', ''));
  }
  return Number.isSafeInteger(number) && (number as number) >= 0 ? (number as number) : null;
}
