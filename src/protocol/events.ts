/** What `/api/events` sends: each as one server-sent event, `event:` the type, `data:` the JSON, `id:` a rising number. */
export type GatewayEvent =
  | { type: 'request.started'; id: string; at: number; model: string; stream: boolean; client: string | null }
  /** Everyone who could answer is full or cooling; `until` is when one is free at the soonest. */
  | { type: 'request.queued'; id: string; at: number; until: number }
  | { type: 'request.routed'; id: string; at: number; provider: string; model: string; attempt: number }
  /** The answer grows; told twice a second at most, without an id of its own. Tokens are estimated. */
  | { type: 'request.progressed'; id: string; at: number; provider: string; model: string; completionTokens: number }
  | { type: 'request.ended'; id: string; at: number; outcome: RequestOutcome }
  | {
      type: 'key.changed';
      at: number;
      keyId: string;
      provider: string;
      change: 'added' | 'updated' | 'removed' | 'health';
    }
  | {
      type: 'cooldown.changed';
      at: number;
      id: string;
      provider: string;
      model: string | null;
      until: number | null;
      kind: string;
    }
  /** A window's count changed by a settled request. */
  | { type: 'quota.changed'; at: number; windows: QuotaUse[] }
  | { type: 'gateway.changed'; at: number; state: GatewayState };

/** A request that is being answered. */
export interface ActiveRequest {
  id: string;
  /** ms since the epoch. */
  startedAt: number;
  /** What was asked for. */
  model: string;
  client: string | null;
  /** Who is being asked; null before the first attempt. */
  provider: string | null;
  servedModel: string | null;
  /** Counts from 1; 0 before the first. */
  attempt: number;
  /** It waits, until then at the soonest; null when it does not. */
  waitsUntil: number | null;
  /** Of the answer so far, estimated. */
  completionTokens: number;
}

/** What was used of one quota window (`GET /api/quota`). */
export interface QuotaUse {
  /** Names what shares the window. */
  id: string;
  kind: string;
  provider: string;
  /** null where the models of a provider share the window. */
  model: string | null;
  keyId: string | null;
  used: number;
  /** null where none is known. */
  limit: number | null;
  /** Where the limit comes from. */
  source: 'catalog' | 'user' | 'header' | 'error' | null;
  /** When use first falls out of it, in ms since the epoch. */
  resetsAt: number;
  /** When the limit was learned, in ms since the epoch; null for what was always there. */
  learnedAt: number | null;
  /** When it is used up at this pace, in ms since the epoch; null when it is not before it resets. */
  lastsUntil: number | null;
}

export interface RequestOutcome {
  status: 'success' | 'error' | 'canceled';
  /** HTTP status the client saw. */
  httpStatus: number;
  /** Who answered; null when nobody did. */
  provider: string | null;
  model: string | null;
  keyId: string | null;
  /** ms from the request's arrival to the first byte of the answer. */
  firstTokenMs: number | null;
  totalMs: number;
  promptTokens: number | null;
  completionTokens: number | null;
  /** Attempts that failed before the answer. */
  fallbacks: { provider: string; model: string; kind: string }[];
  /** For errors: the contract's code. */
  errorCode: string | null;
}

/** `GET /api/state`. */
export interface GatewayState {
  version: string;
  /** Names this life of the gateway. */
  instance: string;
  /** ms since start. */
  uptimeMs: number;
  leader: boolean;
  url: string;
  counts: {
    keys: number;
    usableKeys: number;
    providers: number;
    models: number;
    availableModels: number;
    inFlight: number;
    /** Of those in flight: waiting for a window or a cooldown to end. */
    waiting: number;
    /** Since this gateway started; the ledger's sums (`GET /api/analytics`) go further back. */
    requests: number;
  };
  /** Can anything answer right now? If not, a sentence says why and what to do. */
  canAnswer: boolean;
  reason: string | null;
  demo: boolean;
  /** The most recent answered request, for whoever comes late; after a start the ledger's. */
  lastRequest: { at: number; outcome: RequestOutcome } | null;
  /** Requests in flight, oldest first. */
  active: ActiveRequest[];
  /** Whether what happens is being saved; a sentence says why not. */
  ledger: { isSaving: boolean; message: string | null };
}
