import type { DecodedEvent, StreamDecoder } from '../adapter.js';
import { type AnswerContext, createAnswerDecoder } from './answerDecoder.js';
import { errorIn } from './responseError.js';
import { type GeminiResponse, isObject } from './wire.js';

/** Decodes `:streamGenerateContent?alt=sse`: one GenerateContentResponse an event, no end marker of its own. */
export function createGeminiStreamDecoder(context: AnswerContext): StreamDecoder {
  const answer = createAnswerDecoder(context);
  let hasFailed = false;

  function decodeOne(response: unknown): DecodedEvent[] {
    if (!isObject(response)) return [];
    const error = errorIn(response);
    if (!error) return answer.add(response as GeminiResponse);
    hasFailed = true;
    return [error];
  }

  return {
    decode(event) {
      let parsed: unknown;
      try {
        parsed = JSON.parse(event.data);
      } catch {
        return [];
      }
      return Array.isArray(parsed) ? parsed.flatMap(decodeOne) : decodeOne(parsed);
    },
    end: () => (hasFailed ? [] : answer.end()),
  };
}
