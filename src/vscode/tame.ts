/** Control characters, and what turns the direction of text around it. */
const UNRULY = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu;

/** Other people's text (names of models and providers, labels, words of an answer) made fit for one line of ours. */
export function tame(text: string, most = 120): string {
  const line = text
    .slice(0, most * 4)
    .replace(UNRULY, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** The same for a notification, where VS Code makes links of `[text](target)`. */
export function tameNotice(text: string, most = 300): string {
  return tame(text, most).replaceAll('](', '] (');
}
