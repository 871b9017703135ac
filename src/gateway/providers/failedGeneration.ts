import { randomUUID } from 'node:crypto';
import type { ChatRequest, ToolCall } from '../../protocol/chat.js';
import { jsonEnd, parseJson } from '../answers/jsonScanner.js';
import { callsInJson, isJsonObject, type TextCall } from '../answers/textCalls.js';
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

function parseCalls(text: string): TextCall[] {
  const tagged = parseFunctionTags(text);
  if (tagged.length > 0) return tagged;
  const inner = text
    .replace(/^```(?:json)?\s*|\s*```$/g, '')
    .replace(/^(?:<tool_call>|<\|python_tag\|>)\s*|\s*<\/tool_call>$/g, '')
    .trim();
  const pieces = inner.split(/<\/tool_call>\s*<tool_call>/);
  const calls = pieces.map((piece) => callsInJson(parseJson(piece)) ?? []);
  return calls.every((found) => found.length > 0) ? calls.flat() : [];
}

/** `<function=name>{…}</function>` and its shorter forms; nothing if any other text is around them. */
function parseFunctionTags(text: string): TextCall[] {
  const calls: TextCall[] = [];
  let rest = text;
  while (rest !== '') {
    const head = /^<function[=/](?<name>[\w.-]+)\s*(?:>|,|=)?\s*/.exec(rest);
    if (!head) return [];
    rest = rest.slice(head[0].length);
    const end = rest.startsWith('{') ? Math.max(0, jsonEnd(rest)) : 0;
    const args = end === 0 ? '{}' : rest.slice(0, end);
    if (!isJsonObject(args)) return [];
    calls.push({ name: head.groups!.name!, arguments: args });
    rest = rest.slice(end).replace(/^\s*>?\s*(?:<\/function>)?\s*/, '');
  }
  return calls;
}
