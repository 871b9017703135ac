import { LedgerError } from '../ledger/ledger.js';
import { RequestError } from '../surfaces/requestError.js';

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'api_error';

/** An error as the contract shapes it. The message is for the client's user: what happened and what to do. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  constructor(
    readonly status: number,
    readonly type: ErrorType,
    readonly code: string,
    message: string,
    readonly details: { param?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message);
  }

  /** `{"error":{message,type,code,param}}`. */
  toBody(): { error: { message: string; type: ErrorType; code: string; param: string | null } } {
    const { message, type, code } = this;
    return { error: { message, type, code, param: this.details.param ?? null } };
  }
}

/** The one way from a thrown value to an HTTP error. What is unknown becomes a plain 500 without its own words. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  // What JSON.parse takes at any depth, JSON.stringify does not.
  if (error instanceof RangeError && error.message.includes('call stack')) {
    return invalidRequest('The body is nested too deeply');
  }
  if (error instanceof RequestError) return invalidRequest(error.message, error.param);
  if (error instanceof LedgerError && (error.kind === 'not-saved' || error.kind === 'locked')) {
    return new HttpError(503, 'api_error', 'not_saved', error.message);
  }
  return new HttpError(500, 'api_error', 'internal_error', 'The gateway failed on its own side; its log says more');
}

export function invalidRequest(message: string, param: string | null = null): HttpError {
  return new HttpError(400, 'invalid_request_error', 'invalid_request', message, { param });
}

export function notFound(path: string): HttpError {
  const message = `There is nothing at ${path.slice(0, 200)}; the endpoint is /v1/chat/completions, the models are at /v1/models`;
  return new HttpError(404, 'invalid_request_error', 'not_found', message);
}

export function requestTooLarge(limitBytes: number): HttpError {
  const message = `The request body is over ${Math.round(limitBytes / 1024 / 1024)} MB`;
  return new HttpError(413, 'invalid_request_error', 'request_too_large', message);
}
