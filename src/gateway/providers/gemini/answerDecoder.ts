import { createHash, randomUUID } from 'node:crypto';
import type { ChatDelta, FinishReason } from '../../../protocol/chat.js';
import type { DecodedEvent, LooseChunk } from '../adapter.js';
import { toFinishReason } from './finishReason.js';
import type { SignatureCache } from './signatureCache.js';
import { createToolCallDecoder } from './toolCallDecoder.js';
import { toUsage } from './usage.js';
import { type GeminiPart, type GeminiResponse, type GeminiUsage, isObject } from './wire.js';

export interface AnswerContext {
  modelId: string;
  signatures: SignatureCache;
  /** ms since the epoch. */
  now: () => number;
}

/**
 * Reads the responses of one answer in order: all chunks of a stream, or the one response of a plain call.
 *
 * Gemini has sent its finishReason with every chunk (1.5), and sends usage with every chunk including later ones; so
 * reason and usage are held until the end, and the last of each counts.
 */
export interface AnswerDecoder {
  add(response: GeminiResponse): DecodedEvent[];
  /** Finish, usage and end marker; nothing at all if Gemini never said how it finished (the stream was cut). */
  end(): DecodedEvent[];
  readonly hasFinished: boolean;
}

export function createAnswerDecoder(context: AnswerContext): AnswerDecoder {
  const { modelId, signatures } = context;
  const toolCalls = createToolCallDecoder(modelId, signatures);
  const textHash = createHash('sha256');
  const created = Math.floor(context.now() / 1000);
  let id: string | null = null;
  let model = modelId;
  let hasRole = false;
  let hasText = false;
  let textSignature: string | null = null;
  let finish: string | null = null;
  let isBlocked = false;
  let usage: GeminiUsage | undefined;

  function emit(delta: ChatDelta, finishReason: FinishReason | null = null): DecodedEvent {
    const withRole: ChatDelta = hasRole ? delta : { role: 'assistant', ...delta };
    hasRole = true;
    return { type: 'chunk', chunk: chunkOf([{ index: 0, delta: withRole, finish_reason: finishReason }]) };
  }

  function chunkOf(choices: NonNullable<LooseChunk['choices']>): LooseChunk {
    id ??= `chatcmpl-${randomUUID()}`;
    return { id, object: 'chat.completion.chunk', created, model, choices };
  }

  function addPart(part: GeminiPart): DecodedEvent[] {
    const calls = part.functionCall ? toolCalls.decode(part) : [];
    if (calls.length > 0) return [emit({ tool_calls: calls })];
    // An image the model made; OpenRouter's field for it, as OpenAI's chat format has none.
    if (part.inlineData?.data) return [emit({ images: [imageOf(part.inlineData)] })];
    if (typeof part.text !== 'string') return [];
    if (part.thought === true) return part.text === '' ? [] : [emit({ reasoning_content: part.text })];
    if (part.thoughtSignature) textSignature = part.thoughtSignature;
    if (part.text === '') return [];
    hasText = true;
    textHash.update(part.text);
    return [emit({ content: part.text })];
  }

  function finalReason(): FinishReason {
    const isCut = toolCalls.isOpen;
    return isBlocked ? 'content_filter' : toFinishReason(finish ?? 'STOP', toolCalls.count > 0, isCut);
  }

  return {
    add(response) {
      if (typeof response.responseId === 'string' && response.responseId !== '')
        id ??= `chatcmpl-${response.responseId}`;
      if (typeof response.modelVersion === 'string' && response.modelVersion !== '') model = response.modelVersion;
      if (isObject(response.usageMetadata)) usage = response.usageMetadata as GeminiUsage;
      if (response.promptFeedback?.blockReason) isBlocked = true;
      const events: DecodedEvent[] = [];
      // One candidate is asked for; others could not be told apart by clients of one choice.
      const candidate = list(response.candidates).find((one) => isObject(one) && !one.index);
      for (const part of list(candidate?.content?.parts)) if (isObject(part)) events.push(...addPart(part));
      if (typeof candidate?.finishReason === 'string') finish = candidate.finishReason;
      return events;
    },
    end() {
      if (finish === null && !isBlocked) return [];
      const events: DecodedEvent[] = [];
      // A stop means that the model had said everything, so a call left open is complete; any other end cut it off.
      const rest = finish === 'STOP' && !isBlocked ? toolCalls.finish() : [];
      if (rest.length > 0) events.push(emit({ tool_calls: rest }));
      if (textSignature && hasText) signatures.rememberText(modelId, textHash.digest('hex'), textSignature);
      events.push(emit(hasRole ? {} : { content: '' }, finalReason()));
      const counted = toUsage(usage);
      if (counted) events.push({ type: 'chunk', chunk: { ...chunkOf([]), usage: counted } });
      events.push({ type: 'done' });
      return events;
    },
    get hasFinished() {
      return finish !== null || isBlocked;
    },
  };
}

function list<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}

function imageOf(data: { mimeType?: string; data?: string }): unknown {
  const url = `data:${data.mimeType ?? 'image/png'};base64,${data.data}`;
  return { type: 'image_url', image_url: { url } };
}
