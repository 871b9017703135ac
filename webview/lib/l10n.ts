import { readInit } from './bridge.js';

const init = readInit();
const texts: Readonly<Record<string, string>> = init?.texts ?? {};

/** The language of the editor, for Intl. */
export const locale: string = init?.locale ?? 'en';

/** What the table of providers says of one (its offer, a note on its terms), where l10n/ has it; anything else as it is. */
export function tableText(text: string): string {
  return texts[text] ?? text;
}

/**
 * A text in the editor's language, `{0}` and so on filled in. The first argument must be a literal: a test reads it from
 * the source and compares it with l10n/.
 */
export function t(text: string, ...values: (string | number)[]): string {
  const translated = texts[text] ?? text;
  if (values.length === 0) return translated;
  return translated.replace(/\{(\d+)\}/g, (hole, index: string) => String(values[Number(index)] ?? hole));
}
