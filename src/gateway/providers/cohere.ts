import type { ChatMessage, ChatRequest, ContentPart, ReasoningEffort } from '../../protocol/chat.js';
import type { Adapter, AdapterTarget, DecodedBody, LooseCompletion, UpstreamRequest } from './adapter.js';
import { createCohereStreamDecoder, finishReason, readContent, readToolCall, readUsage } from './cohereStream.js';
import { errorMessage, errorStatus, isObject } from './errorBody.js';
import { requestHeaders } from './openai.js';
import { flattenContent, stripSchemaKeys } from './parameterRules.js';
import { joinEndpoint } from './resolveBaseUrl.js';

/** Our choice, in tokens; Cohere knows budgets only. */
const THINKING_BUDGETS: Record<Exclude<ReasoningEffort, 'none'>, number> = {
  minimal: 512,
  low: 1024,
  medium: 4096,
  high: 16_384,
};

/**
 * Cohere's native v2 chat (https://docs.cohere.com/reference/chat, and the recordings): `POST base/v2/chat`.
 * Thinking parts and the `tool_plan` (what the model says before its calls) come out as `reasoning_content`: agents
 * then see the plan, and it does not pollute the history as if the model had said it to the user.
 */
export function createCohereAdapter(): Adapter {
  return { buildRequest, decodeBody, createStreamDecoder: createCohereStreamDecoder };
}

function buildRequest(request: ChatRequest, target: AdapterTarget): UpstreamRequest {
  return {
    method: 'POST',
    url: joinEndpoint(target.baseUrl, 'v2/chat'),
    headers: requestHeaders(target, request.stream),
    body: JSON.stringify(cohereBody(request, target)),
  };
}

/** The v2 body of a request; fields that Cohere does not know are left out. */
export function cohereBody(request: ChatRequest, target: AdapterTarget): Record<string, unknown> {
  const maxTokens =
    request.max_tokens !== undefined && target.maxOutput !== undefined
      ? Math.min(request.max_tokens, target.maxOutput)
      : request.max_tokens;
  // undefined values vanish in JSON.stringify.
  return {
    model: target.modelId,
    messages: request.messages.map(encodeMessage),
    stream: request.stream,
    max_tokens: maxTokens,
    // Cohere takes 0 to 1, OpenAI up to 2.
    temperature: request.temperature === undefined ? undefined : Math.min(request.temperature, 1),
    // 0.01 to 0.99, and 0 to 500.
    p: request.top_p === undefined ? undefined : clamp(request.top_p, 0.01, 0.99),
    k: request.top_k === undefined ? undefined : clamp(request.top_k, 0, 500),
    seed: request.seed,
    stop_sequences: request.stop?.slice(0, 4),
    // 0 to 1; OpenAI's go from -2 to 2.
    presence_penalty: request.presence_penalty === undefined ? undefined : clamp(request.presence_penalty, 0, 1),
    frequency_penalty: request.frequency_penalty === undefined ? undefined : clamp(request.frequency_penalty, 0, 1),
    ...encodeTools(request, target),
    ...encodeResponseFormat(request),
    ...encodeThinking(request, target),
  };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function encodeMessage(message: ChatMessage): Record<string, unknown> {
  if (message.role === 'tool') {
    return { role: 'tool', tool_call_id: message.tool_call_id, content: flattenContent(message.content) };
  }
  if (message.role === 'assistant') {
    const calls = message.tool_calls?.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.function.name, arguments: call.function.arguments || '{}' },
    }));
    const content = flattenContent(message.content);
    if (calls === undefined || calls.length === 0) return { role: 'assistant', content };
    // Text beside calls is what Cohere calls the plan; it refuses empty content.
    return { role: 'assistant', tool_calls: calls, ...(content !== '' && { tool_plan: content }) };
  }
  return { role: message.role, content: encodeContent(message.content) };
}

