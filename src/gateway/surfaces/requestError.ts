/** The client's request cannot be understood: becomes a 400 `invalid_request` (contract.md), no provider is asked. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    /** The field at fault, `messages[2].content`; null when it is the body as a whole. */
    readonly param: string | null,
    message: string,
  ) {
    super(message);
  }
}

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
