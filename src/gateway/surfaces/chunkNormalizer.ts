import type { ChatDelta, ChatRequest, FinishReason, Usage } from '../../protocol/chat.js';
import { AnswerScreen } from '../answers/answerScreen.js';
import { repairFor } from '../answers/argumentRepair.js';
import type { ScreenedPiece } from '../answers/dialectScreen.js';
import type { TextCall } from '../answers/textCalls.js';
import type { LooseChoice, LooseChunk } from '../providers/adapter.js';
import { estimateUsage, tokensOf } from './estimateUsage.js';
import { isRecord, readContent, readFinishReason, readReasoning, readUsage } from './looseParts.js';
import { type TextPiece, ThinkSplitter } from './thinkSplitter.js';
import { ToolCallTracker } from './toolCallTracker.js';

/** Who follows what the client is told, delta by delta. */
export interface AnswerListener {
  hear(delta: ChatDelta): void;
}

export interface ChunkNormalizerOptions {
  /** What `model` says where the provider did not. */
  model: string;
  listener?: AnswerListener | undefined;
  /** The client asked for `stream_options.include_usage`. */
  includeUsage: boolean;
  /** Seconds since the epoch, for chunks that lack `created`. */
  created: number;
  /** Estimated, for providers that give no usage. */
  promptTokens: number;
  /** A fresh id, `prefix` in front. */
  newId(prefix: string): string;
  /** What the answer is held to; nothing if left out. */
  request?: ChatRequest;
  /** Id of the provider that answers. */
  provider?: string;
}

/**
 * Turns the chunks of one upstream stream into what the contract promises (contract.md, Chat streams): a role first, one
 * finish reason, usage once and only when asked for, `reasoning_content`, whole tool calls. `push` and `finish` return
 * the `data` texts to send; a chunk in which nothing has to change is returned as it was received.
 */
export class ChunkNormalizer {
  /** Visible text, reasoning or a tool call has come: the commit point. */
  hasOutput = false;
  /** Text, a refusal or a tool call has come: the answer is not empty. */
  hasAnswer = false;
  finishReason: FinishReason | null = null;
  usage: Usage | null = null;
  /** Characters of text, reasoning and arguments seen, to estimate usage where the provider gives none. */
  characters = 0;

  private readonly think = new ThinkSplitter();
  private readonly tools: ToolCallTracker;
  private readonly options: ChunkNormalizerOptions;
  private envelope: Record<string, unknown> | null = null;
  private finishValue: unknown = null;
  /** White space before the first word. */
  private heldSpace = '';
  /** Made when the first visible text comes; null once there is nothing to look for. */
  private screen: AnswerScreen | null | undefined;

  constructor(options: ChunkNormalizerOptions) {
    this.options = options;
    if (!options.request) this.screen = null;
    const tools = options.request?.tools;
    this.tools = new ToolCallTracker(() => options.newId('call_'), tools && ((name) => repairFor(tools, name)));
  }

  /** Why this is no answer to the request, though it looks like one; null while it may be. */
  get rejection(): string | null {
    return this.screen?.rejection ?? null;
  }

  /** Visible text came and is held back until it shows what it is. */
  get isHolding(): boolean {
    return this.screen?.isHolding ?? false;
  }

  /** What comes was looked at as a whole. */
  skipScreening(): void {
    this.screen = null;
  }

  /** The provider named a finish reason: nothing but usage may follow. */
  get isFinished(): boolean {
    return this.finishValue !== null;
  }

  push(chunk: LooseChunk, raw?: string): string[] {
    if (chunk.usage != null) this.usage = readUsage(chunk.usage) ?? this.usage;
    else if (isRecord(chunk['x_groq']) && chunk['x_groq']['usage']) this.usage = readUsage(chunk['x_groq']['usage']);
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    if (!isRecord(choice)) return [];
    const delta = isRecord(choice.delta) ? choice.delta : isRecord(choice['message']) ? choice['message'] : {};
    if (raw !== undefined && this.canPass(chunk, choice, delta)) {
      this.options.listener?.hear(delta as ChatDelta);
      return [raw];
    }
    return this.rebuild(chunk, choice, delta);
  }

  /** The terminal chunks: what was held, the finish reason, and usage where asked for. */
  finish(): string[] {
    const out: string[] = [];
    this.emitPieces(this.think.end(), {}, out);
    if (this.screen) {
      const stated = readFinishReason(this.finishValue, false);
      this.emitScreened(this.screen.end(stated, this.usage, this.hasOutput), {}, out);
    }
    const missing = this.tools.end();
    if (missing.length > 0) out.push(this.text({ tool_calls: missing }, null));
    this.finishReason = readFinishReason(this.finishValue, this.tools.hasOpenCall) ?? 'stop';
    if (!this.hasOutput) this.openRole(out);
    out.push(this.text({}, this.finishReason));
    if (this.options.includeUsage) out.push(this.usageText());
    return out;
  }

  /** Whether the chunk can go out as its provider wrote it. The common case of a long answer; kept cheap. */
  private canPass(chunk: LooseChunk, choice: LooseChoice, delta: Record<string, unknown>): boolean {
    if (!this.hasOutput || chunk.usage != null || choice.finish_reason != null || choice.index !== 0) return false;
    if (chunk.object !== 'chat.completion.chunk' || typeof chunk.id !== 'string' || !chunk.choices?.length)
      return false;
    if (typeof chunk.created !== 'number' || typeof chunk.model !== 'string' || chunk.choices.length !== 1)
      return false;
    if (delta['role'] !== undefined || delta['reasoning'] !== undefined) return false;
    const content = delta['content'];
    if (delta['tool_calls'] !== undefined) {
      if ((content != null && content !== '') || delta['reasoning_content'] != null) return false;
      return this.tools.canPass(delta['tool_calls']) && this.count(1);
    }
    const reasoning = delta['reasoning_content'];
    if (typeof reasoning === 'string' && reasoning !== '' && (content == null || content === '')) {
      return this.count(reasoning.length);
    }
    if (typeof content !== 'string' || content === '' || reasoning != null || !this.think.isDone) return false;
    if (this.screen !== null && !this.screen?.passes(content)) return false;
    this.hasAnswer = true;
    return this.count(content.length);
  }

