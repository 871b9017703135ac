import type { ChatMessage, ToolCall } from '../../../protocol/chat.js';
import { contentText, encodeContent } from './contentParts.js';
import type { ModelTraits } from './models.js';
import type { SignatureCache } from './signatureCache.js';
import { type GeminiContent, type GeminiPart, isObject, type JsonObject } from './wire.js';

/**
 * Google's documented stand-in for a signature that is lost or was never made by this model: validation is skipped
 * (https://ai.google.dev/gemini-api/docs/thought-signatures, FAQ).
 */
const unsignedSentinel = 'context_engineering_is_the_way_to_go';

type Turn = Required<GeminiContent>;

/** What the encoding of a conversation needs besides the messages. */
export interface EncodingContext {
  modelId: string;
  traits: ModelTraits;
  signatures: SignatureCache;
}

/** `contents` and `systemInstruction` of the request body. */
export function encodeMessages(messages: readonly ChatMessage[], context: EncodingContext): JsonObject {
  const system = messages
    .filter((message) => message.role === 'system')
    .map((message) => contentText(message.content))
    .filter((text) => text !== '')
    .join('\n\n');
  const turns: Turn[] = [];
  const callNames = new Map<string, string>();
  for (const message of messages) {
    if (message.role === 'assistant') append(turns, 'model', encodeAssistant(message, callNames, context));
    else if (message.role === 'tool') append(turns, 'user', encodeToolResult(message, callNames, context.traits));
    else if (message.role === 'user') append(turns, 'user', encodeContent(message.content));
  }
  if (context.traits.isGemini3) for (const turn of turns) signFirstCall(turn);

  const isFolded = context.traits.isGemma || turns.length === 0;
  if (isFolded && system !== '') prepend(turns, { text: system });
  // A conversation begins with the user: a leading function call is answered with 400.
  if (turns[0]?.role !== 'user')
    turns.unshift({ role: 'user', parts: [{ text: turns.length > 0 ? '(continued)' : '' }] });
  if (isFolded || system === '') return { contents: turns };
  return { contents: turns, systemInstruction: { parts: [{ text: system }] } };
}

/** Neighbours of one role become one turn, so all results of a round of calls travel together, as Gemini demands. */
function append(turns: Turn[], role: Turn['role'], parts: readonly GeminiPart[]): void {
  if (parts.length === 0) return;
  const last = turns.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  else turns.push({ role, parts: [...parts] });
}

function prepend(turns: Turn[], part: GeminiPart): void {
  const first = turns[0];
  if (first?.role === 'user') first.parts.unshift(part);
  else turns.unshift({ role: 'user', parts: [part] });
}

function encodeAssistant(message: ChatMessage, callNames: Map<string, string>, context: EncodingContext): GeminiPart[] {
  const parts = encodeContent(message.content);
  const calls = message.tool_calls ?? [];
  const only = parts[0];
  if (parts.length === 1 && only?.text !== undefined && calls.length === 0) {
    const thoughtSignature = context.signatures.findText(context.modelId, only.text);
    if (thoughtSignature) only.thoughtSignature = thoughtSignature;
  }
  for (const call of calls) {
    callNames.set(call.id, call.function.name);
    parts.push(encodeCall(call, context));
  }
  return parts;
}

function encodeCall(call: ToolCall, { modelId, signatures }: EncodingContext): GeminiPart {
  const { name, arguments: args } = call.function;
  const carried = call.extra_content?.google?.thought_signature;
  const isOwn = typeof carried === 'string' && carried !== '' && !signatures.isForeign(modelId, carried);
  const thoughtSignature = isOwn ? carried : signatures.findCall(modelId, { id: call.id, name, args });
  const functionCall = { id: call.id, name, args: parseArguments(args) };
  return { ...(thoughtSignature && { thoughtSignature }), functionCall };
}

/** Only the first call of a step is signed by Gemini, and only that one is checked. */
function signFirstCall(turn: Turn): void {
  const first = turn.parts.find((part) => part.functionCall);
  if (first && !first.thoughtSignature) first.thoughtSignature = unsignedSentinel;
}

function parseArguments(text: string): JsonObject {
  if (text.trim() === '') return {};
  const value = parseJson(text);
  return isObject(value) ? value : { value: value ?? text };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Images and files in a result: inside the functionResponse for Gemini 3, beside it for older models. */
function encodeToolResult(message: ChatMessage, callNames: Map<string, string>, traits: ModelTraits): GeminiPart[] {
  const id = message.tool_call_id;
  const name = callNames.get(id ?? '') ?? message.name ?? 'tool';
  const text = contentText(message.content);
  const media = encodeContent(message.content).filter((part) => part.text === undefined);
  const value = parseJson(text);
  const response = isObject(value) ? value : { output: value ?? text };
  const functionResponse = { ...(id && { id }), name, response };
  if (media.length === 0) return [{ functionResponse }];
  if (traits.isGemini3) return [{ functionResponse: { ...functionResponse, parts: media } }];
  return [{ functionResponse }, ...media];
}
