import type { FinishReason } from '../../../protocol/chat.js';

/** https://ai.google.dev/api/generate-content#FinishReason (2026-11). Everything else is a plain stop. */
const filtered = new Set([
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'LANGUAGE',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
  'MODEL_ARMOR',
]);

/**
 * Gemini's reason as OpenAI's. `MALFORMED_FUNCTION_CALL` and its like become `stop`: with nothing else in the answer it
 * then counts as empty, and the next candidate is asked.
 */
export function toFinishReason(reason: string, hasToolCalls: boolean, hasOpenToolCall: boolean): FinishReason {
  if (filtered.has(reason)) return 'content_filter';
  // Arguments that were cut off are never passed off as a call to run.
  if (hasOpenToolCall) return 'length';
  if (hasToolCalls) return 'tool_calls';
  return reason === 'MAX_TOKENS' ? 'length' : 'stop';
}
