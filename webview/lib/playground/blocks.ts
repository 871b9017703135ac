/** A piece of Markdown that can be shown on its own. */
export interface Block {
  /** `code` has no fence any more: it is shown as it is. `plain` neither: it is too long for a paragraph. */
  kind: 'markdown' | 'code' | 'plain';
  text: string;
  /** Of code: the first word after the fence, lower case. */
  language: string;
  /** It goes on where the block before it ended: nothing lies between them. */
  continues: boolean;
}

/** A block that is longer is cut in two, so that no single one takes long to show. */
export const BLOCK_CHARACTERS = 4_000;

interface Fence {
  mark: string;
  length: number;
  language: string;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`{]*)[^\n`]*$/;
const LIST_ITEM = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;

/**
 * Splits Markdown as it comes into blocks that no later text can change, and the one that still grows. Blank lines end a
 * block, save within fences and lists. What it takes for a boundary too early only costs looks, never text.
 */
export class BlockSplitter {
  /** The block that grows, without its last line if that is not complete yet. */
  private text = '';
  private line = '';
  private fence: Fence | null = null;
  private isList = false;
  private isBlank = false;
  private continues = false;

  /** @returns the blocks that are complete now */
  push(part: string): Block[] {
    const done: Block[] = [];
    let from = 0;
    for (;;) {
      const at = part.indexOf('\n', from);
      if (at < 0) break;
      this.take(this.line + part.slice(from, at), done);
      this.line = '';
      from = at + 1;
    }
    this.line += part.slice(from);
    // A line without an end would never be cut.
    while (this.line.length > BLOCK_CHARACTERS) this.cutLine(done);
    return done;
  }

  /** The block that grows, as it is; null where there is none. */
  get open(): Block | null {
    const text = this.text + this.line;
    if (text.trim() === '' && this.fence === null) return null;
    return this.block(this.fence === null ? 'markdown' : 'code', text);
  }

  /** Nothing follows. @returns the last blocks */
  end(): Block[] {
    const done: Block[] = [];
    if (this.line !== '') this.take(this.line, done);
    this.line = '';
    if (this.fence !== null || this.text.trim() !== '') this.close(done);
    return done;
  }

  private take(line: string, done: Block[]): void {
    if (this.fence !== null) {
      this.takeCode(line, this.fence, done);
      return;
    }
    const fence = this.isList && line.startsWith('  ') ? null : FENCE.exec(line);
    if (fence !== null) {
      this.close(done);
      const [, marks = '', language = ''] = fence;
      this.fence = { mark: marks.charAt(0), length: marks.length, language: language.toLowerCase() };
      return;
    }
    if (line.trim() === '') {
      this.isBlank = true;
      this.text += '\n';
      return;
    }
    if (this.isBlank && !(this.isList && (LIST_ITEM.test(line) || /^\s/.test(line)))) this.close(done);
    const limit = this.isList && !this.isBlank && !LIST_ITEM.test(line) ? 3 * BLOCK_CHARACTERS : BLOCK_CHARACTERS;
    if (this.text.length > limit) {
      this.close(done);
      this.continues = true;
    }
    this.isBlank = false;
    if (this.text.trim() === '') this.isList = LIST_ITEM.test(line);
    this.text += `${line}\n`;
  }

  private takeCode(line: string, fence: Fence, done: Block[]): void {
    const trimmed = line.trim();
    if (trimmed.length >= fence.length && trimmed === fence.mark.repeat(trimmed.length)) {
      this.close(done);
      return;
    }
    if (this.text.length > BLOCK_CHARACTERS) this.cut(done);
    this.text += `${line}\n`;
  }

  private cutLine(done: Block[]): void {
    // Halves of a pair stay together.
    const last = this.line.charCodeAt(BLOCK_CHARACTERS - 1);
    const end = last >= 0xd800 && last <= 0xdbff ? BLOCK_CHARACTERS - 1 : BLOCK_CHARACTERS;
    const piece = this.line.slice(0, end);
    this.line = this.line.slice(end);
    if (this.fence !== null) {
      this.text += piece;
      this.cut(done);
      return;
    }
    if (this.text.trim() !== '') this.close(done);
    done.push(this.block('plain', piece));
    this.continues = true;
    this.text = '';
  }

  /** Ends the block here, within its fence. */
  private cut(done: Block[]): void {
    done.push(this.block('code', this.text));
    this.text = '';
    this.continues = true;
  }

  private close(done: Block[]): void {
    const isCode = this.fence !== null;
    const isEmpty = isCode ? this.text === '' && this.continues : this.text.trim() === '';
    if (!isEmpty) done.push(this.block(isCode ? 'code' : 'markdown', this.text));
    this.text = '';
    this.fence = null;
    this.isList = false;
    this.isBlank = false;
    this.continues = false;
  }

  private block(kind: Block['kind'], text: string): Block {
    return { kind, text, language: this.fence?.language ?? '', continues: this.continues };
  }
}

/**
 * The same blocks, small neighbours as one: each has a price of its own, and a long answer has thousands. Only what is
 * complete is joined, so the last that still grows stays small.
 */
export function joined(blocks: readonly Block[]): Block[] {
  const result: Block[] = [];
  for (const block of blocks) {
    const last = result.at(-1);
    const fits = last?.kind === 'markdown' && last.text.length + block.text.length < BLOCK_CHARACTERS;
    if (last !== undefined && fits && block.kind === 'markdown' && !block.continues)
      result[result.length - 1] = { ...last, text: `${last.text}\n${block.text}` };
    else result.push(block);
  }
  return result;
}
