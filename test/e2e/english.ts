import type { Frame } from 'playwright-core';

/** Names, and words that Chinese texts of this trade use as they are. */
const NAMES = new Set(
  [
    ...['FreeLLM', 'VS', 'Code', 'API', 'HTTP', 'JSON', 'URL', 'OpenAI', 'LLM', 'token', 'tokens', 'lab'],
    ...['large', 'small', 'auto', 'node', 'Kilo', 'Gateway', 'OVH', 'Endpoints', 'Horde', 'SecretStorage'],
    // What the settings and `auto:<strategy>` call them.
    ...['priority', 'balanced', 'smartest', 'fastest', 'reliable', 'custom'],
  ].map((name) => name.toLowerCase()),
);

/** The English that is left in texts: those that have a word of Latin letters that is no name, no address and no id. */
export function englishIn(texts: readonly string[]): string[] {
  return texts.filter((text) =>
    text
      // A setting as VS Code names it where another links to it.
      .replace(/Freellm: [A-Z]\w+/g, ' ')
      // Addresses, ids, file and setting names, keys of the keyboard.
      .replace(/[\w.~-]*[\w~-][/:._…=+@-][\w./:…=+@~-]*/g, ' ')
      .split(/[^A-Za-z']+/)
      .some((word) => word.length > 2 && !NAMES.has(word.toLowerCase())),
  );
}

/** Every text of a document that somebody sees or hears: text nodes, names, titles and placeholders, once each. */
export async function wordsOf(frame: Frame): Promise<string[]> {
  const texts = await frame.evaluate(() => {
    const found: (string | null)[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (!node.parentElement?.closest('script, style, noscript')) found.push(node.textContent);
    }
    for (const element of Array.from(document.querySelectorAll('body *')))
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) found.push(element.getAttribute(name));
    return found;
  });
  return [...new Set(texts.map((text) => (text ?? '').replace(/\s+/g, ' ').trim()))].filter((text) => text !== '');
}
