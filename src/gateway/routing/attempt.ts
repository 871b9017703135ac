import type { ChatRequest, FinishReason, Usage } from '../../protocol/chat.js';
import type { UpstreamClient, UpstreamError, UpstreamErrorKind, UpstreamHandler } from '../net/upstream.js';
import type { Clock } from '../ports.js';
import type { DecodedBody, LooseCompletion } from '../providers/adapter.js';
import { type NormalizedCompletion, normalizeCompletion } from '../surfaces/completionNormalizer.js';
import { type ClassifyContext, classifyInBand, classifyResponse, classifyTransport, failureOf } from './classify.js';
import type { Failure } from './failure.js';
import type { Candidate } from './inventory.js';
import { secretsIn } from './providerWords.js';
import { HANDOFF_TEXT } from './sticky/handoff.js';

/** What every attempt works with. */
export interface AttemptContext {
  clock: Clock;
  upstreamFor(candidate: Candidate): Pick<UpstreamClient, 'send'>;
  /** A fresh id with this prefix. */
  newId(prefix: string): string;
}

/** A failed attempt. */
export interface AttemptFailure {
  type: 'failed';
  failure: Failure;
  /** A time-out, of whatever part. */
  isTimeout: boolean;
  /** Nothing reached the provider: no connection came about. */
  isUnsent?: boolean;
  /** The provider's safety filter blocked the answer: the client is told so in case nobody else answers. */
  isBlocked?: boolean;
}

export interface AttemptAnswer {
  finishReason: FinishReason | null;
  /** Estimated where the provider counted nothing. */
  usage: Usage | null;
  /** The provider counted it itself. */
  isCounted: boolean;
}

/** Who wants to hear of an answer while it comes. */
export interface AnswerWatch {
  onSent(bytes: number): void;
  onHeaders(status: number, headers: Record<string, string>): void;
  /** Of an answer that is an error. */
  onErrorBody(bodyText: string): void;
}

export type WholeAttemptEnd =
  | AttemptFailure
  | { type: 'answered'; completion: NormalizedCompletion }
  | { type: 'aborted' };

/** Larger error bodies are cut; larger answers are not read at all. */
const MAX_ERROR_BYTES = 256 * 1024;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Time to the first delta grows with the prompt (design.md, Routing). */
const MS_PER_PROMPT_TOKEN = 10;
const MAX_FIRST_DELTA_MS = 180_000;

/** How long the first delta (or the whole answer) of a request may take, in ms. */
export function firstDeltaLimitMs(candidate: Candidate, promptTokens: number): number {
  const { firstByteMs, spec } = candidate.runtime;
  const factor = spec.slowFactor ?? 1;
  const grown = firstByteMs + MS_PER_PROMPT_TOKEN * promptTokens * factor;
  return Math.max(firstByteMs, Math.min(grown, MAX_FIRST_DELTA_MS * factor));
}

/** For what this candidate's provider says. */
export function classifyContext(candidate: Candidate, clock: Clock): ClassifyContext {
  const { provider, runtime, target } = candidate;
  const hidden = [HANDOFF_TEXT, ...secretsIn(target.secret)];
  return { provider, dayBoundary: runtime.spec.dayBoundary, nowMs: clock.now(), hidden };
}

export function failed(failure: Failure, isTimeout = false): AttemptFailure {
  return { type: 'failed', failure, isTimeout };
}

/** Failures before anything was sent. */
const UNSENT_KINDS: ReadonlySet<UpstreamErrorKind> = new Set([
  'refused',
  'dns',
  'tls',
  'connect-timeout',
  'blocked',
  'proxy',
]);

export function transportFailed(error: UpstreamError): AttemptFailure {
  const isTimeout = error.kind === 'connect-timeout' || error.kind === 'headers-timeout';
  return { ...failed(classifyTransport(error), isTimeout), isUnsent: UNSENT_KINDS.has(error.kind) };
}

/** Collects a body up to a limit. */
export class BodyCollector {
  private readonly chunks: Buffer[] = [];
  private size = 0;

  constructor(private readonly limit: number) {}

  get isFull(): boolean {
    return this.size > this.limit;
  }

  push(chunk: Buffer): void {
    this.size += chunk.length;
    if (!this.isFull) this.chunks.push(chunk);
  }

  text(): string {
    return this.chunks.length === 1
      ? (this.chunks[0]?.toString('utf8') ?? '')
      : Buffer.concat(this.chunks).toString('utf8');
  }

  static for(status: number): BodyCollector {
    return new BodyCollector(isSuccess(status) ? MAX_BODY_BYTES : MAX_ERROR_BYTES);
  }
}

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

interface WholeBody {
  status: number;
  headers: Record<string, string>;
  body: BodyCollector;
}

