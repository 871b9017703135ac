import { isProfileStrategy } from '../../protocol/strategyNames.js';
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
    if (blocks.length > 0 && blocks.every(({ kind }) => kind === 'gone')) return restingGone(blocks);
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

/** More of them say nothing more. */
const MAX_MODELS = 3;

/** Whom `model` stood for, as an error speaks of them. */
interface Asked {
  /** "no enabled model can see", "groq/m cannot see". */
  cannot(what: string): string;
  all: string;
  advice: string;
}

function askedFor(model: string, candidates: readonly Candidate[]): Asked {
  const lower = model.toLowerCase();
  const isStrategy = lower.startsWith('auto:') && isProfileStrategy(lower.slice('auto:'.length));
  if (lower === 'auto' || lower.startsWith('prefer:') || isStrategy) {
    const advice = 'add a key for one that can';
    return { cannot: (what) => `no enabled model can ${what}`, all: 'the enabled models', advice };
  }
  const names = [...new Set(candidates.map(({ name }) => name))];
  const [only = ''] = names;
  const advice = 'ask for another model, or for auto';
  if (names.length === 1) return { cannot: (what) => `${only} cannot ${what}`, all: only, advice };
  const all = `the models of "${model}"`;
  const shown = `${names.slice(0, MAX_MODELS).join(', ')}${names.length > MAX_MODELS ? ', …' : ''}`;
  return { cannot: (what) => `none of ${all} (${shown}) can ${what}`, all, advice };
}

/** None of those that `model` stands for can take the request at all: which need is in the way. */
export function incapableError(candidates: readonly Candidate[], needs: RequestNeeds, model: string): HttpError {
  const bad = (code: string, message: string) => new HttpError(400, 'invalid_request_error', code, message);
  const { cannot, all, advice } = askedFor(model, candidates);
  if (needs.vision && !candidates.some((candidate) => candidate.catalog.vision)) {
    return bad('no_vision_model', `The request has an image, and ${cannot('see')}; ${advice}`);
  }
  if (needs.tools && !candidates.some((candidate) => candidate.catalog.tools)) {
    return bad('no_tools_model', `The request has tools, and ${cannot('call them')}; ${advice}`);
  }
  if (needs.json && candidates.every((candidate) => candidate.runtime.spec.rules?.noResponseFormat)) {
    const message = `The request wants JSON, and ${cannot('be asked for it')}: response_format is ignored there`;
    return new HttpError(400, 'invalid_request_error', 'invalid_request', message, { param: 'response_format' });
  }
  const largest = Math.max(0, ...candidates.map((candidate) => candidate.catalog.contextWindow ?? 0));
  const combined = candidates.some((candidate) => (candidate.catalog.contextWindow ?? Infinity) >= needs.promptTokens);
  if (combined && needs.vision && needs.tools) {
    return bad('no_vision_model', `The request has an image and tools, and ${cannot('take both')}; ${advice}`);
  }
  return bad(
    'context_length_exceeded',
    `This request has about ${needs.promptTokens} tokens; the maximum context length of ${all} is ${largest} tokens`,
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

/** Its members are of no provider with a key, gone, or nobody knows them. */
export function emptyProfileError(profile: string, members: readonly string[]): HttpError {
  const names = members.length > 0 ? `none of its models can be asked: ${unique([...members])}` : 'it names no model';
  return exhausted(
    503,
    'no_providers_configured',
    `The profile "${profile}" has nobody to ask; ${names}. Add a key for one of them, or change the profile`,
  );
}

function contextTooLong(attempts: readonly AttemptRecord[]): HttpError {
  const message = `The request is over the maximum context length of every model that was asked. ${words(attempts)}`;
  return new HttpError(400, 'invalid_request_error', 'context_length_exceeded', message);
}

function rateLimited(attempts: readonly AttemptRecord[], blocks: readonly Block[], nowMs: number): HttpError {
  const ending = blocks.flatMap((block) => (block.until === null ? [] : [{ ...block, until: block.until }]));
  const soonest = Math.min(...ending.map(({ until }) => until));
  const seconds = Number.isFinite(soonest) ? Math.max(1, Math.ceil((soonest - nowMs) / 1000)) : 1;
  const resets = soonestOfModels(ending).map(({ candidate, kind, isStated, isTried, until }) => {
    const why = isStated ? `${kind}, as the provider said` : kind;
    if (isTried) return `${candidate.name} (${kind}) is being tried again by another request`;
    return `${candidate.name} (${why}) again at ${new Date(until).toISOString()}`;
  });
  const headers: Record<string, string> = { 'retry-after': String(seconds) };
  if (seconds > MAX_LIBRARY_WAIT_SECONDS) headers['x-should-retry'] = 'false';
  const message = `Every provider that could answer is at its limit; the soonest is free in ${seconds} s. ${resets.length > 0 ? unique(resets) : words(attempts)}`;
  return new HttpError(429, 'rate_limit_error', 'rate_limit_exceeded', message, { headers });
}

/** Of the keys of a model the one that is free first: each model is said once. */
function soonestOfModels<B extends { candidate: Candidate; until: number }>(blocks: readonly B[]): B[] {
  const found = new Map<string, B>();
  for (const block of blocks) {
    const known = found.get(block.candidate.name);
    if (!known || block.until < known.until) found.set(block.candidate.name, block);
  }
  return [...found.values()];
}

/** All rest because their providers said that they do not have them: that is no limit, and repeating would not help. */
function restingGone(blocks: readonly Block[]): HttpError {
  const lines = blocks.map(({ candidate: { name, provider }, until }) => {
    const again = until === null ? '' : `; it is asked again at ${new Date(until).toISOString()}`;
    return `${provider} said that it does not have ${name}${again}`;
  });
  const advice = 'DELETE /api/cooldowns/{id} ("Retry now") asks at once';
  return new HttpError(404, 'invalid_request_error', 'model_not_found', `${unique(lines)}. ${advice}`);
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
