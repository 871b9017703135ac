import type { ChatDelta, ChatRequest, FinishReason, Usage } from '../../protocol/chat.js';
import { isTokenCount } from '../tokenCount.js';
import type { AdapterTarget, DecodedEvent, SseEvent, StreamDecoder } from './adapter.js';
import { errorMessage, errorStatus, isObject } from './errorBody.js';

/**
 * Decodes the events of Cohere's v2 stream (https://docs.cohere.com/reference/chat-stream) to well-formed OpenAI
 * chunks: a role first, a finish reason last, then usage with no choices, then done. Citations are left out. A body
 * that ends before `message-end` gives no done.
 */
export function createCohereStreamDecoder(_request: ChatRequest, target: AdapterTarget): StreamDecoder {
  const state = new StreamState(target.modelId);
  return {
    decode: (event) => decodeEvent(event, state),
    end: () => [],
  };
}

class StreamState {
  id = '';
  isStarted = false;
  /** Cohere's call index → ours, and whether arguments came. */
  readonly calls = new Map<number, { index: number; arguments: string }>();

  constructor(readonly model: string) {}

  chunk(delta: ChatDelta, finish: FinishReason | null = null): DecodedEvent {
    const first = this.isStarted ? {} : { role: 'assistant' as const };
    this.isStarted = true;
    return {
      type: 'chunk',
      chunk: { ...this.head(), choices: [{ index: 0, delta: { ...first, ...delta }, finish_reason: finish }] },
    };
  }

  usage(usage: Usage): DecodedEvent {
    return { type: 'chunk', chunk: { ...this.head(), choices: [], usage } };
  }

  private head() {
    return {
      // An id is missing only when message-start is; the normaliser then makes one.
      ...(this.id !== '' && { id: this.id }),
      object: 'chat.completion.chunk',
      model: this.model,
    };
  }
}

function decodeEvent(event: SseEvent, state: StreamState): DecodedEvent[] {
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return [];
  }
  if (!isObject(data)) return [];
  const type = typeof data.type === 'string' ? data.type : event.event;
  const delta = isObject(data.delta) ? data.delta : {};
  const message = isObject(delta.message) ? delta.message : {};
  const index = typeof data.index === 'number' ? data.index : 0;
  switch (type) {
    case 'message-start':
      if (typeof data.id === 'string') state.id = data.id;
      return state.isStarted ? [] : [state.chunk({ content: '' })];
    case 'content-start':
    case 'content-delta':
      return contentDelta(message.content, state);
    case 'tool-plan-delta':
      return typeof message.tool_plan === 'string' && message.tool_plan !== ''
        ? [state.chunk({ reasoning_content: message.tool_plan })]
        : [];
    case 'tool-call-start':
      return toolCallStart(index, message.tool_calls, state);
    case 'tool-call-delta':
      return toolCallDelta(index, message.tool_calls, state);
    case 'tool-call-end':
      return toolCallEnd(index, state);
    case 'message-end':
      return messageEnd(delta, state);
    case 'content-end':
    case 'citation-start':
    case 'citation-end':
    case 'debug':
      return [];
    default:
      return unknownEvent(data, type);
  }
}

function contentDelta(content: unknown, state: StreamState): DecodedEvent[] {
  const { text, thinking } = readContent(content);
  const events: DecodedEvent[] = [];
  if (thinking !== '') events.push(state.chunk({ reasoning_content: thinking }));
  if (text !== '') events.push(state.chunk({ content: text }));
  return events;
}

function toolCallStart(index: number, raw: unknown, state: StreamState): DecodedEvent[] {
  const source = Array.isArray(raw) ? raw[0] : raw;
  if (!isObject(source)) return [];
  const { id, name, args } = readToolCall(source);
  const text = args === 'null' ? '' : args;
  const call = { index: state.calls.size, arguments: text };
  state.calls.set(index, call);
  const tool_calls = [{ index: call.index, id, type: 'function' as const, function: { name, arguments: text } }];
  return [state.chunk({ tool_calls })];
}

