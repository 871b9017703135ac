import type { Usage } from '../../../protocol/chat.js';
import { isTokenCount } from '../../tokenCount.js';
import type { GeminiUsage } from './wire.js';

/**
 * Gemini's counts as OpenAI's: thoughts are part of the completion, what server-side tools read is part of the prompt
 * (https://ai.google.dev/api/generate-content#UsageMetadata). Null where Gemini counted nothing,
 * or something that cannot be a count.
 */
export function toUsage(usage: GeminiUsage | undefined): Usage | null {
  if (!usage || (usage.promptTokenCount === undefined && usage.totalTokenCount === undefined)) return null;
  if (COUNTS.some((name) => usage[name] != null && !isTokenCount(usage[name]))) return null;
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

const COUNTS = [
  'promptTokenCount',
  'toolUsePromptTokenCount',
  'thoughtsTokenCount',
  'candidatesTokenCount',
  'totalTokenCount',
] as const;

function count(value: unknown): number {
  return isTokenCount(value) ? value : 0;
}
