import type { ChatRequest, FinishReason, ToolDefinition, Usage } from '../../protocol/chat.js';
import { DialectScreen, type ScreenedPiece } from './dialectScreen.js';
import { errorProseIn, mayBeErrorProse } from './errorProse.js';
import { type JsonFormat, JsonScreen, readJsonAnswer } from './jsonScreen.js';
import { OfferedTools, type TextCall } from './textCalls.js';

/** What of a text can be a dialect at all, looked for in whole answers before anything else. */
const MAY_HOLD_CALL = /^\s*[{[]|<tool_call>|<function=|<\||<\uff5c|\[TOOL_CALLS\]/;

/**
 * Looks at the visible text of one streamed answer on its way to the client (docs/answers.md): known error prose and
 * what is not the JSON that was asked for is rejected, tool calls written as text become calls. It asks for nothing
 * that the request did not; once nothing is left to look for, `isDone`.
 */
export class AnswerScreen {
  /** Why this is no answer; null while it may be one. */
  rejection: string | null = null;
  /** An opening that may be error prose, from its first word on; null once it is none. */
  private prose: string | null;
  private dialect: DialectScreen | null;
  private json: JsonScreen | null;
  private readonly hasTools: boolean;

  /**
   * `provider`: its id. `isCommitted`: something of the answer is with the client already, so that it begins as no error
   * does.
   */
  constructor(
    request: ChatRequest,
    private readonly provider: string,
    isCommitted: boolean,
  ) {
    const tools = callableTools(request);
    const format = jsonFormat(request);
    this.hasTools = tools !== null;
    this.dialect = tools && new DialectScreen(new OfferedTools(tools));
    this.json = format && new JsonScreen(format);
    // JSON mode rejects prose of every kind.
    this.prose = isCommitted || (format && !tools) ? null : '';
  }

  get isDone(): boolean {
    return this.prose === null && this.dialect === null && this.json === null && this.rejection === null;
  }

  /** Text that is more than white space is held back: something came, though nothing of it was sent. */
  get isHolding(): boolean {
    return (
      (this.prose !== null && this.prose !== '') ||
      (this.dialect?.isHolding ?? false) ||
      (this.json?.isHolding ?? false)
    );
  }

  /** Whether this piece may go out in the chunk it came in. */
  passes(text: string): boolean {
    if (this.prose !== null || this.rejection !== null) return false;
    // In this order: what the dialect's screen takes note of twice is noted once.
    return (this.dialect?.passes(text) ?? true) && (this.json?.passes(text) ?? true);
  }

  /** What may be sent now. */
  push(text: string, isCommitted: boolean): ScreenedPiece[] {
    // White space alone begins anything.
    if (this.prose === null || (this.prose === '' && text.trim() === '')) return this.screen(text, isCommitted);
    this.prose += text;
    if (mayBeErrorProse(this.prose, this.provider)) return [];
    const opening = this.prose;
    this.prose = null;
    return this.screen(opening, isCommitted);
  }

  /** The answer ends: what was held. `usage` is what the provider counted, if it did. */
  end(finishReason: FinishReason | null, usage: Usage | null, isCommitted: boolean): ScreenedPiece[] {
    const out: ScreenedPiece[] = [];
    if (this.prose !== null) {
      const opening = this.prose;
      this.prose = null;
      this.rejection = errorProseIn(opening, usage);
      if (this.rejection !== null) return out;
      if (opening !== '') out.push(...this.screen(opening, isCommitted));
    }
    const held: ScreenedPiece[] = [];
    this.dialect?.end(held);
    this.holdToJson(held, isCommitted, out);
    if (this.json && this.rejection === null) {
      const rest = this.json.end(isCutShort(finishReason));
      this.rejection = this.json.rejection;
      if (rest !== '') out.push({ type: 'text', text: rest });
    }
    this.dialect = null;
    this.json = null;
    return out;
  }

  /** The provider itself sent a tool call: from here on there is nothing to look for. What was held, as text. */
  release(): string {
    const held = (this.prose ?? '') + (this.json?.release() ?? '') + (this.dialect?.release() ?? '');
    this.prose = null;
    this.json = null;
    this.dialect = null;
    return held;
  }

  private screen(text: string, isCommitted: boolean): ScreenedPiece[] {
    if (this.dialect === null && this.json === null) return [{ type: 'text', text }];
    const pieces: ScreenedPiece[] = [];
    if (this.dialect === null) pieces.push({ type: 'text', text });
    else this.dialect.push(text, pieces);
    if (this.json === null) return pieces;
    const out: ScreenedPiece[] = [];
    this.holdToJson(pieces, isCommitted, out);
    return out;
  }

  private holdToJson(pieces: readonly ScreenedPiece[], isCommitted: boolean, out: ScreenedPiece[]): void {
    for (const piece of pieces) {
      if (piece.type === 'text' && this.json !== null) {
        const text = this.json.push(piece.text, this.hasTools || isCommitted);
        this.rejection = this.json.rejection;
        if (text !== '') out.push({ type: 'text', text });
        continue;
      }
      const held = this.json?.release() ?? '';
      this.json = null;
      if (held !== '') out.push({ type: 'text', text: held });
      out.push(piece);
    }
  }
}

/** A whole answer's text, looked at in the same way: the text to send and the calls that were in it, or why it is none. */
export function screenWhole(
  text: string,
  request: ChatRequest,
  finishReason: FinishReason | null,
  usage: Usage | null,
): { text: string; calls: TextCall[] } | { rejection: string } {
  const rejection = errorProseIn(text, usage);
  if (rejection !== null) return { rejection };
  const tools = callableTools(request);
  if (tools && MAY_HOLD_CALL.test(text)) {
    const pieces: ScreenedPiece[] = [];
    const screen = new DialectScreen(new OfferedTools(tools));
    screen.push(text, pieces);
    screen.end(pieces);
    const calls = pieces.flatMap((piece) => (piece.type === 'call' ? [piece.call] : []));
    if (calls.length > 0) {
      return { text: pieces.map((piece) => (piece.type === 'text' ? piece.text : '')).join(''), calls };
    }
  }
  const format = jsonFormat(request);
  if (!format) return { text, calls: [] };
  const json = readJsonAnswer(text, format, isCutShort(finishReason));
  return 'rejection' in json ? json : { text: json.text, calls: [] };
}

function callableTools(request: ChatRequest): readonly ToolDefinition[] | null {
  return request.tools && request.tools.length > 0 && request.tool_choice !== 'none' ? request.tools : null;
}

function jsonFormat(request: ChatRequest): JsonFormat | null {
  const format = request.response_format;
  return format && format.type !== 'text' ? format : null;
}

/** Whoever cut the answer short, it need not be whole. */
function isCutShort(finishReason: FinishReason | null): boolean {
  return finishReason === 'length' || finishReason === 'content_filter';
}