function toolCallDelta(index: number, raw: unknown, state: StreamState): DecodedEvent[] {
  const source = Array.isArray(raw) ? raw[0] : raw;
  const call = state.calls.get(index);
  if (!isObject(source) || !call) return [];
  const { args } = readToolCall(source);
  // A whole `null` stands for no arguments.
  if (args === '' || (args === 'null' && call.arguments === '')) return [];
  call.arguments += args;
  return [state.chunk({ tool_calls: [{ index: call.index, function: { arguments: args } }] })];
}

function toolCallEnd(index: number, state: StreamState): DecodedEvent[] {
  const call = state.calls.get(index);
  if (call?.arguments !== '') return [];
  // A tool without parameters is called without arguments; clients parse them as JSON.
  call.arguments = '{}';
  return [state.chunk({ tool_calls: [{ index: call.index, function: { arguments: '{}' } }] })];
}

function messageEnd(delta: Record<string, unknown>, state: StreamState): DecodedEvent[] {
  if (delta.finish_reason === 'ERROR' || delta.error) {
    const message = errorMessage(delta.error) ?? 'Cohere ended its answer with an error';
    return [{ type: 'error', body: { error: delta.error ?? message }, message }];
  }
  const events: DecodedEvent[] = [];
  for (const index of state.calls.keys()) events.push(...toolCallEnd(index, state));
  events.push(state.chunk({}, finishReason(delta.finish_reason, state.calls.size > 0)));
  const usage = readUsage(delta.usage);
  if (usage) events.push(state.usage(usage));
  events.push({ type: 'done' });
  return events;
}

/** Events to come are skipped; what looks like an error is one. */
function unknownEvent(data: Record<string, unknown>, type: string | undefined): DecodedEvent[] {
  if (type !== undefined && type !== 'error' && data.error === undefined) return [];
  const message = errorMessage(data);
  if (message === null) return [];
  const status = errorStatus(data);
  return [{ type: 'error', body: data, message, ...(status !== null && { status }) }];
}

/** Text and thinking of one content part; recorded parts hold both fields, or a `type` that does not fit. */
export function readContent(part: unknown): { text: string; thinking: string } {
  if (typeof part === 'string') return { text: part, thinking: '' };
  if (!isObject(part)) return { text: '', thinking: '' };
  return {
    text: typeof part.text === 'string' ? part.text : '',
    thinking: typeof part.thinking === 'string' ? part.thinking : '',
  };
}

/** Id, name and argument text of a Cohere tool call; empty strings for what is missing. */
export function readToolCall(call: Record<string, unknown>): { id: string; name: string; args: string } {
  const fn = isObject(call.function) ? call.function : {};
  return {
    id: typeof call.id === 'string' ? call.id : '',
    name: typeof fn.name === 'string' ? fn.name : '',
    args: typeof fn.arguments === 'string' ? fn.arguments : '',
  };
}

/** Tokens as the model counted them (`tokens`), else as billed; null where Cohere says neither, or no number that can be one. */
export function readUsage(usage: unknown): Usage | null {
  if (!isObject(usage)) return null;
  const counted = isObject(usage.tokens) ? usage.tokens : usage.billed_units;
  if (!isObject(counted)) return null;
  const prompt = counted.input_tokens ?? 0;
  const completion = counted.output_tokens ?? 0;
  if (!isTokenCount(prompt) || !isTokenCount(completion)) return null;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(isTokenCount(usage.cached_tokens) && { prompt_tokens_details: { cached_tokens: usage.cached_tokens } }),
  };
}

/** OpenAI's word for a Cohere finish reason. */
export function finishReason(reason: unknown, hasCalls: boolean): FinishReason {
  if (reason === 'MAX_TOKENS') return 'length';
  if (reason === 'TOOL_CALL' || hasCalls) return 'tool_calls';
  return 'stop';
}
