import type { RequestOutcome } from '../../protocol/events.js';
import type { AttemptRow, RequestRow } from '../ledger/changes.js';
import type { RunOutcome } from '../routing/attemptLoop.js';
import type { AttemptRecord } from '../routing/exhaustion.js';
import type { Ranking } from '../routing/scoring/order.js';
import { routeText } from '../routing/scoring/routeText.js';
import type { RunningRequest } from './activeRequests.js';

/** Model names come from clients: what is kept and told of them is bounded. */
export const LONGEST_NAME = 200;

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
    model: request.model,
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
    attempts: attemptRows(run, outcome.firstTokenMs !== null),
    ...(run.passedOver?.length ? { passedOver: run.passedOver } : {}),
    ...(run.isSticky ? { isSticky: true } : {}),
    ...(run.isHandoff ? { isHandoff: true } : {}),
    ...(ranking.profile === null ? {} : { profile: ranking.profile }),
    ...(route === undefined ? {} : { route }),
  };
}

/** `hasBegun`: the answer was on its way when the client left, so that its provider has counted it. */
function attemptRows(run: RunOutcome, hasBegun: boolean): AttemptRow[] {
  const rows = run.failures.map(failedRow);
  const { candidate, attemptMs, status } = run;
  if (!candidate || attemptMs === null) return rows;
  const { provider, model, keyId } = candidate;
  const kind = status === 'canceled' ? 'canceled' : null;
  return [...rows, { provider, model, keyId, kind, httpStatus: kind === null || hasBegun ? 200 : null, ms: attemptMs }];
}

function failedRow({ candidate: { provider, model, keyId }, kind, status, ms }: AttemptRecord): AttemptRow {
  return { provider, model, keyId, kind, httpStatus: status, ms };
}
