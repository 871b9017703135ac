import type { Case } from './places.js';

/** What the failure policy and the contract make of a recorded failure when nobody else may answer. */
export interface ExpectedFailure {
  /** The policy's kind, as `X-Fallback-Trail` names it. */
  kind: 'gone' | 'rate_limit' | 'empty';
  status: number;
  type: string;
  code: string;
}

/**
 * null for an answer that the client has to get. By design.md's failure policy: 404 is `gone`, 429 `rate_limit`, an
 * answer that says nothing (Gemini's SAFETY without parts) is `empty`.
 */
export function expectedFailure({ exchange, said }: Case): ExpectedFailure | null {
  switch (exchange.response.status) {
    case 200:
      break;
    case 404:
      return { kind: 'gone', status: 404, type: 'invalid_request_error', code: 'model_not_found' };
    case 429:
      return { kind: 'rate_limit', status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' };
    default:
      throw new Error(`a recorded status this test has no expectation for: ${exchange.response.status}`);
  }
  const isEmpty = said !== null && said.text.trim() === '' && said.calls.length === 0 && said.error === null;
  // `length` without text is the client's own limit and is passed on.
  if (!isEmpty || said.finish === 'length') return null;
  return { kind: 'empty', status: 502, type: 'api_error', code: 'upstream_error' };
}
