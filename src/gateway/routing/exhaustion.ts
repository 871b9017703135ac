import { HttpError } from '../http/errors.js';
import type { RequestNeeds } from '../surfaces/requestNeeds.js';
import type { Block } from './candidateSearch.js';
import type { FailureKind } from './failure.js';
import { RATE_KINDS } from './failurePolicy.js';
import type { Candidate } from './inventory.js';

/** One attempt of a request, as its error, its trail and its events name it. */
export interface AttemptRecord {
  candidate: Candidate;
  kind: FailureKind;
  status: number | null;
  /** The provider's own words. */
  message: string;
  isTimeout: boolean;
  /** From the request's arrival to its beginning. */
  startMs: number;
  ms: number;
}

/** With a longer wait, client libraries must not sleep and repeat on their own. */
const MAX_LIBRARY_WAIT_SECONDS = 20;

/**
 * What the client is told when nobody answered: the contract's error for what the attempts, or the lack of any, add up
 * to. `blocks` is what stood in the way of those that were not asked.
 */
export function exhaustionError(
  attempts: readonly AttemptRecord[],
  blocks: readonly Block[],
  nowMs: number,
): HttpError {
  if (attempts.length === 0) {
    const lines = blocks.map(({ candidate, kind, message }) => `${candidate.name}: ${kind}: ${message}`);
    if (blocks.length > 0 && blocks.every(({ kind }) => kind === 'auth')) {
      return exhausted(502, 'upstream_error', `Every key is refused by its provider. ${unique(lines)}`);
    }
    if (blocks.length > 0 && blocks.every(({ kind, until }) => until === null && kind.startsWith('t'))) {
      const message = `The request is over the maximum context length that the quotas allow. ${unique(lines)}`;
      return new HttpError(400, 'invalid_request_error', 'context_length_exceeded', message);
    }
    return rateLimited(attempts, blocks, nowMs);
  }
  const isEvery = (test: (attempt: AttemptRecord) => boolean) => attempts.every(test);
  if (isEvery(({ kind }) => kind === 'too_large')) return contextTooLong(attempts);
  if (isEvery(({ kind }) => kind === 'gone')) {
    return new HttpError(
      404,
      'invalid_request_error',
      'model_not_found',
      `No provider has the model any more. ${words(attempts)}`,
    );
  }
  if (isEvery(({ kind }) => kind === 'bad_request')) {
    return new HttpError(400, 'invalid_request_error', 'provider_rejected_request', words(attempts));
  }
  if (isEvery(({ kind }) => RATE_KINDS.has(kind) || kind === 'too_large')) return rateLimited(attempts, blocks, nowMs);
  if (isEvery(({ isTimeout }) => isTimeout))
    return exhausted(504, 'upstream_timeout', `Every attempt timed out. ${words(attempts)}`);
  return exhausted(502, 'upstream_error', `No provider could answer. ${words(attempts)}`);
}

/** No enabled model can take the request at all: which need is in the way. */
export function incapableError(candidates: readonly Candidate[], needs: RequestNeeds): HttpError {
  const bad = (code: string, message: string) => new HttpError(400, 'invalid_request_error', code, message);
  if (needs.vision && !candidates.some((candidate) => candidate.catalog.vision)) {
    return bad('no_vision_model', 'The request has an image, and no enabled model can see; add a key for one that can');
  }
  if (needs.tools && !candidates.some((candidate) => candidate.catalog.tools)) {
    return bad(
      'no_tools_model',
      'The request has tools, and no enabled model can call them; add a key for one that can',
    );
  }
  if (needs.json && candidates.every((candidate) => candidate.runtime.spec.rules?.noResponseFormat)) {
    const message = 'No enabled model can be asked for JSON: their providers ignore response_format';
    return new HttpError(400, 'invalid_request_error', 'invalid_request', message, { param: 'response_format' });
  }
  const largest = Math.max(0, ...candidates.map((candidate) => candidate.catalog.contextWindow ?? 0));
  const combined = candidates.some((candidate) => (candidate.catalog.contextWindow ?? Infinity) >= needs.promptTokens);
  if (combined && needs.vision && needs.tools) {
    return bad('no_vision_model', 'No enabled model can both see images and call tools; add a key for one that can');
  }
  return bad(
    'context_length_exceeded',
    `This request has about ${needs.promptTokens} tokens; the maximum context length of the enabled models is ${largest} tokens`,
  );
}

export function noProvidersError(): HttpError {
  return exhausted(
    503,
    'no_providers_configured',
    'No provider is set up yet: run "FreeLLM: Add Key" in VS Code, or put a key under "providers" in the config file',
  );
}

/** A provider is there, but no model of it is on: its list has not come yet, or the chain names none. */
export function noModelsError(): HttpError {
  return exhausted(
    503,
    'no_providers_configured',
    'The providers that are set up have no models yet: their lists may not have come, or the chain names none of them',
  );
}

function contextTooLong(attempts: readonly AttemptRecord[]): HttpError {
  const message = `The request is over the maximum context length of every model that was asked. ${words(attempts)}`;
  return new HttpError(400, 'invalid_request_error', 'context_length_exceeded', message);
}

function rateLimited(attempts: readonly AttemptRecord[], blocks: readonly Block[], nowMs: number): HttpError {
  const ending = blocks.flatMap(({ candidate, kind, until }) => (until === null ? [] : [{ candidate, kind, until }]));
  const soonest = Math.min(...ending.map(({ until }) => until));
  const seconds = Number.isFinite(soonest) ? Math.max(1, Math.ceil((soonest - nowMs) / 1000)) : 1;
  const resets = ending.map(
    ({ candidate, kind, until }) => `${candidate.name} (${kind}) again at ${new Date(until).toISOString()}`,
  );
  const headers: Record<string, string> = { 'retry-after': String(seconds) };
  if (seconds > MAX_LIBRARY_WAIT_SECONDS) headers['x-should-retry'] = 'false';
  const message = `Every provider that could answer is at its limit; the soonest is free in ${seconds} s. ${resets.length > 0 ? unique(resets) : words(attempts)}`;
  return new HttpError(429, 'rate_limit_error', 'rate_limit_exceeded', message, { headers });
}

function exhausted(status: number, code: string, message: string): HttpError {
  return new HttpError(status, 'api_error', code, message, { headers: { 'x-should-retry': 'false' } });
}

/** Every attempt's provider, model, kind and own words. */
function words(attempts: readonly AttemptRecord[]): string {
  return unique(attempts.map(({ candidate, kind, message }) => `${candidate.name}: ${kind}: ${message}`));
}

/** Joined without repeats; long lists are cut. */
function unique(lines: string[]): string {
  const distinct = [...new Set(lines)];
  const rest = distinct.length - 20;
  return distinct.slice(0, 20).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