  private count(characters: number): true {
    this.characters += characters;
    return true;
  }

  private rebuild(chunk: LooseChunk, choice: LooseChoice, delta: Record<string, unknown>): string[] {
    this.rememberEnvelope(chunk);
    const out: string[] = [];
    const content = readContent(delta['content']);
    const reasoning = readReasoning(delta) || content.reasoning;
    const rest = unknownFields(delta);
    if (reasoning) this.emitPieces([{ kind: 'reasoning', text: reasoning }], rest, out);
    if (content.text) this.emitPieces(this.think.push(content.text), rest, out);
    if (typeof delta['refusal'] === 'string' && delta['refusal']) {
      this.hasAnswer = true;
      this.openRole(out);
      out.push(this.text({ refusal: delta['refusal'] }, null));
    }
    const calls = this.tools.push(delta['tool_calls']);
    if (calls.length > 0) {
      this.emitPieces(this.think.end(), {}, out);
      const held = this.screen?.release();
      this.screen = null;
      if (held) this.emitContent(held, {}, out);
      this.hasAnswer = true;
      this.openRole(out);
      out.push(this.text({ ...rest, tool_calls: calls }, null));
      for (const call of calls) this.characters += call.function?.arguments?.length ?? 0;
    }
    if (choice.finish_reason != null && choice.finish_reason !== '') this.finishValue = choice.finish_reason;
    return out;
  }

  private emitPieces(pieces: TextPiece[], rest: ChatDelta, out: string[]): void {
    for (const { kind, text } of pieces) {
      this.characters += text.length;
      if (kind === 'reasoning') {
        this.openRole(out);
        out.push(this.text({ ...rest, reasoning_content: text }, null));
      } else if (this.screen === null) this.emitContent(text, rest, out);
      else {
        this.screen ??= new AnswerScreen(this.options.request!, this.options.provider ?? '', this.hasOutput);
        this.emitScreened(this.screen.push(text, this.hasOutput), rest, out);
        if (this.screen.isDone) this.screen = null;
      }
    }
  }

  private emitScreened(pieces: readonly ScreenedPiece[], rest: ChatDelta, out: string[]): void {
    for (const piece of pieces) {
      if (piece.type === 'text') this.emitContent(piece.text, rest, out);
      else this.emitCall(piece.call, out);
    }
  }

  private emitContent(text: string, rest: ChatDelta, out: string[]): void {
    if (this.hasAnswer || text.trim() !== '') this.hasAnswer = true;
    // White space alone is no answer yet: a provider that says nothing else is to be failed over.
    else if (!this.hasOutput) {
      this.heldSpace += text;
      return;
    }
    this.openRole(out);
    const content = this.heldSpace + text;
    this.heldSpace = '';
    out.push(this.text({ ...rest, content }, null));
  }

  /** A call that was found in the text. */
  private emitCall(call: TextCall, out: string[]): void {
    const deltas = this.tools.push([{ id: this.options.newId('call_'), type: 'function', function: call }]);
    this.hasAnswer = true;
    this.heldSpace = '';
    this.openRole(out);
    out.push(this.text({ tool_calls: deltas }, null));
  }

  private openRole(out: string[]): void {
    if (this.hasOutput) return;
    this.hasOutput = true;
    out.push(this.text({ role: 'assistant', content: '' }, null));
  }

  private rememberEnvelope(chunk: LooseChunk): void {
    if (this.envelope) return;
    const { choices: _choices, usage: _usage, x_groq: _groq, ...fields } = chunk;
    this.envelope = {
      ...fields,
      id: typeof chunk.id === 'string' && chunk.id ? chunk.id : this.options.newId('chatcmpl-'),
      object: 'chat.completion.chunk',
      created: typeof chunk.created === 'number' ? chunk.created : this.options.created,
      model: typeof chunk.model === 'string' && chunk.model ? chunk.model : this.options.model,
    };
  }

  private text(delta: ChatDelta, finishReason: FinishReason | null): string {
    this.rememberEnvelope({});
    this.options.listener?.hear(delta);
    return JSON.stringify({ ...this.envelope, choices: [{ index: 0, delta, finish_reason: finishReason }] });
  }

  private usageText(): string {
    this.rememberEnvelope({});
    return JSON.stringify({ ...this.envelope, choices: [], usage: this.usage ?? this.estimatedUsage() });
  }

  /** Where the provider gives no usage at all. */
  estimatedUsage(): Usage {
    return estimateUsage(this.options.promptTokens, tokensOf(this.characters));
  }
}

const STANDARD_DELTA = new Set([
  'role',
  'content',
  'reasoning',
  'reasoning_content',
  'refusal',
  'tool_calls',
  'function_call',
]);

/** Fields of a delta that we neither know nor need to change (annotations, reasoning_details, channel). */
function unknownFields(delta: Record<string, unknown>): ChatDelta {
  const rest: ChatDelta = {};
  for (const name in delta) if (!STANDARD_DELTA.has(name)) rest[name] = delta[name];
  return rest;
}
