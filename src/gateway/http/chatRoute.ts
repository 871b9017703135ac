import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChatRequest } from '../../protocol/chat.js';
import type { RequestOutcome } from '../../protocol/events.js';
import type { RequestRow } from '../ledger/changes.js';
import type { Clock, Log } from '../ports.js';
import { AbortLatch, type RunOutcome } from '../routing/attemptLoop.js';
import type { Router } from '../routing/router.js';
import type { Ranking } from '../routing/scoring/order.js';
import { readSessionId } from '../routing/sticky/sessionIds.js';
import { decodeChatRequest } from '../surfaces/decodeChatRequest.js';
import { requestNeeds } from '../surfaces/requestNeeds.js';
import type { ActiveRequests, RunningRequest } from './activeRequests.js';
import { ResponseSink } from './chatSink.js';
import type { ClientNames } from './clientNames.js';
import { HttpError, toHttpError } from './errors.js';
import { readJsonBody } from './requestBody.js';
import { LONGEST_NAME, requestRow } from './requestRow.js';

export interface ChatRouteContext {
  clock: Clock;
  log: Log;
  active: ActiveRequests;
  clients: ClientNames;
  /** Takes what is kept of a finished request. */
  record(row: RequestRow): void;
  router: Router;
}

/** Serves `POST /v1/chat/completions` on Node's own request and response. Never rejects, never throws. */
export async function serveChat(
  context: ChatRouteContext,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
): Promise<void> {
  const startedAt = context.clock.now();
  const latch = new AbortLatch();
  outgoing.on('close', () => {
    if (!outgoing.writableFinished) latch.abort();
  });
  // A client that vanishes in the middle of a write is no error of ours.
  outgoing.on('error', () => latch.abort());
  try {
    const body = await readJsonBody(incoming);
    const request = decodeChatRequest(body);
    const running = runningRequest(requestId, startedAt, request, context.clients.nameOf(incoming));
    const ranking = rankingOf(context, running, request.model);
    const { candidates } = ranking;
    const needs = requestNeeds(request);
    const sink = new ResponseSink(outgoing, requestId, request.stream, context.clock);
    running.interrupt = () => {
      sink.fail(closingError(), []);
      latch.abort();
    };
    context.active.begin(running);
    const run = { id: requestId, request, needs, candidates, sink, signal: latch, startedAt, progress: running };
    try {
      const outcome = await context.router.run(run, readSessionId(body, incoming.headers));
      finish(context, running, ranking, outcome, toOutcome(outcome, sink, startedAt, context.clock.now()));
    } catch (error) {
      context.active.end(requestId, null);
      throw error;
    } finally {
      sink.close();
    }
  } catch (error) {
    refuse(context, outgoing, requestId, error);
  }
}

/** @throws HttpError for a `model` that nobody can be asked for; it is kept like any other request that failed. */
function rankingOf(context: ChatRouteContext, running: RunningRequest, model: string): Ranking {
  try {
    return context.router.rankingFor(model);
  } catch (error) {
    if (error instanceof HttpError) recordRefused(context, running, error);
    throw error;
  }
}

const UNRANKED: Ranking = {
  strategy: null,
  profile: null,
  candidates: [],
  scores: null,
  weights: null,
  preferred: null,
};

function recordRefused(context: ChatRouteContext, running: RunningRequest, error: HttpError): void {
  context.active.begin(running);
  const run: RunOutcome = {
    status: 'error',
    error,
    candidate: null,
    failures: [],
    attemptMs: null,
    finishReason: null,
    usage: null,
  };
  const now = context.clock.now();
  finish(
    context,
    running,
    UNRANKED,
    run,
    toOutcome(run, { httpStatus: error.status, firstByteAt: null }, running.startedAt, now),
  );
}

function runningRequest(id: string, startedAt: number, request: ChatRequest, client: string | null): RunningRequest {
  return {
    id,
    startedAt,
    model: request.model.slice(0, LONGEST_NAME),
    isStream: request.stream,
    client,
    provider: null,
    servedModel: null,
    attempt: 0,
    waitsUntil: null,
    readTokens: () => 0,
    toldTokens: 0,
    interrupt: () => {},
  };
}

function closingError(): HttpError {
  return new HttpError(503, 'api_error', 'gateway_closing', 'The gateway is closing; ask again in a moment');
}

function finish(
  context: ChatRouteContext,
  running: RunningRequest,
  ranking: Ranking,
  run: RunOutcome,
  outcome: RequestOutcome,
): void {
  context.active.end(running.id, outcome);
  context.record(requestRow(running, ranking, run, outcome));
}

function refuse(context: ChatRouteContext, outgoing: ServerResponse, requestId: string, error: unknown): void {
  const httpError = toHttpError(error);
  if (httpError.status >= 500 && httpError.code === 'internal_error') logInternal(context.log, requestId, error);
  if (outgoing.destroyed) return;
  if (outgoing.headersSent) {
    outgoing.end(`data: ${JSON.stringify(httpError.toBody())}\n\ndata: [DONE]\n\n`);
    return;
  }
  sendError(outgoing, requestId, httpError);
}

/** An error answer on Node's own response. After a body that was too large the connection is closed. */
export function sendError(outgoing: ServerResponse, requestId: string, error: HttpError): void {
  const body = JSON.stringify(error.toBody());
  outgoing.writeHead(error.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    ...(error.status === 413 ? { connection: 'close' } : {}),
    ...error.details.headers,
  });
  outgoing.end(body);
}

/** A defect of ours: the stack goes to the log, never to the client. */
export function logInternal(log: Log, requestId: string, error: unknown): void {
  log.log('error', 'http', 'A request failed on our own side', {
    requestId,
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

function toOutcome(
  run: RunOutcome,
  sink: Pick<ResponseSink, 'httpStatus' | 'firstByteAt'>,
  startedAt: number,
  now: number,
): RequestOutcome {
  return {
    status: run.status,
    httpStatus: run.status === 'canceled' ? 499 : sink.httpStatus,
    provider: run.candidate?.provider ?? null,
    model: run.candidate?.model ?? null,
    keyId: run.candidate?.keyId ?? null,
    firstTokenMs: sink.firstByteAt === null ? null : sink.firstByteAt - startedAt,
    totalMs: now - startedAt,
    promptTokens: run.usage?.prompt_tokens ?? null,
    completionTokens: run.usage?.completion_tokens ?? null,
    fallbacks: run.failures.map(({ candidate, kind }) => ({
      provider: candidate.provider,
      model: candidate.model,
      kind,
    })),
    errorCode: run.error?.code ?? null,
  };
}
