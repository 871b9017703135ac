/** A run of backticks or tildes that may fence a block. */
interface Fence {
  char: string;
  count: number;
  /** Where on its line it stands, from the last `>` on: what closes it stands at most three further in. */
  column: number;
  isQuoted: boolean;
  /** Text stands before it. */
  isGlued: boolean;
  /** What follows it on its line. */
  info: string;
}

/** What ends a sentence, and so may stand right before a tag that is meant. */
const SENTENCE_ENDS = '.!?:;…。！？：；';
const CODE_INDENT = 4;
/** Of what follows a fence, and of a tag's name: more tells nothing. */
const MAX_INFO = 100;
const MAX_TAG = 8;
const INFO_WORD = /^[\w+#.-]+$/;
const TAG_START = /[a-z/!|\uff5c]/i;
const CODE_TAG = /^(?<close>\/?)(?<name>pre|code)\b/i;

/**
 * Follows Markdown through an answer, character by character, as far as telling code from prose needs
 * (https://spec.commonmark.org/0.31.2/). In doubt it says code: an example that is taken for a call is run, a call that
 * is taken for an example is read. So a fence may be glued to the text before it, and one with a language inside of
 * another opens a block of its own.
 */
export class MarkdownPlace {
  /** Nothing but white space came yet. */
  isOpening = true;
  private block: Fence | null = null;
  /** How many blocks are open within each other. */
  private depth = 0;
  /** `<pre>` or `<code>` that is open. */
  private html: { name: string; isBlock: boolean } | null = null;
  /** The line before is blank, or indented code: more indented code may follow. */
  private mayIndent = false;

  /** Of this line: only white space, `>` and list markers so far. */
  private isPrefix = true;
  /** Only white space so far. */
  private isBlank = true;
  private hasText = false;
  private isQuoted = false;
  private isIndented = false;
  private column = 0;
  /** White space since the line's start or its last marker. */
  private indent = 0;
  /** What may become a list marker. */
  private marker: '' | 'digits' | 'whole' = '';
  /** How many backticks opened code within this line; 0 outside. */
  private code = 0;
  private fence: Fence | null = null;
  /** The tag that is open, from its name on; null outside. */
  private tag: string | null = null;
  private isTagFirst = false;
  private endsSentence = false;
  /** The last that came on this line is the tag that opened `html`. */
  private isAfterHtml = false;

  /** Backticks or tildes in a row right before. */
  private run = '';
  private runLength = 0;
  private isRunAtStart = false;

  /** What stands here is code or a quote. Asked after `settle`. */
  get isExample(): boolean {
    return (
      this.block !== null ||
      this.code > 0 ||
      this.fence !== null ||
      this.html !== null ||
      this.isIndented ||
      this.isQuoted
    );
  }

  /** A line or a sentence begins here. Asked after `settle`. */
  get isStart(): boolean {
    return this.isBlank || this.endsSentence;
  }

  /** What came before `next`, which is none of Markdown's, is as it was. */
  settle(next: string): void {
    if (this.run !== '') this.endRun();
    if (this.isPrefix) this.leavePrefix(next);
  }

  /** Text, all of it. */
  readAll(text: string): void {
    const isWithinLine = !this.isPrefix && this.run === '' && this.tag === null && this.fence === null;
    if (isWithinLine && !/[\n`~<]/.test(text)) {
      // The common piece: only its last character tells anything.
      const last = text.trimEnd().at(-1);
      if (last === undefined) return;
      this.takeText();
      this.endsSentence = SENTENCE_ENDS.includes(last);
      return;
    }
    for (let index = 0; index < text.length; index += 1) this.read(text[index]!);
  }

  read(char: string): void {
    if (char === '\n') {
      this.endLine();
      return;
    }
    if (char === '`' || char === '~') {
      this.readRun(char);
      return;
    }
    if (this.run !== '') this.endRun();
    if (this.isPrefix) {
      if (this.readPrefix(char) || !this.leavePrefix(char)) return;
    }
    if (this.fence !== null && this.fence.info.length < MAX_INFO) this.fence.info += char;
    if (char === ' ' || char === '\t' || char === '\r') {
      if (this.tag !== null) this.readTag(char);
      return;
    }
    if (char === '<') this.isTagFirst = !this.hasText;
    this.takeText();
    this.endsSentence = SENTENCE_ENDS.includes(char);
    if (this.block === null && this.code === 0) this.readTag(char);
  }

  /** A call was taken out: what follows it begins anew. */
  beginLine(): void {
    this.isPrefix = true;
    this.isBlank = true;
    this.hasText = false;
    this.isQuoted = false;
    this.isIndented = false;
    this.column = 0;
    this.indent = 0;
    this.marker = '';
    // Code in a line ends with it, whatever its backticks say.
    this.code = 0;
    this.fence = null;
    this.tag = null;
    this.endsSentence = false;
    this.isAfterHtml = false;
  }

  private endLine(): void {
    if (this.run !== '') this.endRun();
    const isEmpty = this.isPrefix && this.marker === '' && !this.isIndented;
    if (this.isPrefix) this.leavePrefix('\n');
    if (this.fence !== null) {
      if (this.block === null) this.readFence(this.fence);
      else this.readInnerFence(this.fence, this.block);
    }
    if (this.html !== null && !this.html.isBlock) {
      if (this.isAfterHtml) this.html.isBlock = true;
      else this.html = null;
    }
    this.mayIndent = (isEmpty && !this.isOpening) || this.isIndented;
    this.beginLine();
  }

  private readFence(fence: Fence): void {
    const info = fence.info.trim();
    if (fence.isGlued && info !== '' && !INFO_WORD.test(info)) return;
    this.block = fence;
    this.depth = 1;
  }

  private readInnerFence(fence: Fence, block: Fence): void {
    if (fence.char !== block.char || fence.count < block.count || fence.column > block.column + 3) return;
    const info = fence.info.trim();
    if (info === '') {
      this.depth -= 1;
      if (this.depth === 0) this.block = null;
    } else if (INFO_WORD.test(info)) this.depth += 1;
  }

  /** Whether this belongs to what may stand before a line's text. */
  private readPrefix(char: string): boolean {
    const isSpace = char === ' ' || char === '\t';
    if (this.marker === 'whole') {
      if (!isSpace) return false;
      this.marker = '';
      this.indent = -1;
    } else if (this.marker === 'digits') {
      if (char === '.' || char === ')') this.marker = 'whole';
      else if (char < '0' || char > '9') return false;
      this.column += 1;
      return true;
    }
    if (char === '\r') return true;
    if (isSpace) {
      const width = char === '\t' ? CODE_INDENT - (this.column % CODE_INDENT) : 1;
      this.column += width;
      this.indent += width;
      return true;
    }
    const isMarker = this.block === null && (char === '-' || char === '*' || char === '+');
    const isDigit = this.block === null && char >= '0' && char <= '9';
    const isQuote = char === '>' && this.html === null && (this.block === null || this.block.isQuoted);
    if (!isMarker && !isDigit && !isQuote) return false;
    this.noteIndent();
    this.isOpening = false;
    this.isBlank = false;
    this.column += 1;
    if (isQuote) {
      this.isQuoted = true;
      this.column = 0;
      this.indent = 0;
    } else this.marker = isMarker ? 'whole' : 'digits';
    return true;
  }

  private noteIndent(): void {
    // Before the first word it is white space like any other.
    if (this.indent >= CODE_INDENT && (this.isBlank ? this.mayIndent && !this.isOpening : true)) this.isIndented = true;
  }

  /** The line's text begins with this; false where it was read as a prefix after all. */
  private leavePrefix(next: string): boolean {
    if (this.block?.isQuoted && !this.isQuoted) {
      // A quote ends with its lines, and what is open in it.
      this.block = null;
      if (next !== '\n' && this.readPrefix(next)) return false;
    }
    if (next !== '\n') this.noteIndent();
    this.isPrefix = false;
    return true;
  }

  private readRun(char: string): void {
    if (this.run === char) {
      this.runLength += 1;
      return;
    }
    if (this.run !== '') this.endRun();
    this.isRunAtStart = this.isPrefix && this.marker !== 'digits';
    if (this.isPrefix) this.leavePrefix(char);
    this.run = char;
    this.runLength = 1;
    this.takeText();
  }

  private takeText(): void {
    this.isOpening = false;
    this.isBlank = false;
    this.hasText = true;
    this.isAfterHtml = false;
    this.endsSentence = false;
  }

  private endRun(): void {
    const { run: char, runLength: count } = this;
    this.run = '';
    if (this.html !== null) return;
    const canFence = count >= 3 && this.fence === null;
    if (this.fence !== null && this.fence.info.length < MAX_INFO) this.fence.info += char;
    if (this.block !== null || char === '~' || this.fence?.char === '~') {
      if (canFence && this.isRunAtStart) this.fence = this.fenceHere(char, count);
      return;
    }
    if (this.code === 0) {
      this.code = count;
      if (canFence) this.fence = this.fenceHere(char, count);
    } else if (this.code === count) {
      this.code = 0;
      this.fence = null;
    }
  }

  private fenceHere(char: string, count: number): Fence {
    const isGlued = !this.isRunAtStart;
    // Glued to text it may be closed by one that stands anywhere.
    return { char, count, column: isGlued ? Infinity : this.column, isQuoted: this.isQuoted, isGlued, info: '' };
  }

  private readTag(char: string): void {
    if (char === '<') {
      this.tag = '';
      return;
    }
    if (this.tag === null) return;
    if (this.tag === '' && !TAG_START.test(char)) {
      this.tag = null;
      return;
    }
    if (char !== '>') {
      if (this.tag.length < MAX_TAG) this.tag += char;
      return;
    }
    const { close, name } = CODE_TAG.exec(this.tag)?.groups ?? {};
    this.tag = null;
    // Behind a tag another may stand; behind an arrow or a `>` that quotes none.
    this.endsSentence = true;
    if (name === undefined) return;
    if (this.html === null && !close) {
      this.html = { name: name.toLowerCase(), isBlock: this.isTagFirst };
      this.isAfterHtml = true;
    } else if (close && this.html?.name === name.toLowerCase()) this.html = null;
  }
}
