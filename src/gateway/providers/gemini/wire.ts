/**
 * The parts of Gemini's native wire format that we write or read.
 * After https://ai.google.dev/api/generate-content and /api/caching#Content (v1beta, 2026-11). Everything in an answer
 * is optional: Google omits empty fields, and 200 answers without candidates or without parts are normal.
 */

export type JsonObject = Record<string, unknown>;

export interface GeminiFunctionCall {
  id?: string;
  name?: string;
  args?: unknown;
  /** Streamed arguments (Vertex, and some Gemini 3 models): each names the place in `args` that it fills or extends. */
  partialArgs?: GeminiPartialArg[];
  /** More parts of this same call follow. */
  willContinue?: boolean;
}

export interface GeminiPartialArg {
  jsonPath?: string;
  stringValue?: string;
  numberValue?: number;
  boolValue?: boolean;
  nullValue?: unknown;
  /** More text for the same string follows. */
  willContinue?: boolean;
}

export interface GeminiPart {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  functionCall?: GeminiFunctionCall;
  functionResponse?: { id?: string; name: string; response: JsonObject; parts?: GeminiPart[] };
  inlineData?: { mimeType?: string; data?: string };
  fileData?: { mimeType?: string; fileUri?: string };
}

export interface GeminiContent {
  role?: 'user' | 'model';
  parts?: GeminiPart[];
}

export interface GeminiUsage {
  promptTokenCount?: number;
  /** Excludes thoughts. */
  candidatesTokenCount?: number;
  thoughtsTokenCount?: number;
  /** What server-side tools put into the prompt; not part of promptTokenCount. */
  toolUsePromptTokenCount?: number;
  cachedContentTokenCount?: number;
  totalTokenCount?: number;
}

export interface GeminiResponse {
  candidates?: { index?: number; content?: GeminiContent; finishReason?: string; finishMessage?: string }[];
  promptFeedback?: { blockReason?: string; blockReasonMessage?: string };
  usageMetadata?: GeminiUsage;
  modelVersion?: string;
  responseId?: string;
  error?: { code?: number; message?: string; status?: string };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
