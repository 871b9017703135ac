/** A piece of an answer: reasoning or visible text. */
export interface TextPiece {
  kind: 'reasoning' | 'content';
  text: string;
}

const OPEN = '<think>';
const CLOSE = '</think>';

/**
 * Moves a leading `<think>…</think>` out of streamed text. Only a tag that opens the message counts: one in the middle of
 * an answer is text. Holds back at most a torn tag.
 */
export class ThinkSplitter {
  private state: 'opening' | 'thinking' | 'trimming' | 'text' = 'opening';
  private held = '';

  /** True once nothing can be held any more, so that text may pass without being looked at. */
  get isDone(): boolean {
    return this.state === 'text';
  }

  push(text: string): TextPiece[] {
    if (this.state === 'text') return text ? [{ kind: 'content', text }] : [];
    this.held += text;
    return this.drain();
  }

  /** What is still held when the message ends. */
  end(): TextPiece[] {
    const text = this.held;
    this.held = '';
    if (!text) return [];
    return [{ kind: this.state === 'thinking' ? 'reasoning' : 'content', text }];
  }

  private drain(): TextPiece[] {
    const pieces: TextPiece[] = [];
    if (this.state === 'opening' && !this.readOpening()) return pieces;
    if (this.state === 'thinking') {
      const close = this.held.indexOf(CLOSE);
      const torn = close < 0 ? tornTagLength(this.held, CLOSE) : 0;
      const reasoning = this.held.slice(0, close < 0 ? this.held.length - torn : close);
      if (reasoning) pieces.push({ kind: 'reasoning', text: reasoning });
      if (close < 0) {
        this.held = this.held.slice(this.held.length - torn);
        return pieces;
      }
      this.held = this.held.slice(close + CLOSE.length);
      this.state = 'trimming';
    }
    if (this.state === 'trimming') {
      this.held = this.held.trimStart();
      if (!this.held) return pieces;
      this.state = 'text';
    }
    if (this.held) pieces.push({ kind: 'content', text: this.held });
    this.held = '';
    return pieces;
  }

  /** Decides whether the message opens with the tag; false while it is still open. */
  private readOpening(): boolean {
    const start = this.held.trimStart();
    if (start.startsWith(OPEN)) {
      this.held = start.slice(OPEN.length).replace(/^\n/, '');
      this.state = 'thinking';
      return true;
    }
    if (OPEN.startsWith(start)) return false;
    this.state = 'text';
    return true;
  }
}

/** How many characters at the end of `text` could be the beginning of `tag`. */
function tornTagLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

/** The same for a whole message. */
export function splitThinking(text: string): { reasoning: string; content: string } {
  const splitter = new ThinkSplitter();
  const result = { reasoning: '', content: '' };
  for (const piece of [...splitter.push(text), ...splitter.end()]) result[piece.kind] += piece.text;
  return result;
}
