import type { ChatMessage, ChatRequest, ToolDefinition } from '../../protocol/chat.js';

/** What a model must be able to do to take a request. */
export interface RequestNeeds {
  /** Estimated tokens of the prompt, tool schemas and images included; the answer is not. */
  promptTokens: number;
  vision: boolean;
  tools: boolean;
  json: boolean;
}

const CHARS_PER_TOKEN = 4;
/** Chat templates put role markers around each message. */
const TOKENS_PER_MESSAGE = 4;
/** One Gemini image tile (https://ai.google.dev/gemini-api/docs/tokens); `low` detail at OpenAI costs 85. */
const TOKENS_PER_IMAGE = 258;
const TOKENS_PER_DETAILED_IMAGE = 1032;
/** Base64 of audio, video or a file: about 100 characters a token at 32 tokens a second of compressed audio. */
const CHARS_PER_MEDIA_TOKEN = 100;
/** Texts up to this length are looked at whole, longer ones by samples. */
const SAMPLED_FROM = 4096;
const SAMPLES = 16;
const SAMPLE_LENGTH = 256;
/** From here on (Hangul Jamo, then kana, CJK, Hangul, …) a character is about one token. */
const FIRST_WIDE = 0x1100;
/** The same as a pattern: V8 knows without looking that a Latin text cannot match. */
const WIDE = /[\u1100-\u1fff\u2070-\uffff]/;

/** What a decoded request needs, and how long its prompt is: an estimate, cheap enough for every request. */
export function requestNeeds(request: ChatRequest): RequestNeeds {
  let promptTokens = 0;
  let vision = false;
  for (const message of request.messages) {
    promptTokens += TOKENS_PER_MESSAGE + messageTokens(message);
    if (!vision && Array.isArray(message.content)) vision = message.content.some((part) => part.type === 'image_url');
  }
  const tools = request.tools !== undefined && request.tools.length > 0;
  if (request.tools) for (const tool of request.tools) promptTokens += toolTokens(tool);
  const format = request.response_format;
  if (format?.type === 'json_schema') promptTokens += estimateTokens(JSON.stringify(format.json_schema.schema ?? {}));
  return { promptTokens: Math.ceil(promptTokens), vision, tools, json: format !== undefined && format.type !== 'text' };
}

function messageTokens(message: ChatMessage): number {
  let tokens = 0;
  if (typeof message.content === 'string') tokens += estimateTokens(message.content);
  else if (message.content) for (const part of message.content) tokens += partTokens(part);
  if (message.reasoning_content) tokens += estimateTokens(message.reasoning_content);
  if (message.tool_calls) {
    for (const call of message.tool_calls) {
      tokens += TOKENS_PER_MESSAGE + (call.function.name.length + call.id.length) / CHARS_PER_TOKEN;
      tokens += estimateTokens(call.function.arguments);
    }
  }
  return tokens;
}

function partTokens(part: Exclude<ChatMessage['content'], string | null>[number]): number {
  if (part.type === 'text') return estimateTokens(part.text);
  if (part.type === 'image_url') {
    const { url, detail } = part.image_url;
    if (detail === 'low') return TOKENS_PER_IMAGE;
    // Small data URLs (icons, thumbnails) are one tile; anything else is likely several.
    return url.startsWith('data:') && url.length < 60_000 ? TOKENS_PER_IMAGE : TOKENS_PER_DETAILED_IMAGE;
  }
  return TOKENS_PER_IMAGE + longestString(part) / CHARS_PER_MEDIA_TOKEN;
}

/** The media itself is the longest string of such a part. */
function longestString(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let longest = 0;
  for (const field of Object.values(value)) longest = Math.max(longest, longestString(field));
  return longest;
}

function toolTokens(tool: ToolDefinition): number {
  const { name, description, parameters } = tool.function;
  const text = name.length / CHARS_PER_TOKEN + (description ? estimateTokens(description) : 0);
  return TOKENS_PER_MESSAGE + text + (parameters ? jsonLength(parameters) / CHARS_PER_TOKEN : 0);
}

/** About the length of `JSON.stringify(value)`, without building the string. */
function jsonLength(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 5;
  let length = 2;
  if (Array.isArray(value)) {
    for (const item of value) length += jsonLength(item) + 1;
    return length;
  }
  for (const field in value) length += field.length + 4 + jsonLength((value as Record<string, unknown>)[field]);
  return length;
}

/** Tokens of a text: four Latin characters each, one for each CJK character. Long texts are sampled. */
export function estimateTokens(text: string): number {
  const { length } = text;
  if (length <= SAMPLED_FROM) {
    const wide = countWide(text, 0, length);
    return (length - wide) / CHARS_PER_TOKEN + wide;
  }
  const step = (length - SAMPLE_LENGTH) / (SAMPLES - 1);
  let wide = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = Math.floor(sample * step);
    wide += countWide(text, from, from + SAMPLE_LENGTH);
  }
  const wideShare = wide / (SAMPLES * SAMPLE_LENGTH);
  return length * ((1 - wideShare) / CHARS_PER_TOKEN + wideShare);
}

function countWide(text: string, from: number, to: number): number {
  if (!WIDE.test(text.slice(from, to))) return 0;
  let wide = 0;
  for (let index = from; index < to; index++) {
    const code = text.charCodeAt(index);
    // General punctuation (dashes, quotes, ellipses) is as narrow as Latin.
    if (code >= FIRST_WIDE && (code < 0x2000 || code > 0x206f)) wide++;
  }
  return wide;
}
