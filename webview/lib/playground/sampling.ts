import type { ReasoningEffort } from '../../../src/protocol/chat.js';

/** The sampling controls as they were filled in; null (or false) is not sent. */
export interface Sampling {
  temperature: number | null;
  topP: number | null;
  maxTokens: number | null;
  seed: number | null;
  effort: ReasoningEffort | null;
  isJson: boolean;
}

export const EFFORTS: readonly ReasoningEffort[] = ['none', 'minimal', 'low', 'medium', 'high'];

export const NO_SAMPLING: Sampling = {
  ...{ temperature: null, topP: null, maxTokens: null, seed: null },
  ...{ effort: null, isJson: false },
};

/** A number of a field; null for an empty one, NaN for what is none or out of bounds. */
export function readNumber(text: string, { min, max, isWhole }: NumberBounds): number | null {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return null;
  const value = Number(trimmed);
  const fits = Number.isFinite(value) && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  return fits ? value : Number.NaN;
}

export interface NumberBounds {
  min: number;
  max: number;
  isWhole: boolean;
}

/** Of the fields, as OpenAI's API has them. */
export const BOUNDS = {
  temperature: { min: 0, max: 2, isWhole: false },
  topP: { min: 0, max: 1, isWhole: false },
  maxTokens: { min: 1, max: 1_000_000, isWhole: true },
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, isWhole: true },
} as const satisfies Record<string, NumberBounds>;

/** Those that are set, as a request has them. */
export function samplingFields(sampling: Sampling): Record<string, unknown> {
  const { temperature, topP, maxTokens, seed, effort, isJson } = sampling;
  return {
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(seed === null ? {} : { seed }),
    ...(effort === null ? {} : { reasoning_effort: effort }),
    ...(isJson ? { response_format: { type: 'json_object' } } : {}),
  };
}
