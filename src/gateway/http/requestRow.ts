import type { RequestOutcome } from '../../protocol/events.js';
import type { AttemptRow, RequestRow } from '../ledger/changes.js';
import type { RunOutcome } from '../routing/attemptLoop.js';
import type { AttemptRecord } from '../routing/exhaustion.js';
import type { Ranking } from '../routing/scoring/order.js';
import { routeText } from '../routing/scoring/routeText.js';
import type { RunningRequest } from './activeRequests.js';

/** Model names come from clients: what is kept of them is bounded. */
const LONGEST_NAME = 200;

/** What the ledger keeps of a finished request: who, when, how much; never what was said. */
export function requestRow(
  request: RunningRequest,
  ranking: Ranking,
  run: RunOutcome,
  outcome: RequestOutcome,
): RequestRow {
  const route = routeText(ranking, run.candidate);
  return {
    id: request.id,
    at: request.startedAt,
    client: request.client,
    tokenId: null,
    model: request.model.slice(0, LONGEST_NAME),
    isStream: request.isStream,
    status: outcome.status,
    httpStatus: outcome.httpStatus,
    errorCode: outcome.errorCode,
    provider: outcome.provider,
    servedModel: outcome.model,
    keyId: outcome.keyId,
    firstTokenMs: outcome.firstTokenMs,
    totalMs: outcome.totalMs,
    promptTokens: outcome.promptTokens,
    completionTokens: outcome.completionTokens,
    attempts: attemptRows(run, outcome),
    ...(run.passedOver?.length ? { passedOver: run.passedOver } : {}),
    ...(run.isSticky ? { isSticky: true } : {}),
    ...(run.isHandoff ? { isHandoff: true } : {}),
    ...(ranking.profile === null ? {} : { profile: ranking.profile }),
    ...(route === undefined ? {} : { route }),
  };
}

function attemptRows(run: RunOutcome, { firstTokenMs, totalMs }: RequestOutcome): AttemptRow[] {
  const rows = run.failures.map(failedRow);
  const { candidate, attemptMs, status } = run;
  if (!candidate || attemptMs === null) return rows;
  const { provider, model, keyId } = candidate;
  if (status !== 'canceled') return [...rows, { provider, model, keyId, kind: null, httpStatus: 200, ms: attemptMs }];
  // Where the answer was on its way when the client left, its provider has counted it.
  const httpStatus = firstTokenMs === null ? null : 200;
  const startMs = Math.max(0, totalMs - attemptMs);
  return [...rows, { provider, model, keyId, kind: 'canceled', httpStatus, startMs, ms: attemptMs }];
}

function failedRow({ candidate: { provider, model, keyId }, kind, status, startMs, ms }: AttemptRecord): AttemptRow {
  return { provider, model, keyId, kind, httpStatus: status, startMs, ms };
}
