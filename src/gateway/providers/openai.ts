import type { ChatRequest } from '../../protocol/chat.js';
import type {
  Adapter,
  AdapterTarget,
  DecodedBody,
  DecodedEvent,
  LooseChunk,
  LooseCompletion,
  SseEvent,
  StreamDecoder,
  UpstreamRequest,
} from './adapter.js';
import { ChunkParser } from './chunkParser.js';
import { errorMessage, errorStatus, isObject } from './errorBody.js';
import { completionAsChunks, rescueFailedGeneration } from './failedGeneration.js';
import { applyRules } from './parameterRules.js';
import { joinEndpoint } from './resolveBaseUrl.js';

/** The adapter of every provider that speaks OpenAI chat completions; what differs is in the provider's rules. */
export function createOpenAiAdapter(): Adapter {
  // Targets live as long as the inventory: each is joined once, not at every request.
  const urls = new WeakMap<AdapterTarget, string>();
  const urlOf = (target: AdapterTarget): string => {
    const known = urls.get(target);
    if (known !== undefined) return known;
    const url = joinEndpoint(target.baseUrl, 'chat/completions');
    urls.set(target, url);
    return url;
  };
  return {
    buildRequest: (request, target) => buildRequest(request, target, urlOf(target)),
    decodeBody,
    createStreamDecoder,
    rescueError,
  };
}

function buildRequest(request: ChatRequest, target: AdapterTarget, url: string): UpstreamRequest {
  return {
    method: 'POST',
    url,
    headers: requestHeaders(target, request.stream),
    body: JSON.stringify(applyRules(request, target.provider, target)),
  };
}

/**
 * Headers of a JSON request with a bearer key, where there is one. A key that the user gave to a provider that
 * needs none is sent too: it stands for an account with better limits (AI Horde).
 */
export function requestHeaders(target: AdapterTarget, stream: boolean): Record<string, string> {
  return {
    'content-type': 'application/json',
    accept: stream ? 'text/event-stream' : 'application/json',
    ...target.provider.headers,
    ...(target.secret && { authorization: `Bearer ${target.secret}` }),
  };
}

function decodeBody(text: string): DecodedBody {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { type: 'malformed', message: describeUnparsable(text) };
  }
  if (!isObject(body)) return { type: 'malformed', message: 'The answer is not a JSON object' };
  const error = findError(body);
  if (error) return error;
  if (!Array.isArray(body.choices)) {
    // Some answer 200 with {detail} or {message} and nothing else.
    const message = errorMessage(body);
    if (message !== null) return { type: 'error', body, message, ...statusOf(body) };
    return { type: 'malformed', message: 'The answer has no choices: not an OpenAI-compatible completion' };
  }
  return { type: 'completion', completion: body as LooseCompletion, raw: text };
}

function createStreamDecoder(request: ChatRequest): StreamDecoder {
  const parser = new ChunkParser();
  return { decode: (event) => decodeEvent(event, request, parser), end: () => [] };
}

function decodeEvent(event: SseEvent, request: ChatRequest, parser: ChunkParser): DecodedEvent[] {
  const { data } = event;
  if (data === '[DONE]' || data.trim() === '[DONE]') return [{ type: 'done' }];
  let body: unknown;
  try {
    body = parser.parse(data);
  } catch {
    return [];
  }
  if (!isObject(body)) return [];
  const error = findError(body);
  if (error) {
    const rescued = rescueFailedGeneration(body, request);
    if (!rescued) return [error];
    return [...completionAsChunks(rescued).map((chunk) => ({ type: 'chunk' as const, chunk })), { type: 'done' }];
  }
  // `event: error` with a bare message, without the usual envelope.
  if (event.event === 'error' && !Array.isArray(body.choices)) {
    return [
      {
        type: 'error',
        body,
        message: errorMessage(body) ?? 'The provider ended the stream with an error',
        ...statusOf(body),
      },
    ];
  }
  return [{ type: 'chunk', chunk: body as LooseChunk, raw: data }];
}

function rescueError(status: number, bodyText: string, request: ChatRequest): LooseCompletion | null {
  if (status !== 400 || !bodyText.includes('failed_generation')) return null;
  try {
    const body: unknown = JSON.parse(bodyText);
    return isObject(body) ? rescueFailedGeneration(body, request) : null;
  } catch {
    return null;
  }
}

/** An error in a 2xx: `{error}`, Cloudflare's `{errors, success: false}`, OpenRouter's `choices[0].error`. */
function findError(body: Record<string, unknown>): Extract<DecodedBody, { type: 'error' }> | null {
  let holder: Record<string, unknown> | null = null;
  if (body.error) holder = body;
  else if (body.success === false && Array.isArray(body.errors)) holder = body;
  else if (Array.isArray(body.choices)) {
    const first: unknown = body.choices[0];
    if (isObject(first) && first.error) holder = first;
  }
  if (!holder) return null;
  const message = errorMessage(holder) ?? 'The provider answered with an error inside a success';
  return { type: 'error', body: holder === body ? body : { error: holder.error }, message, ...statusOf(holder) };
}

function statusOf(body: Record<string, unknown>): { status?: number } {
  const status = errorStatus(body);
  return status === null ? {} : { status };
}

function describeUnparsable(text: string): string {
  const start = text.trimStart();
  if (start === '') return 'The answer is empty';
  if (start.startsWith('<'))
    return 'The answer is a web page, not JSON: is the base URL complete (often it ends in /v1)?';
  if (start.startsWith('{')) return 'The answer is JSON cut short';
  return 'The answer is not JSON';
}
