import { randomUUID } from 'node:crypto';
import type { ChatMessage, ChatRequest, ToolCall, ToolDefinition, Usage } from '../../protocol/chat.js';
import type { LooseChunk, LooseCompletion } from './adapter.js';
import { isObject } from './errorBody.js';
import { flattenContent } from './parameterRules.js';

const HOW_TO_GO_ON =
  'To get real answers, add a free key: run "FreeLLM: Add Key" in VS Code, or put one into the config file of `freellm serve`.';
/** Characters; long questions are not repeated whole. */
const MAX_QUOTE = 200;

/**
 * What the demo provider answers: made on this machine, without a socket, and labelled as a demo. The same request
 * gets the same words. With tools, a user's turn is answered by one call with made-up arguments (the named tool's if
 * `tool_choice` names one), and the turn after a tool's result by text. `chunks` and `completion` say the same;
 * usage is estimated at four characters a token and comes as a last chunk without choices.
 */
export function createDemoAnswer(request: ChatRequest): { chunks: LooseChunk[]; completion: LooseCompletion } {
  const head = { id: `chatcmpl-demo-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: 'demo' };
  const call = demoCall(request);
  const text = call ? '' : demoText(request);
  const usage = estimateUsage(request, call ? call.function.name + call.function.arguments : text);
  const finish = call ? 'tool_calls' : 'stop';
  const message = { role: 'assistant', content: call ? null : text, ...(call && { tool_calls: [call] }) };
  const chunk = (delta: Record<string, unknown>, finishReason: string | null = null): LooseChunk => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
  const deltas = call ? callDeltas(call) : text.split(/(?<=\s)/).map((word) => ({ content: word }));
  return {
    chunks: [
      chunk({ role: 'assistant', content: call ? null : '' }),
      ...deltas.map((delta) => chunk(delta)),
      chunk({}, finish),
      { ...head, object: 'chat.completion.chunk', choices: [], usage },
    ],
    completion: {
      ...head,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: finish }],
      usage,
    },
  };
}

function demoText(request: ChatRequest): string {
  const last = request.messages.at(-1);
  if (request.response_format !== undefined && request.response_format.type !== 'text') return demoJson(request);
  const said = quote(flattenContent(last?.content ?? null));
  if (last?.role === 'tool') return `FreeLLM demo: the tool answered “${said}”. No model has read it. ${HOW_TO_GO_ON}`;
  const question = quote(flattenContent(lastUserMessage(request)?.content ?? null));
  return `FreeLLM demo: this is a canned answer, no model was asked. You wrote “${question}”. ${HOW_TO_GO_ON}`;
}

/** JSON was asked for, so JSON it is; the label goes wherever the schema has room for a string. */
function demoJson(request: ChatRequest): string {
  const format = request.response_format;
  const schema = format?.type === 'json_schema' ? format.json_schema.schema : undefined;
  const value = schema ? sampleValue(schema, 0) : { message: `FreeLLM demo: a canned answer. ${HOW_TO_GO_ON}` };
  return JSON.stringify(value);
}

function demoCall(request: ChatRequest): ToolCall | null {
  const { tools, tool_choice: choice } = request;
  if (!tools || tools.length === 0 || choice === 'none' || request.messages.at(-1)?.role !== 'user') return null;
  const wanted = typeof choice === 'object' ? choice.function.name : null;
  const tool: ToolDefinition | undefined =
    wanted === null ? tools[0] : tools.find((candidate) => candidate.function.name === wanted);
  if (!tool) return null;
  const parameters = tool.function.parameters ?? {};
  const sample = sampleValue({ ...parameters, type: 'object' }, 0);
  return {
    id: `call_demo${randomUUID().replaceAll('-', '').slice(0, 16)}`,
    type: 'function',
    function: { name: tool.function.name, arguments: JSON.stringify(sample) },
  };
}

/** Name first, then the arguments in two pieces: what a client must be able to put together. */
function callDeltas(call: ToolCall): Record<string, unknown>[] {
  const text = call.function.arguments;
  const half = Math.ceil(text.length / 2);
  const start = { index: 0, id: call.id, type: 'function', function: { name: call.function.name, arguments: '' } };
  return [
    start,
    ...[text.slice(0, half), text.slice(half)].map((part) => ({ index: 0, function: { arguments: part } })),
  ].map((delta) => ({ tool_calls: [delta] }));
}

/** A small value that fits a JSON schema's type: its const, default or first enum value, and required properties. */
function sampleValue(schema: unknown, depth: number): unknown {
  if (!isObject(schema) || depth > 6) return 'demo';
  if ('const' in schema) return schema.const;
  if ('default' in schema) return schema.default;
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
  for (const field of ['anyOf', 'oneOf', 'allOf'] as const) {
    const options = schema[field];
    if (Array.isArray(options) && options.length > 0) return sampleValue(options[0], depth + 1);
  }
  const type = Array.isArray(schema.type) ? schema.type.find((name) => name !== 'null') : schema.type;
  if (type === 'object' || isObject(schema.properties)) return sampleObject(schema, depth);
  if (type === 'array') {
    const count = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 10) : 0;
    return Array.from({ length: count }, () => sampleValue(schema.items, depth + 1));
  }
  if (type === 'integer' || type === 'number') return typeof schema.minimum === 'number' ? schema.minimum : 1;
  if (type === 'boolean') return true;
  if (type === 'null') return null;
  return 'FreeLLM demo';
}

function sampleObject(schema: Record<string, unknown>, depth: number): Record<string, unknown> {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.filter((name) => typeof name === 'string') : [];
  return Object.fromEntries(required.map((name) => [name, sampleValue(properties[name], depth + 1)]));
}

function lastUserMessage(request: ChatRequest): ChatMessage | undefined {
  return request.messages.findLast((message) => message.role === 'user');
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_QUOTE ? `${line.slice(0, MAX_QUOTE)}…` : line;
}

function estimateUsage(request: ChatRequest, answer: string): Usage {
  let length = request.tools === undefined ? 0 : JSON.stringify(request.tools).length;
  for (const message of request.messages) length += flattenContent(message.content).length;
  const prompt = Math.max(1, Math.ceil(length / 4));
  const completion = Math.max(1, Math.ceil(answer.length / 4));
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
