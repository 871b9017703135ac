import { isObject, type JsonObject } from './wire.js';

/** An error that Google put where a response belongs: `{"error":{"code","message","status"}}`. */
export interface GeminiError {
  type: 'error';
  body: JsonObject;
  status?: number;
  message: string;
}

export function errorIn(response: JsonObject): GeminiError | null {
  const error = response.error;
  if (!isObject(error)) return null;
  const words = typeof error.message === 'string' ? error.message : error.status;
  const message = typeof words === 'string' ? words : 'Gemini sent an error without words';
  return { type: 'error', body: response, message, ...(typeof error.code === 'number' && { status: error.code }) };
}
