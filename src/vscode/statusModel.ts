import type { GatewayEvent, GatewayState, RequestOutcome } from '../protocol/events.js';
import { type HostState, isUp } from './gatewayHost.js';
import type { Overview } from './overviewModel.js';

/** What the status bar knows. Built by `reduceStatus` from events alone. */
export interface StatusModel {
  host: HostState;
  /** The gateway's own account of itself; null before it gave one. */
  gateway: GatewayState | null;
  /** The last request that anyone answered. */
  lastAnswer: { at: number; outcome: RequestOutcome } | null;
  /** The last request that ended, when it failed through no fault of the client's; cleared by the next answer. */
  lastFailure: { at: number; outcome: RequestOutcome } | null;
  inFlight: ReadonlyMap<string, InFlight>;
  /** Quotas, chain and providers; null before they were read. */
  overview: Overview | null;
}

export interface InFlight {
  at: number;
  provider: string | null;
  model: string | null;
}

export type StatusInput =
  | GatewayEvent
  | { type: 'host.changed'; state: HostState }
  /** A fresh `/api/state`. */
  | { type: 'state.read'; state: GatewayState }
  | { type: 'overview.read'; overview: Overview };

export const initialStatus: StatusModel = {
  host: { kind: 'starting' },
  gateway: null,
  lastAnswer: null,
  lastFailure: null,
  inFlight: new Map(),
  overview: null,
};

/** The model after one more event. Pure: unknown events leave it as it is. */
export function reduceStatus(model: StatusModel, input: StatusInput): StatusModel {
  switch (input.type) {
    case 'host.changed':
      return isUp(input.state)
        ? { ...model, host: input.state }
        : { ...model, host: input.state, gateway: null, lastFailure: null, inFlight: new Map(), overview: null };
    case 'state.read':
    case 'gateway.changed':
      return withGateway(model, input.state);
    case 'overview.read':
      return { ...model, overview: input.overview };
    case 'request.started':
      return withInFlight(model, input.id, { at: input.at, provider: null, model: null });
    case 'request.routed':
      return withInFlight(model, input.id, {
        at: model.inFlight.get(input.id)?.at ?? input.at,
        provider: input.provider,
        model: input.model,
      });
    case 'request.ended':
      return withOutcome(model, input.id, input.at, input.outcome);
    default:
      return model;
  }
}

function withGateway(model: StatusModel, gateway: GatewayState): StatusModel {
  const last = gateway.lastRequest;
  const isNewer = last !== null && last.outcome.provider !== null && last.at > (model.lastAnswer?.at ?? 0);
  return {
    ...model,
    gateway,
    lastAnswer: isNewer ? last : model.lastAnswer,
    // The answer that ended it may have come while nobody listened: a new leader took over.
    lastFailure: isNewer && last.at > (model.lastFailure?.at ?? 0) ? null : model.lastFailure,
    // Events lost while the stream was broken must not leave a spinner behind.
    inFlight: gateway.counts.inFlight === 0 ? new Map() : model.inFlight,
  };
}

function withInFlight(model: StatusModel, id: string, request: InFlight): StatusModel {
  return { ...model, inFlight: new Map(model.inFlight).set(id, request) };
}

function withOutcome(model: StatusModel, id: string, at: number, outcome: RequestOutcome): StatusModel {
  const inFlight = new Map(model.inFlight);
  inFlight.delete(id);
  if (outcome.status === 'success' && outcome.provider !== null) {
    return { ...model, inFlight, lastAnswer: { at, outcome }, lastFailure: null };
  }
  if (outcome.status === 'error' && isOurs(outcome)) return { ...model, inFlight, lastFailure: { at, outcome } };
  return { ...model, inFlight };
}

/** 400, 401, 404 and their like are the client's mistakes; the pool is fine. */
function isOurs(outcome: RequestOutcome): boolean {
  return outcome.httpStatus === 429 || outcome.httpStatus >= 500 || outcome.httpStatus === 200;
}

/** What the item shows; words and icons are the status bar's. */
export type StatusFace =
  | { kind: 'starting' }
  | { kind: 'stopped'; reason: Extract<HostState, { kind: 'stopped' }>['reason'] }
  /** `isSetUp`: there are keys, so something is wrong; else nobody has added one yet. */
  | { kind: 'noAnswer'; isSetUp: boolean }
  | { kind: 'failed' }
  | { kind: 'working'; provider: string | null; model: string | null }
  | { kind: 'answered'; provider: string; model: string; latencyMs: number; hasFallback: boolean }
  | { kind: 'idle' };

/** A request shorter than this never shows a spinner: flicker tells nobody anything. */
export const SPINNER_AFTER_MS = 400;

/** A failure is news this long; after it the last answer is more telling. */
export const FAILURE_SHOWN_MS = 60_000;

/** The face at time `now` (ms since the epoch). */
export function faceOf(model: StatusModel, now: number): StatusFace {
  if (model.host.kind === 'starting') return { kind: 'starting' };
  if (model.host.kind === 'stopped') return { kind: 'stopped', reason: model.host.reason };
  const slow = slowest(model, now);
  if (slow !== null) return { kind: 'working', provider: slow.provider, model: slow.model };
  if (model.gateway !== null && !model.gateway.canAnswer) {
    return { kind: 'noAnswer', isSetUp: model.gateway.counts.keys > 0 };
  }
  if (model.lastFailure !== null && now - model.lastFailure.at < FAILURE_SHOWN_MS) return { kind: 'failed' };
  const outcome = model.lastAnswer?.outcome;
  if (outcome === undefined || outcome.provider === null) return { kind: 'idle' };
  return {
    kind: 'answered',
    provider: outcome.provider,
    model: outcome.model ?? '',
    latencyMs: outcome.firstTokenMs ?? outcome.totalMs,
    hasFallback: outcome.fallbacks.length > 0,
  };
}

/** When the face will change by time alone: ms from `now`, null for never. */
export function nextChangeIn(model: StatusModel, now: number): number | null {
  if (!isUp(model.host)) return null;
  const waits = [...model.inFlight.values()].map((request) => request.at + SPINNER_AFTER_MS - now);
  if (model.lastFailure !== null) waits.push(model.lastFailure.at + FAILURE_SHOWN_MS - now);
  const coming = waits.filter((wait) => wait > 0);
  return coming.length === 0 ? null : Math.min(...coming);
}

function slowest(model: StatusModel, now: number): InFlight | null {
  let found: InFlight | null = null;
  for (const request of model.inFlight.values()) {
    if (now - request.at >= SPINNER_AFTER_MS && (found === null || request.at > found.at)) found = request;
  }
  return found;
}

/** `openai/gpt-oss-120b:free` → `gpt-oss-120b`: what fits a status bar and is still recognised. */
export function shortModel(model: string): string {
  const name = model.slice(model.lastIndexOf('/') + 1);
  return name.replace(/:free$/, '');
}

/** `412 ms`, `1.8 s`, `2 min 5 s`. */
export function shortDuration(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `groq: rate_limit, groq: rate_limit` as one step with a count; in order. */
export function trailSteps(
  fallbacks: RequestOutcome['fallbacks'],
): { provider: string; kind: string; count: number }[] {
  const steps: { provider: string; kind: string; count: number }[] = [];
  for (const { provider, kind } of fallbacks) {
    const last = steps.at(-1);
    if (last?.provider === provider && last.kind === kind) last.count += 1;
    else steps.push({ provider, kind, count: 1 });
  }
  return steps;
}
