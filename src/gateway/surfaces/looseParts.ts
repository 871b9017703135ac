import type { FinishReason, Usage } from '../../protocol/chat.js';
import { isTokenCount } from '../tokenCount.js';

/** Text and reasoning of a `content` field, which is a string, null, or an array of parts (Magistral). */
export function readContent(content: unknown): { text: string; reasoning: string } {
  if (typeof content === 'string') return { text: content, reasoning: '' };
  const result = { text: '', reasoning: '' };
  if (!Array.isArray(content)) return result;
  for (const part of content as unknown[]) {
    if (typeof part === 'string') result.text += part;
    else if (isRecord(part)) {
      if (part['type'] === 'thinking' || part['type'] === 'reasoning') {
        result.reasoning += readContent(part['thinking'] ?? part['text'] ?? part['reasoning']).text;
      } else if (typeof part['text'] === 'string') result.text += part['text'];
    }
  }
  return result;
}

/** `reasoning_content`, or `reasoning` as OpenRouter, Groq, Cerebras and Ollama call it. */
export function readReasoning(fields: Record<string, unknown>): string {
  for (const name of ['reasoning_content', 'reasoning']) {
    const value = fields[name];
    if (typeof value === 'string' && value) return value;
  }
  return '';
}

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  end_turn: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  stop_sequence: 'stop',
  complete: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
  sensitive: 'content_filter',
  safety: 'content_filter',
};

/** A provider's finish reason in the field's terms; null while there is none. Unknown words mean a plain stop. */
export function readFinishReason(value: unknown, hasToolCalls: boolean): FinishReason | null {
  if (typeof value !== 'string' || value === '') return null;
  const reason = FINISH_REASONS[value.toLowerCase()] ?? 'stop';
  if (hasToolCalls && reason !== 'length' && reason !== 'content_filter') return 'tool_calls';
  return reason === 'tool_calls' && !hasToolCalls ? 'stop' : reason;
}

/** A usage object with the three counts as numbers; null if there is none, or a count in it that cannot be one. */
export function readUsage(value: unknown): Usage | null {
  if (!isRecord(value)) return null;
  const prompt = value['prompt_tokens'];
  const completion = value['completion_tokens'];
  const hasPrompt = typeof prompt === 'number';
  const hasCompletion = typeof completion === 'number';
  if (!hasPrompt && !hasCompletion) return null;
  if ((hasPrompt && !isTokenCount(prompt)) || (hasCompletion && !isTokenCount(completion))) return null;
  const promptTokens = hasPrompt ? prompt : 0;
  const completionTokens = hasCompletion ? completion : 0;
  const total = value['total_tokens'];
  if (hasPrompt && hasCompletion && isTokenCount(total)) return value as Usage;
  return {
    ...value,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: isTokenCount(total) ? total : promptTokens + completionTokens,
  };
}

/** Arguments as the JSON text clients expect, whatever shape they came in. */
export function readArguments(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
