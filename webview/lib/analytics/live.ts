import type { RequestView } from '../../../src/protocol/analytics.js';
import type { ActiveRequest, GatewayEvent } from '../../../src/protocol/events.js';

/** What is under way, and what came to its end since the page was opened. */
export interface Live {
  active: readonly ActiveRequest[];
  ended: { requests: number; answered: number; tokens: number };
}

export const NOTHING_LIVE: Live = { active: [], ended: { requests: 0, answered: 0, tokens: 0 } };

/** The same after these events, in their order. */
export function withEvents(live: Live, events: readonly GatewayEvent[]): Live {
  const active = new Map(live.active.map((request) => [request.id, request]));
  let { ended } = live;
  const change = (id: string, news: Partial<ActiveRequest>): void => {
    const request = active.get(id);
    if (request) active.set(id, { ...request, ...news });
  };
  for (const event of events) {
    switch (event.type) {
      case 'request.started':
        active.set(event.id, begun(event));
        break;
      case 'request.queued':
        change(event.id, { waitsUntil: event.until });
        break;
      case 'request.routed':
        change(event.id, {
          provider: event.provider,
          servedModel: event.model,
          attempt: event.attempt,
          waitsUntil: null,
          completionTokens: 0,
        });
        break;
      case 'request.progressed':
        change(event.id, { completionTokens: event.completionTokens });
        break;
      case 'request.ended': {
        active.delete(event.id);
        ended = withOne(ended, event.outcome);
      }
    }
  }
  return { active: [...active.values()], ended };
}

type Outcome = Pick<RequestView, 'status' | 'promptTokens' | 'completionTokens'>;

function withOne(
  { requests, answered, tokens }: Live['ended'],
  { status, promptTokens, completionTokens }: Outcome,
): Live['ended'] {
  return {
    requests: requests + 1,
    answered: answered + (status === 'success' ? 1 : 0),
    tokens: tokens + (promptTokens ?? 0) + (completionTokens ?? 0),
  };
}

/** What came to its end by the request log, and by what was heard while the log was read: each request once. */
export function endedOf(log: ReadonlyMap<string, Outcome>, heard: ReadonlyMap<string, Outcome>): Live['ended'] {
  return [...new Map([...heard, ...log]).values()].reduce(withOne, NOTHING_LIVE.ended);
}

/** What is under way as it was read. What happened since it was asked for may be in it, or not yet. */
export function asRead(live: Live, active: readonly ActiveRequest[], since: readonly GatewayEvent[]): Live {
  return { ...live, active: withEvents({ ...live, active }, since).active };
}

function begun({ id, at, model, client }: Extract<GatewayEvent, { type: 'request.started' }>): ActiveRequest {
  return {
    id,
    startedAt: at,
    model,
    client,
    provider: null,
    servedModel: null,
    attempt: 0,
    waitsUntil: null,
    completionTokens: 0,
  };
}
