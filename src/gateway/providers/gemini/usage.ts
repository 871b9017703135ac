import type { Usage } from '../../../protocol/chat.js';
import type { GeminiUsage } from './wire.js';

/**
 * Gemini's counts as OpenAI's: thoughts are part of the completion, what server-side tools read is part of the prompt
 * (https://ai.google.dev/api/generate-content#UsageMetadata). Null where Gemini counted nothing.
 */
export function toUsage(usage: GeminiUsage | undefined): Usage | null {
  if (!usage || (usage.promptTokenCount === undefined && usage.totalTokenCount === undefined)) return null;
  const prompt = count(usage.promptTokenCount) + count(usage.toolUsePromptTokenCount);
  const thoughts = count(usage.thoughtsTokenCount);
  const completion = count(usage.candidatesTokenCount) + thoughts;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: count(usage.totalTokenCount) || prompt + completion,
    ...(usage.cachedContentTokenCount !== undefined && {
      prompt_tokens_details: { cached_tokens: count(usage.cachedContentTokenCount) },
    }),
    ...(usage.thoughtsTokenCount !== undefined && { completion_tokens_details: { reasoning_tokens: thoughts } }),
  };
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}
