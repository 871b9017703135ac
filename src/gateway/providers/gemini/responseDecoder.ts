import type { ToolCall, ToolCallDelta } from '../../../protocol/chat.js';
import type { DecodedBody, DecodedEvent, LooseChunk, LooseCompletion } from '../adapter.js';
import { type AnswerContext, createAnswerDecoder } from './answerDecoder.js';
import { errorIn } from './responseError.js';
import { type GeminiResponse, isObject, type JsonObject } from './wire.js';

/**
 * Decodes a whole `:generateContent` body. A JSON array of responses is taken too: that is what
 * `:streamGenerateContent` without `alt=sse` sends, and what some proxies make of it.
 */
export function decodeGeminiBody(text: string, context: AnswerContext): DecodedBody {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return { type: 'malformed', message: 'Gemini sent a body that is not JSON' };
  }
  const responses = (Array.isArray(parsed) ? parsed : [parsed]).filter(isObject);
  for (const response of responses) {
    const error = errorIn(response);
    if (error) return error;
  }
  if (!responses.some(isAnswer)) return { type: 'malformed', message: 'Gemini sent JSON that is not an answer' };

  const answer = createAnswerDecoder(context);
  const events = responses.flatMap((response) => answer.add(response as GeminiResponse));
  // The body is complete JSON, so nothing was cut: a missing reason is Google's omission, not a broken connection.
  if (!answer.hasFinished) events.push(...answer.add({ candidates: [{ finishReason: 'STOP' }] }));
  events.push(...answer.end());
  return { type: 'completion', completion: assemble(events) };
}

function isAnswer(response: JsonObject): boolean {
  return Array.isArray(response.candidates) || isObject(response.promptFeedback) || isObject(response.usageMetadata);
}

function assemble(events: readonly DecodedEvent[]): LooseCompletion {
  const chunks = events.flatMap((event) => (event.type === 'chunk' ? [event.chunk] : []));
  const texts: string[] = [];
  const thoughts: string[] = [];
  const images: unknown[] = [];
  const calls: ToolCall[] = [];
  let finish: unknown = null;
  for (const choice of chunks.flatMap((chunk) => chunk.choices ?? [])) {
    const delta = choice.delta ?? {};
    if (typeof delta.content === 'string') texts.push(delta.content);
    if (typeof delta.reasoning_content === 'string') thoughts.push(delta.reasoning_content);
    if (Array.isArray(delta.images)) images.push(...delta.images);
    for (const call of (delta.tool_calls as ToolCallDelta[] | undefined) ?? []) addCall(calls, call);
    finish = choice.finish_reason ?? finish;
  }
  const content = texts.join('');
  const message: Record<string, unknown> = { role: 'assistant', content: content || (calls.length > 0 ? null : '') };
  if (thoughts.length > 0) message.reasoning_content = thoughts.join('');
  if (images.length > 0) message.images = images;
  if (calls.length > 0) message.tool_calls = calls;
  const last = chunks.at(-1) as LooseChunk;
  return {
    id: last.id as string,
    object: 'chat.completion',
    created: last.created as number,
    model: last.model as string,
    choices: [{ index: 0, message, finish_reason: finish }],
    ...(last.usage !== undefined && { usage: last.usage }),
  };
}

function addCall(calls: ToolCall[], delta: ToolCallDelta): void {
  const known = calls[delta.index];
  const text = delta.function?.arguments ?? '';
  if (known) known.function.arguments += text;
  else {
    calls[delta.index] = {
      id: delta.id ?? '',
      type: 'function',
      function: { name: delta.function?.name ?? '', arguments: text },
    };
  }
  if (delta.extra_content) (calls[delta.index] as ToolCall).extra_content = delta.extra_content;
}
