import { Marked, type RendererObject } from 'marked';

/** Tags without attributes that models write into tables and formulas; all other HTML is shown as the text it is. */
const PLAIN_TAG = /^<\/?(?:br|sub|sup|kbd|b|i|u|s)\s*\/?>$/i;

const renderer: RendererObject = {
  html({ text }) {
    return PLAIN_TAG.test(text.trim()) ? text : escapeHtml(text);
  },
  link({ href, tokens }) {
    const words = this.parser.parseInline(tokens);
    return isSafeLink(href) ? `<a href="${escapeHtml(href)}">${words}</a>` : words;
  },
  /** Nothing is loaded from anywhere: an image is a link to it. */
  image({ href, text }) {
    const words = escapeHtml(text || href);
    return isSafeLink(href) ? `<a href="${escapeHtml(href)}">${words}</a>` : words;
  },
  checkbox({ checked }) {
    return checked ? '☑ ' : '☐ ';
  },
  code({ text, lang = '' }) {
    const language = /^[\w#+.-]{1,30}/.exec(lang)?.[0] ?? '';
    return `<pre><code class="language-${escapeHtml(language.toLowerCase())}">${escapeHtml(text)}</code></pre>`;
  },
};

const marked = new Marked({ gfm: true, breaks: true, renderer });

/** Markdown as HTML without anything of the writer's own HTML. It is sanitised once more before it is shown. */
export function toHtml(markdown: string): string {
  try {
    return marked.parse(markdown, { async: false });
  } catch {
    // Nested deeper than the stack.
    return `<p>${escapeHtml(markdown)}</p>`;
  }
}

/** Below this even the worst costs little. */
const KNOT_CHARACTERS = 1_000;

/**
 * Whether there are more marks in the text than anybody writes: the parser takes the square of their number, and the page
 * would stand still. Such text is shown as it is.
 */
export function isKnot(markdown: string): boolean {
  if (markdown.length < KNOT_CHARACTERS) return false;
  return (markdown.match(/[*_~[\]`<>!\\&]/g)?.length ?? 0) > markdown.length / 5;
}

/** https alone, and nothing before the host that could be taken for it; what the editor opens is checked by it again. */
export function isSafeLink(href: string): boolean {
  if (!/^https:\/\/[^\s/]/i.test(href) || !URL.canParse(href)) return false;
  const { username, password, href: whole } = new URL(href);
  return username === '' && password === '' && whole.length <= 2_000;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
