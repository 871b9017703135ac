import createPurifier, { type Config } from 'dompurify';
import { t } from '../l10n.js';
import type { Block } from './blocks.js';
import { highlighted } from './highlight.js';
import { isKnot, toHtml } from './markdown.js';
import { Patience } from './patience.js';

/** What Markdown needs, and nothing that could look like a part of the page. */
const TAGS = [
  ...['p', 'br', 'strong', 'em', 'b', 'i', 'u', 's', 'del', 'sub', 'sup', 'kbd', 'a', 'code', 'pre', 'blockquote'],
  ...['ul', 'ol', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'hr', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'span'],
];
const RULES: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS: TAGS,
  ALLOWED_ATTR: ['href', 'start', 'align', 'class'],
  ALLOWED_URI_REGEXP: /^https:\/\//i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** Marks that turn the order of text around: in code they are shown, so that it reads as it runs. */
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const TURNING_EACH = /([\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])/;

/** What a code block's buttons are for. */
export type CodeAct = 'copy' | 'insert';

const purifier = createPurifier(window);
const sources = new WeakMap<Element, string>();

purifier.addHook('uponSanitizeAttribute', (node, data) => {
  if (data.attrName === 'class' && !(node.nodeName === 'CODE' && /^language-[\w#+.-]*$/.test(data.attrValue)))
    data.keepAttr = false;
});

/**
 * A block as an element. Everything in it comes through the sanitiser, or is text.
 * @param isOpen it still grows: it has no buttons yet, which would be made anew under the pointer
 */
function renderBlock(block: Block, isOpen: boolean, patience: Patience): HTMLElement {
  if (block.kind === 'code') return codeElement(block.text, block.language, block.continues, isOpen, patience);
  const element = document.createElement('div');
  element.className = block.continues ? 'block continues' : 'block';
  const isPlain = block.kind === 'plain' || isKnot(block.text);
  const made = isPlain ? null : patience.spend(() => sanitized(toHtml(block.text)));
  element.append(made ?? block.text);
  if (made === null) return element;
  refine(element, isOpen, patience);
  return element;
}

/** The whole code of a block that may have been cut into several. `root` is what the answer is shown in. */
export function codeOf(root: Element, element: Element): string {
  const all = Array.from(root.querySelectorAll('.code'));
  const from = all.indexOf(element);
  const rest = all.slice(from + 1);
  const end = rest.findIndex((next) => !next.classList.contains('continues'));
  const parts = [element, ...(end < 0 ? rest : rest.slice(0, end))];
  return parts.map((part) => sources.get(part) ?? '').join('');
}

/** Code that comes after so much of an answer is not coloured: nobody reads it, and its layout costs most. */
const COLOURED_CHARACTERS = 100_000;

/** So many characters are laid out, or left out of sight, together. */
const PIECE_CHARACTERS = 8_000;

/** An answer's blocks in pieces that the browser leaves alone while they are out of sight: few, whatever its length. */
export class AnswerPieces {
  private piece: HTMLElement | null = null;
  private length = 0;
  private total = 0;
  private open: HTMLElement | null = null;
  private last: HTMLElement | null = null;
  private readonly patience = new Patience();

  constructor(private readonly root: HTMLElement) {}

  clear(): void {
    this.root.replaceChildren();
    this.piece = null;
    this.total = 0;
    this.open = null;
    this.last = null;
  }

  /** @param open the one that still grows, in place of the one before */
  add(blocks: readonly Block[], open: Block | null): void {
    this.open?.remove();
    this.open = null;
    for (const block of blocks) {
      const element = this.append(block, false);
      if (block.continues) this.last?.classList.add('goes-on');
      this.last = element;
      this.length += block.text.length;
      this.total += block.text.length;
      if (this.length > PIECE_CHARACTERS) this.piece = null;
    }
    if (open !== null) this.open = this.append(open, true);
  }

  private append(block: Block, isOpen: boolean): HTMLElement {
    if (this.piece === null) {
      this.piece = document.createElement('div');
      this.piece.className = block.continues ? 'piece continues' : 'piece';
      this.length = 0;
      this.root.append(this.piece);
    }
    const language = this.total > COLOURED_CHARACTERS ? '' : block.language;
    const element = renderBlock({ ...block, language }, isOpen, this.patience);
    this.piece.append(element);
    return element;
  }
}

function sanitized(html: string): DocumentFragment {
  return purifier.sanitize(html, RULES);
}

function refine(element: HTMLElement, isOpen: boolean, patience: Patience): void {
  for (const heading of element.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    // One level for all: theirs would not fit into ours.
    const own = document.createElement('h3');
    own.className = `level-${heading.nodeName.charAt(1)}`;
    own.append(...heading.childNodes);
    heading.replaceWith(own);
  }
  for (const table of element.querySelectorAll('table')) {
    const scroll = document.createElement('div');
    scroll.className = 'table';
    reachable(scroll, t('Table'));
    table.replaceWith(scroll);
    scroll.append(table);
  }
  for (const pre of element.querySelectorAll('pre')) {
    const code = pre.querySelector('code');
    const language = (code?.className ?? '').replace('language-', '');
    pre.replaceWith(codeElement(pre.textContent ?? '', language, false, isOpen, patience));
  }
  for (const link of element.querySelectorAll('a')) link.title = link.href;
}

function codeElement(
  text: string,
  language: string,
  continues: boolean,
  isOpen: boolean,
  patience: Patience,
): HTMLElement {
  const element = document.createElement('div');
  element.className = continues ? 'code continues' : 'code';
  sources.set(element, text);
  if (!continues) element.append(codeHead(language, isOpen));
  const pre = document.createElement('pre');
  reachable(pre, t('Code'));
  const code = document.createElement('code');
  const isPlain = isOpen && text.length > 2_000;
  const html = isPlain ? null : patience.spend(() => highlighted(text, language));
  if (html === null) code.textContent = text;
  else code.innerHTML = html;
  if (TURNING.test(text)) showTurning(code);
  pre.append(code);
  element.append(pre);
  return element;
}

/** It scrolls: who has no mouse must reach it. */
function reachable(element: HTMLElement, label: string): void {
  element.tabIndex = 0;
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', label);
}

function codeHead(language: string, isOpen: boolean): HTMLElement {
  const head = document.createElement('div');
  head.className = 'code-head';
  const name = document.createElement('span');
  name.className = 'cut';
  name.textContent = language;
  head.append(name);
  if (isOpen) return head;
  head.append(codeButton('copy', t('Copy')), codeButton('insert', t('Insert at cursor')));
  return head;
}

function codeButton(act: CodeAct, words: string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.dataset['act'] = act;
  button.textContent = words;
  return button;
}

function showTurning(code: HTMLElement): void {
  const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  while (walker.nextNode())
    if (TURNING.test(walker.currentNode.nodeValue ?? '')) found.push(walker.currentNode as Text);
  for (const text of found) {
    const parts = (text.nodeValue ?? '').split(TURNING_EACH).map((part) => {
      if (!TURNING.test(part)) return part;
      const mark = document.createElement('span');
      mark.className = 'turning';
      mark.textContent = `U+${(part.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
      return mark;
    });
    text.replaceWith(...parts);
  }
}