/** A whole body, classified: an answer, or why it is none. Never throws: nobody up the stack could end the attempt. */
export function readWholeBody(
  context: AttemptContext,
  candidate: Candidate,
  request: ChatRequest,
  watch: AnswerWatch,
  answer: WholeBody,
): WholeAttemptEnd {
  try {
    if (!isSuccess(answer.status)) watch.onErrorBody(answer.body.text());
    return readBody(context, candidate, request, answer);
  } catch {
    // Nesting deeper than the stack, for one.
    return failed(failureOf('empty', 'The answer cannot be read'));
  }
}

function readBody(
  context: AttemptContext,
  candidate: Candidate,
  request: ChatRequest,
  answer: WholeBody,
): WholeAttemptEnd {
  const text = answer.body.text();
  if (!isSuccess(answer.status)) {
    const rescued = candidate.runtime.adapter.rescueError?.(answer.status, text, request, candidate.target);
    if (rescued) return accept(context, candidate, request, rescued, undefined);
    return failed(classifyResponse(answer.status, answer.headers, text, classifyContext(candidate, context.clock)));
  }
  if (answer.body.isFull) return failed(failureOf('empty', 'The answer is too large to read'));
  const decoded: DecodedBody = candidate.runtime.adapter.decodeBody(text, request, candidate.target);
  if (decoded.type === 'error') return failed(classifyInBand(decoded, classifyContext(candidate, context.clock)));
  if (decoded.type === 'malformed') return failed(failureOf('empty', decoded.message));
  return accept(context, candidate, request, decoded.completion, decoded.raw);
}

function accept(
  context: AttemptContext,
  candidate: Candidate,
  request: ChatRequest,
  loose: LooseCompletion,
  raw: string | undefined,
): WholeAttemptEnd {
  const completion = normalizeCompletion(loose, raw, {
    model: candidate.model,
    created: Math.floor(context.clock.now() / 1000),
    newId: context.newId,
    request,
  });
  if (completion.rejection !== null) return failed(failureOf('empty', completion.rejection));
  if (completion.hasAnswer || completion.finishReason === 'length') return { type: 'answered', completion };
  if (completion.finishReason === 'content_filter') {
    return { ...failed(failureOf('empty', "The provider's safety filter blocked the answer")), isBlocked: true };
  }
  return failed(failureOf('empty', 'The answer has neither text nor a tool call'));
}

/** One non-streaming attempt. `onAbort` is given the function that ends it early. */
export function attemptWhole(
  context: AttemptContext,
  candidate: Candidate,
  request: ChatRequest,
  promptTokens: number,
  watch: AnswerWatch,
  onAbort: (abort: () => void) => void,
): Promise<WholeAttemptEnd> {
  return new Promise((resolve) => {
    // First of all, since it may throw: no timer must stay behind.
    const upstreamRequest = candidate.runtime.adapter.buildRequest(request, candidate.target);
    const limitMs = firstDeltaLimitMs(candidate, promptTokens);
    let status = 0;
    let headers: Record<string, string> = {};
    let body = BodyCollector.for(200);
    let isEnded = false;
    const end = (result: WholeAttemptEnd) => {
      if (isEnded) return;
      isEnded = true;
      cancelTimer();
      resolve(result);
    };
    const handler: UpstreamHandler = {
      onSent: () => watch.onSent(upstreamRequest.body?.length ?? 0),
      onHeaders(code, fields) {
        watch.onHeaders(code, fields);
        status = code;
        headers = fields;
        body = BodyCollector.for(code);
      },
      onData(chunk) {
        body.push(chunk);
        if (isEnded || !body.isFull) return;
        // Nothing after the limit changes what is made of it, and it may never end.
        end(readWholeBody(context, candidate, request, watch, { status, headers, body }));
        exchange.abort();
      },
      onEnd: () => end(readWholeBody(context, candidate, request, watch, { status, headers, body })),
      onError: (error) => end(error.kind === 'aborted' ? { type: 'aborted' } : transportFailed(error)),
    };
    // A whole answer is written before it is sent: it may take as long as its first delta and its idle time together,
    // but who configured a short wait for the first byte means it here too.
    const wholeMs = limitMs + Math.min(candidate.runtime.idleMs, 3 * limitMs);
    const cancelTimer = context.clock.after(wholeMs, () => {
      end(failed(failureOf('slow', `No answer within ${Math.round(wholeMs / 1000)} s`), true));
      exchange.abort();
    });
    let exchange: { abort(): void };
    try {
      const { connectMs } = candidate.runtime;
      exchange = context.upstreamFor(candidate).send(upstreamRequest, { connectMs, headersMs: null }, handler);
    } catch (error) {
      cancelTimer();
      throw error;
    }
    onAbort(() => {
      end({ type: 'aborted' });
      exchange.abort();
    });
  });
}
