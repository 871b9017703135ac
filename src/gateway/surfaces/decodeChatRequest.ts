import type { ChatRequest, ReasoningEffort, ResponseFormat } from '../../protocol/chat.js';
import { decodeMessages } from './decodeMessages.js';
import { decodeToolChoice, decodeTools } from './decodeTools.js';
import { isObject, type JsonObject, RequestError } from './requestError.js';

export { RequestError } from './requestError.js';

/** Fields that become fields of `ChatRequest`. */
const KNOWN = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'max_tokens',
  'max_completion_tokens',
  'stop',
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'user',
]);
/** Fields that mean nothing, or something wrong, to a free provider. */
const DROPPED = new Set([
  'session_id',
  'n',
  'store',
  'metadata',
  'prediction',
  'service_tier',
  'functions',
  'function_call',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  '__proto__',
]);
const NUMBERS = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
] as const;
const MAX_STOPS = 4;

/** Spellings seen in the wild; `auto` and unknown ones are dropped. */
const EFFORTS: Readonly<Record<string, ReasoningEffort>> = {
  none: 'none',
  off: 'none',
  disabled: 'none',
  minimal: 'minimal',
  min: 'minimal',
  minimum: 'minimal',
  low: 'low',
  medium: 'medium',
  med: 'medium',
  normal: 'medium',
  high: 'high',
  xhigh: 'high',
  'x-high': 'high',
  max: 'high',
  maximum: 'high',
  ultra: 'high',
};

/**
 * A parsed `/v1/chat/completions` body as a `ChatRequest`, leniently: what cannot be meant is ignored, legacy fields are
 * folded in, and objects that are already right are reused (the body must not be changed afterwards).
 * @throws RequestError when it is no object, has a model that is no string, no messages, an unknown role, impossible content, `n` > 1, or tools
 * that are no array.
 */
export function decodeChatRequest(body: unknown): ChatRequest {
  if (!isObject(body)) throw new RequestError(null, 'The body must be a JSON object');
  const answers = toNumber(body.n);
  if (answers !== undefined && answers > 1) throw new RequestError('n', 'n must be 1: one answer per request');
  if (body.model != null && typeof body.model !== 'string') throw new RequestError('model', 'model must be a string');
  const request: ChatRequest = {
    model: typeof body.model === 'string' && body.model.trim() !== '' ? body.model.trim() : 'auto',
    messages: decodeMessages(body.messages),
    stream: body.stream === true || body.stream === 'true',
  };
  for (const field in body) {
    if (KNOWN.has(field) || DROPPED.has(field)) continue;
    const value = body[field];
    if (value === null || value === undefined) continue;
    request.extra ??= {};
    request.extra[field] = value;
  }
  decodeSampling(body, request);
  decodeToolFields(body, request);
  decodeOutput(body, request);
  return request;
}

function decodeSampling(body: JsonObject, request: ChatRequest): void {
  for (const field of NUMBERS) {
    const value = toNumber(body[field]);
    if (value !== undefined) request[field] = value;
  }
  const seed = toNumber(body.seed);
  if (seed !== undefined) request.seed = Math.trunc(seed);
  const maxTokens = toLimit(body.max_completion_tokens) ?? toLimit(body.max_tokens);
  if (maxTokens !== undefined) request.max_tokens = maxTokens;
  const stop = decodeStop(body.stop);
  if (stop) request.stop = stop;
  if (typeof body.logprobs === 'boolean') request.logprobs = body.logprobs;
  const topLogprobs = toNumber(body.top_logprobs);
  if (topLogprobs !== undefined && topLogprobs >= 0) request.top_logprobs = Math.trunc(topLogprobs);
  if (isObject(body.logit_bias)) {
    const biases = Object.entries(body.logit_bias).filter((entry): entry is [string, number] =>
      isFiniteNumber(entry[1]),
    );
    if (biases.length > 0) request.logit_bias = Object.fromEntries(biases);
  }
}

function decodeToolFields(body: JsonObject, request: ChatRequest): void {
  const tools = decodeTools(body.tools);
  if (tools.length === 0 && Array.isArray(body.functions)) tools.push(...decodeTools(body.functions, 'functions'));
  // A choice without tools is refused by most providers.
  if (tools.length === 0) return;
  request.tools = tools;
  const choice = decodeToolChoice(body.tool_choice) ?? decodeToolChoice(body.function_call);
  if (choice) request.tool_choice = choice;
  if (typeof body.parallel_tool_calls === 'boolean') request.parallel_tool_calls = body.parallel_tool_calls;
}

function decodeOutput(body: JsonObject, request: ChatRequest): void {
  if (isObject(body.stream_options) && typeof body.stream_options.include_usage === 'boolean') {
    request.stream_options = { include_usage: body.stream_options.include_usage };
  }
  const format = decodeFormat(body.response_format);
  if (format) request.response_format = format;
  const effort = decodeEffort(body.reasoning_effort) ?? decodeReasoning(body.reasoning);
  if (effort) request.reasoning_effort = effort;
  if (typeof body.user === 'string' && body.user !== '') request.user = body.user;
}

function decodeStop(stop: unknown): string[] | undefined {
  if (typeof stop === 'string') return stop === '' ? undefined : [stop];
  if (!Array.isArray(stop)) return undefined;
  const stops = stop.filter((entry): entry is string => typeof entry === 'string' && entry !== '').slice(0, MAX_STOPS);
  return stops.length > 0 ? stops : undefined;
}

/** `{type:"text"}` is what everyone does anyway, and some providers refuse it. */
function decodeFormat(format: unknown): ResponseFormat | undefined {
  if (!isObject(format)) return undefined;
  if (format.type === 'json_object') return { type: 'json_object' };
  if (format.type !== 'json_schema') return undefined;
  const given = isObject(format.json_schema) ? format.json_schema : format;
  const schema = isObject(given.schema) ? given.schema : undefined;
  const wrapped: Extract<ResponseFormat, { type: 'json_schema' }>['json_schema'] = {};
  if (typeof given.name === 'string') wrapped.name = given.name;
  if (typeof given.description === 'string') wrapped.description = given.description;
  if (schema) wrapped.schema = schema;
  if (typeof given.strict === 'boolean') wrapped.strict = given.strict;
  return { type: 'json_schema', json_schema: wrapped };
}

function decodeReasoning(reasoning: unknown): ReasoningEffort | undefined {
  if (!isObject(reasoning)) return decodeEffort(reasoning);
  return reasoning.enabled === false ? 'none' : decodeEffort(reasoning.effort);
}

function decodeEffort(effort: unknown): ReasoningEffort | undefined {
  if (typeof effort !== 'string') return undefined;
  const spelling = effort.trim().toLowerCase();
  return Object.hasOwn(EFFORTS, spelling) ? EFFORTS[spelling] : undefined;
}

function toLimit(value: unknown): number | undefined {
  const number = toNumber(value);
  return number === undefined || number < 1 ? undefined : Math.trunc(number);
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
