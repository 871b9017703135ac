import type { ChatMessage, ToolCall } from '../../protocol/chat.js';
import { decodeContent } from './decodeContent.js';
import { isObject, type JsonObject, RequestError } from './requestError.js';

const ROLES: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
};

/** Calls of the last assistant turn that no tool message has answered yet. */
type OpenCall = { id: string; name: string };

/**
 * The conversation, cleaned: legacy `function_call` and role `function` folded into tool calls, ids synthesised where
 * missing (`call_<message>_<call>`, the same at every turn), tool messages without an id paired by name, then by order.
 * Messages that are already right are passed on as they are, not copied.
 * @throws RequestError for an empty list, an unknown role, or impossible content.
 */
export function decodeMessages(messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new RequestError('messages', 'messages must be an array with at least one message');
  }
  const decoded: ChatMessage[] = new Array(messages.length);
  let open: OpenCall[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message: unknown = messages[index];
    if (isPlain(message)) {
      decoded[index] = message;
      continue;
    }
    const made = decodeMessage(message, index, open);
    if (made.tool_calls) open = made.tool_calls.map((call) => ({ id: call.id, name: call.function.name }));
    decoded[index] = made;
  }
  return decoded;
}

/** The common shape: a known role, string content, nothing else. */
function isPlain(message: unknown): message is ChatMessage {
  if (!isObject(message) || typeof message.content !== 'string') return false;
  const { role } = message;
  if (role !== 'user' && role !== 'system' && role !== 'assistant') return false;
  for (const field in message) if (field !== 'role' && field !== 'content') return false;
  return true;
}

function decodeMessage(message: unknown, index: number, open: OpenCall[]): ChatMessage {
  const param = `messages[${index}]`;
  if (!isObject(message)) throw new RequestError(param, `${param} must be an object`);
  const role = typeof message.role === 'string' && Object.hasOwn(ROLES, message.role) ? ROLES[message.role] : undefined;
  if (!role) {
    throw new RequestError(`${param}.role`, `${param}.role must be one of ${Object.keys(ROLES).join(', ')}`);
  }
  if (role === 'tool') return decodeToolMessage(message, index, open);
  const decoded: ChatMessage = { role, content: decodeContent(message.content, `${param}.content`) };
  if (typeof message.name === 'string' && message.name !== '') decoded.name = message.name;
  if (role !== 'assistant') return decoded;
  if (decoded.content === '' && typeof message.refusal === 'string') decoded.content = message.refusal;
  const reasoning = reasoningText(message);
  if (reasoning !== '') decoded.reasoning_content = reasoning;
  const calls = decodeToolCalls(message, index);
  if (calls.length > 0) {
    decoded.tool_calls = calls;
    if (decoded.content === '') decoded.content = null;
  }
  return decoded;
}

function decodeToolMessage(message: JsonObject, index: number, open: OpenCall[]): ChatMessage {
  const name = typeof message.name === 'string' && message.name !== '' ? message.name : undefined;
  const decoded: ChatMessage = {
    role: 'tool',
    content: toolContent(message.content, `messages[${index}].content`),
    tool_call_id: takeCallId(message.tool_call_id, name, open) ?? `call_${index}_0`,
  };
  if (name) decoded.name = name;
  return decoded;
}

/** Some clients hand a tool's result over as the object it is. */
function toolContent(content: unknown, param: string): ChatMessage['content'] {
  const isResult = typeof content === 'number' || typeof content === 'boolean' || isUntypedObject(content);
  return isResult ? JSON.stringify(content) : decodeContent(content, param);
}

function isUntypedObject(content: unknown): boolean {
  return isObject(content) && typeof content.type !== 'string';
}

function takeCallId(given: unknown, name: string | undefined, open: OpenCall[]): string | undefined {
  const id = typeof given === 'number' ? String(given) : given;
  if (typeof id === 'string' && id !== '') {
    const at = open.findIndex((call) => call.id === id);
    if (at >= 0) open.splice(at, 1);
    return id;
  }
  const named = name === undefined ? -1 : open.findIndex((call) => call.name === name);
  return open.splice(Math.max(named, 0), 1)[0]?.id;
}

function decodeToolCalls(message: JsonObject, index: number): ToolCall[] {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : [];
  if (calls.length === 0 && isObject(message.function_call)) calls.push({ function: message.function_call });
  return calls.map((call, at) => (isCleanCall(call) ? call : decodeCall(call, `call_${index}_${at}`)));
}

function isCleanCall(call: JsonObject): call is JsonObject & ToolCall {
  if (call.type !== 'function' || typeof call.id !== 'string' || call.id === '') return false;
  for (const field in call) if (field !== 'id' && field !== 'type' && field !== 'function') return false;
  const called = call.function;
  if (!isObject(called) || typeof called.name !== 'string' || called.name === '') return false;
  for (const field in called) if (field !== 'name' && field !== 'arguments') return false;
  return typeof called.arguments === 'string' && called.arguments.trim() !== '';
}

function decodeCall(call: JsonObject, fallbackId: string): ToolCall {
  const called = isObject(call.function) ? call.function : isObject(call.custom) ? call.custom : call;
  const given = called.arguments ?? called.input;
  const id = typeof call.id === 'number' ? String(call.id) : call.id;
  const decoded: ToolCall = {
    id: typeof id === 'string' && id !== '' ? id : fallbackId,
    type: 'function',
    function: {
      name: typeof called.name === 'string' && called.name !== '' ? called.name : 'unknown',
      arguments: call.type === 'custom' ? JSON.stringify({ input: given ?? '' }) : argumentsText(given),
    },
  };
  const signature = thoughtSignature(call) ?? thoughtSignature(called);
  if (signature) decoded.extra_content = { google: { thought_signature: signature } };
  return decoded;
}

function argumentsText(given: unknown): string {
  if (typeof given === 'string') return given.trim() === '' ? '{}' : given;
  return given === null || given === undefined ? '{}' : JSON.stringify(given);
}

function thoughtSignature(call: JsonObject): string | undefined {
  const google = isObject(call.extra_content) ? call.extra_content.google : undefined;
  const given = (isObject(google) ? google.thought_signature : undefined) ?? call.thought_signature;
  return typeof given === 'string' && given !== '' ? given : undefined;
}

/** `reasoning_content`, or what OpenRouter and others call it. */
function reasoningText(message: JsonObject): string {
  if (typeof message.reasoning_content === 'string' && message.reasoning_content) return message.reasoning_content;
  if (typeof message.reasoning === 'string' && message.reasoning) return message.reasoning;
  if (!Array.isArray(message.reasoning_details)) return '';
  return message.reasoning_details
    .map((detail) => (isObject(detail) ? (detail.text ?? detail.summary) : ''))
    .filter((text) => typeof text === 'string')
    .join('');
}
