import type { Usage } from '../../protocol/chat.js';

/** Where nobody counted: about four characters a token. */
const CHARACTERS_PER_TOKEN = 4;

/** Tokens of so many characters, estimated. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}

/** A usage of which at least the answer's part is an estimate. */
export function estimateUsage(promptTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