/** A string wherever there are only texts: older models take no parts. */
function encodeContent(content: string | ContentPart[] | null): unknown {
  if (!Array.isArray(content) || !content.some((part) => part.type === 'image_url')) return flattenContent(content);
  return content
    .filter((part) => part.type === 'text' || part.type === 'image_url')
    .map((part) => (part.type === 'text' ? { type: 'text', text: part.text } : part));
}

function encodeTools(request: ChatRequest, target: AdapterTarget): Record<string, unknown> {
  const { tool_choice: choice } = request;
  if (request.tools === undefined || request.tools.length === 0) return {};
  // Cohere cannot be told which tool: it is given no other.
  const named = typeof choice === 'object' ? choice.function.name : null;
  const offered = request.tools.filter((tool) => named === null || tool.function.name === named);
  const strip = target.provider.rules?.stripSchemaKeys ?? ['additionalProperties', '$schema'];
  const tools = offered.map(({ function: { name, description, parameters } }) => ({
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: stripSchemaKeys(parameters ?? { type: 'object', properties: {} }, strip),
    },
  }));
  if (choice === 'none') return { tools, tool_choice: 'NONE' };
  if (choice === 'required' || named !== null) return { tools, tool_choice: 'REQUIRED' };
  return { tools };
}

function encodeResponseFormat(request: ChatRequest): Record<string, unknown> {
  const format = request.response_format;
  // Cohere refuses a response format together with tools; the tools matter more to who sends both.
  if (format === undefined || format.type === 'text' || (request.tools?.length ?? 0) > 0) return {};
  const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
  return {
    response_format: {
      type: 'json_object',
      ...(schema !== undefined && { schema: stripSchemaKeys(schema, ['$schema']) }),
    },
  };
}

function encodeThinking(request: ChatRequest, target: AdapterTarget): Record<string, unknown> {
  const effort = request.reasoning_effort;
  const canReason = target.reasoning ?? /reasoning|command-a-plus/.test(target.modelId);
  if (effort === undefined || !canReason) return {};
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  return { thinking: { type: 'enabled', token_budget: THINKING_BUDGETS[effort] } };
}

function decodeBody(text: string): DecodedBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { type: 'malformed', message: 'The answer is not JSON, or cut short' };
  }
  if (!isObject(body)) return { type: 'malformed', message: 'The answer is not a JSON object' };
  if (!isObject(body.message) || body.finish_reason === 'ERROR') {
    const words = errorMessage(body.error ?? (isObject(body.message) ? null : body));
    if (words === null && body.finish_reason !== 'ERROR') {
      return { type: 'malformed', message: 'The answer has no message: not a Cohere v2 chat answer' };
    }
    const status = errorStatus(body);
    const message = words ?? 'Cohere ended its answer with an error';
    return { type: 'error', body, message, ...(status !== null && { status }) };
  }
  return { type: 'completion', completion: decodeCompletion(body, body.message) };
}

function decodeCompletion(body: Record<string, unknown>, source: Record<string, unknown>): LooseCompletion {
  let content = '';
  let reasoning = typeof source.tool_plan === 'string' ? source.tool_plan : '';
  const parts = Array.isArray(source.content) ? source.content : [source.content];
  for (const part of parts) {
    const read = readContent(part);
    content += read.text;
    reasoning += read.thinking;
  }
  const rawCalls = Array.isArray(source.tool_calls) ? source.tool_calls.filter(isObject) : [];
  const tool_calls = rawCalls.map((call) => {
    const { id, name, args } = readToolCall(call);
    return { id, type: 'function', function: { name, arguments: args === '' || args === 'null' ? '{}' : args } };
  });
  const usage = readUsage(body.usage);
  return {
    ...(typeof body.id === 'string' && { id: body.id }),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && tool_calls.length > 0 ? null : content,
          ...(reasoning !== '' && { reasoning_content: reasoning }),
          ...(tool_calls.length > 0 && { tool_calls }),
        },
        finish_reason: finishReason(body.finish_reason, tool_calls.length > 0),
      },
    ],
    ...(usage && { usage }),
  };
}
