import { randomUUID } from 'node:crypto';
import type { ChatRequest, ToolCall } from '../../protocol/chat.js';
import type { LooseChunk, LooseCompletion } from './adapter.js';
import { isObject } from './errorBody.js';

/**
 * Groq answers 400 `tool_use_failed` when its parser did not understand the model's tool call, and gives the model's
 * text as `error.failed_generation`. When that text is a call of a tool the client offered, it is the answer.
 * Seen formats: `{"name", "arguments"|"parameters"}` alone, in an array or under `tool_calls`, the same in
 * `<tool_call>` tags or a code fence, `<function=name>{…}</function>`, `<function=name{…}>`, `<function=name>{…}`.
 * Returns null when the text is not wholly made of such calls.
 */
export function rescueFailedGeneration(body: Record<string, unknown>, request: ChatRequest): LooseCompletion | null {
  const error = isObject(body.error) ? body.error : body;
  const text = error.failed_generation;
  if (typeof text !== 'string' || request.tools === undefined) return null;
  const calls = parseCalls(text.trim());
  const offered = new Set(request.tools.map((tool) => tool.function.name));
  if (calls.length === 0 || calls.some((call) => !offered.has(call.name))) return null;
  const tool_calls: ToolCall[] = calls.map((call) => ({
    // Unique over the whole conversation, as agents look results up by it.
    id: `call_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
    type: 'function',
    function: call,
  }));
  return {
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: null, tool_calls }, finish_reason: 'tool_calls' }],
  };
}

/** A completion as the chunks of a stream: the message, then the end. */
export function completionAsChunks(completion: LooseCompletion): LooseChunk[] {
  const choice = completion.choices?.[0];
  if (!choice) return [];
  const calls = Array.isArray(choice.message?.tool_calls) ? (choice.message.tool_calls as ToolCall[]) : [];
  const delta = {
    role: 'assistant',
    content: choice.message?.content ?? null,
    ...(calls.length > 0 && { tool_calls: calls.map((call, index) => ({ index, ...call })) }),
  };
  return [
    { object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: null }] },
    {
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta: {}, finish_reason: choice.finish_reason ?? 'stop' }],
    },
  ];
}

interface ParsedCall {
  name: string;
  arguments: string;
}

function parseCalls(text: string): ParsedCall[] {
  const tagged = parseFunctionTags(text);
  if (tagged.length > 0) return tagged;
  const inner = text
    .replace(/^```(?:json)?\s*|\s*```$/g, '')
    .replace(/^(?:<tool_call>|<\|python_tag\|>)\s*|\s*<\/tool_call>$/g, '')
    .trim();
  const pieces = inner.split(/<\/tool_call>\s*<tool_call>/);
  const calls = pieces.map((piece) => parseJsonCalls(piece));
  return calls.every((found) => found.length > 0) ? calls.flat() : [];
}

function parseJsonCalls(text: string): ParsedCall[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (isObject(value) && Array.isArray(value.tool_calls)) value = value.tool_calls;
  const items = Array.isArray(value) ? value : [value];
  const calls = items.map(toCall);
  return calls.every((call) => call !== null) ? calls : [];
}

function toCall(item: unknown): ParsedCall | null {
  if (!isObject(item)) return null;
  const source = isObject(item.function) ? item.function : item;
  const { name } = source;
  if (typeof name !== 'string') return null;
  const args = source.arguments ?? source.parameters ?? {};
  if (isObject(args)) return { name, arguments: JSON.stringify(args) };
  return typeof args === 'string' && isJsonObject(args) ? { name, arguments: args } : null;
}

/** `<function=name>{…}</function>` and its shorter forms; nothing if any other text is around them. */
function parseFunctionTags(text: string): ParsedCall[] {
  const calls: ParsedCall[] = [];
  let rest = text;
  while (rest !== '') {
    const head = /^<function[=/](?<name>[\w.-]+)\s*(?:>|,|=)?\s*/.exec(rest);
    if (!head) return [];
    rest = rest.slice(head[0].length);
    const end = jsonObjectEnd(rest);
    const args = end === 0 ? '{}' : rest.slice(0, end);
    if (!isJsonObject(args)) return [];
    calls.push({ name: head.groups!.name!, arguments: args });
    rest = rest.slice(end).replace(/^\s*>?\s*(?:<\/function>)?\s*/, '');
  }
  return calls;
}

/** Length of the JSON object that `text` starts with, 0 if it starts with none. */
function jsonObjectEnd(text: string): number {
  if (!text.startsWith('{')) return 0;
  let depth = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text[i];
    if (isInString) {
      if (c === '\\') i += 1;
      else if (c === '"') isInString = false;
    } else if (c === '"') isInString = true;
    else if (c === '{') depth += 1;
    else if (c === '}' && --depth === 0) return i + 1;
  }
  return 0;
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
