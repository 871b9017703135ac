import type { ChatRequest, ReasoningEffort } from '../../../protocol/chat.js';
import type { ModelTraits } from './models.js';
import { toGeminiSchema } from './schema.js';
import { clientTools } from './tools.js';
import type { JsonObject } from './wire.js';

/** `generationConfig` of the request body, without the fields that are unset. */
export function encodeGenerationConfig(
  request: ChatRequest,
  traits: ModelTraits,
  maxOutput: number | undefined,
): JsonObject {
  const config: JsonObject = {
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    // int32 on Google's side; OpenAI's is 64 bits wide.
    seed: request.seed === undefined ? undefined : request.seed | 0,
    stopSequences: request.stop?.length ? request.stop : undefined,
    // Zero is the default, and models without penalties refuse even that.
    presencePenalty: request.presence_penalty || undefined,
    frequencyPenalty: request.frequency_penalty || undefined,
    maxOutputTokens:
      request.max_tokens === undefined
        ? undefined
        : Math.min(request.max_tokens, maxOutput ?? Number.POSITIVE_INFINITY),
    ...responseFormat(request, traits),
    thinkingConfig: thinkingConfig(request.reasoning_effort, traits),
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/**
 * Before Gemini 3, "Function calling with a response mime type: 'application/json' is unsupported" (400): there the
 * tools stay and the format goes, because an agent cannot do without its tools.
 */
function responseFormat(request: ChatRequest, traits: ModelTraits): JsonObject {
  const format = request.response_format;
  if (!format || format.type === 'text') return {};
  if (!traits.isGemini3 && clientTools(request).length > 0) return {};
  const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
  return { responseMimeType: 'application/json', ...(schema && { responseSchema: toGeminiSchema(schema) }) };
}

/** Tokens for Gemini 2.5 (https://ai.google.dev/gemini-api/docs/thinking#set-budget); Pro cannot do without, 128 is its least. */
const budgets: Readonly<Record<Exclude<ReasoningEffort, 'none'>, number>> = {
  minimal: 512,
  low: 1024,
  medium: 8192,
  high: 24_576,
};

function thinkingConfig(effort: ReasoningEffort | undefined, traits: ModelTraits): JsonObject | undefined {
  if (effort === undefined || traits.thinking === 'none') return undefined;
  if (traits.thinking === 'budget') {
    if (effort === 'none') return { thinkingBudget: traits.isFlash ? 0 : 128 };
    return { thinkingBudget: budgets[effort], includeThoughts: true };
  }
  const thinkingLevel = levelOf(effort, traits);
  // Asked for none, the model may still think a little, but nobody wants to read it.
  return effort === 'none' ? { thinkingLevel } : { thinkingLevel, includeThoughts: true };
}

/** Gemini 3 cannot be told not to think: `minimal` (Flash) or `low` is the least. */
function levelOf(effort: ReasoningEffort, traits: ModelTraits): string {
  if (effort === 'none' || effort === 'minimal') return traits.isFlash ? 'minimal' : 'low';
  return effort === 'medium' && !traits.hasMediumLevel ? 'high' : effort;
}
