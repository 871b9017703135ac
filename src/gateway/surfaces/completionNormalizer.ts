import type {
  AssistantMessage,
  ChatCompletion,
  ChatRequest,
  FinishReason,
  ToolCall,
  Usage,
} from '../../protocol/chat.js';
import { screenWhole } from '../answers/answerScreen.js';
import { repairArguments } from '../answers/argumentRepair.js';
import type { LooseCompletion } from '../providers/adapter.js';
import { isRecord, readArguments, readContent, readFinishReason, readReasoning, readUsage } from './looseParts.js';
import { splitThinking } from './thinkSplitter.js';

/** A whole answer in the contract's shape. */
export interface NormalizedCompletion {
  /** The body to send: the provider's own text where nothing had to change. */
  text: string;
  completion: ChatCompletion;
  /** Text, a refusal or a tool call is there. */
  hasAnswer: boolean;
  finishReason: FinishReason | null;
  usage: Usage | null;
  /** Why this is no answer to the request, though it looks like one; null where it is one. */
  rejection: string | null;
}

/** Mends one choice (array content, reasoning names, think tags, tool calls) and fills what the envelope lacks. */
export function normalizeCompletion(
  loose: LooseCompletion,
  raw: string | undefined,
  options: { model: string; created: number; newId(prefix: string): string; request?: ChatRequest },
): NormalizedCompletion {
  const choice = Array.isArray(loose.choices) ? loose.choices[0] : undefined;
  const from = isRecord(choice?.message) ? choice.message : {};
  const usage = readUsage(loose.usage);
  const stated = readFinishReason(choice?.finish_reason, false);
  const { message, rejection } = holdToRequest(normalizeMessage(from, options.newId), stated, usage, options);
  const finishReason = readFinishReason(choice?.finish_reason, (message.tool_calls?.length ?? 0) > 0);
  const hasAnswer =
    (typeof message.content === 'string' && message.content.trim() !== '') ||
    (message.tool_calls?.length ?? 0) > 0 ||
    (typeof message.refusal === 'string' && message.refusal !== '');
  const facts = { hasAnswer, finishReason, usage, rejection };
  const isChoiceRight = message === from && choice?.index === 0 && choice.finish_reason === finishReason;
  if (raw !== undefined && isChoiceRight && isEnvelopeRight(loose)) {
    return { text: raw, completion: loose as ChatCompletion, ...facts };
  }
  const completion = {
    ...loose,
    id: typeof loose.id === 'string' && loose.id ? loose.id : options.newId('chatcmpl-'),
    object: 'chat.completion',
    created: typeof loose.created === 'number' ? loose.created : options.created,
    model: typeof loose.model === 'string' && loose.model ? loose.model : options.model,
    choices: choice ? [{ ...choice, index: 0, message, finish_reason: finishReason ?? 'stop' }] : [],
    ...(usage ? { usage } : {}),
  } as ChatCompletion;
  return { text: JSON.stringify(completion), completion, ...facts };
}

/** The same message where nothing has to change for the request's sake; its text, calls or arguments mended otherwise. */
function holdToRequest(
  message: AssistantMessage,
  finishReason: FinishReason | null,
  usage: Usage | null,
  { request, newId }: { request?: ChatRequest; newId(prefix: string): string },
): { message: AssistantMessage; rejection: string | null } {
  if (!request) return { message, rejection: null };
  const calls = message.tool_calls;
  if (calls !== undefined && calls.length > 0) return { message: mendCalls(message, calls, request), rejection: null };
  const { content } = message;
  if (typeof content !== 'string' || content.trim() === '') return { message, rejection: null };
  const screened = screenWhole(content, request, finishReason, usage);
  if ('rejection' in screened) return { message, rejection: screened.rejection };
  if (screened.calls.length === 0) {
    return { message: screened.text === content ? message : { ...message, content: screened.text }, rejection: null };
  }
  const found = screened.calls.map((call): ToolCall => ({ id: newId('call_'), type: 'function', function: call }));
  const rescued = { ...message, content: screened.text.trim() === '' ? null : screened.text, tool_calls: found };
  return { message: mendCalls(rescued, found, request), rejection: null };
}

function mendCalls(message: AssistantMessage, calls: readonly ToolCall[], { tools }: ChatRequest): AssistantMessage {
  if (!tools) return message;
  const mended = calls.map((call): ToolCall => {
    const { name, arguments: args } = call.function;
    const right = repairArguments(tools, name, args);
    return right === args ? call : { ...call, function: { ...call.function, arguments: right } };
  });
  return mended.every((call, index) => call === calls[index]) ? message : { ...message, tool_calls: mended };
}

/** Whether nothing around the one choice has to change. */
function isEnvelopeRight(loose: LooseCompletion): boolean {
  return (
    typeof loose.id === 'string' &&
    loose.id !== '' &&
    loose.object === 'chat.completion' &&
    typeof loose.created === 'number' &&
    typeof loose.model === 'string' &&
    loose.model !== '' &&
    loose.choices?.length === 1 &&
    (loose.usage == null || typeof (loose.usage as Usage).total_tokens === 'number')
  );
}

/** The same object where nothing has to change. */
function normalizeMessage(from: Record<string, unknown>, newId: (prefix: string) => string): AssistantMessage {
  const read = readContent(from['content']);
  const isThinking = read.text.trimStart().startsWith('<think>');
  const calls = from['tool_calls'];
  const areCallsRight = calls === undefined || (Array.isArray(calls) && calls.length > 0 && calls.every(isToolCall));
  const isRight =
    (typeof from['content'] === 'string' || from['content'] === null) &&
    !isThinking &&
    areCallsRight &&
    from['reasoning'] === undefined &&
    from['role'] === 'assistant';
  if (isRight) return from as AssistantMessage;
  const { reasoning: _reasoning, tool_calls: _calls, reasoning_content: _content, ...rest } = from;
  const split = isThinking ? splitThinking(read.text) : { reasoning: '', content: read.text };
  const reasoning = readReasoning(from) || read.reasoning || split.reasoning;
  const toolCalls = readToolCalls(calls, newId);
  return {
    ...rest,
    role: 'assistant',
    content: split.content === '' && toolCalls.length > 0 ? null : split.content,
    ...(reasoning ? { reasoning_content: reasoning } : {}),
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
}

function isToolCall(call: unknown): boolean {
  if (!isRecord(call) || typeof call['id'] !== 'string' || !call['id'] || call['type'] !== 'function') return false;
  const fn = call['function'];
  return (
    isRecord(fn) && typeof fn['name'] === 'string' && typeof fn['arguments'] === 'string' && fn['arguments'] !== ''
  );
}

function readToolCalls(calls: unknown, newId: (prefix: string) => string): ToolCall[] {
  if (!Array.isArray(calls)) return [];
  const out: ToolCall[] = [];
  for (const call of calls as unknown[]) {
    const fn = isRecord(call) && isRecord(call['function']) ? call['function'] : null;
    if (!isRecord(call) || !fn || typeof fn['name'] !== 'string') continue;
    const id = call['id'];
    const isFree = typeof id === 'string' && id !== '' && !out.some((other) => other.id === id);
    out.push({
      ...(call as Partial<ToolCall>),
      id: isFree ? id : newId('call_'),
      type: 'function',
      function: { name: fn['name'], arguments: readArguments(fn['arguments']) || '{}' },
    });
  }
  return out;
}
