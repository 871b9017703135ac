/** What `/api/events` sends: each as one server-sent event, `event:` the type, `data:` the JSON, `id:` a rising number. */
export type GatewayEvent =
  | { type: 'request.started'; id: string; at: number; model: string; stream: boolean; client: string | null }
  | { type: 'request.routed'; id: string; at: number; provider: string; model: string; attempt: number }
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
  | { type: 'gateway.changed'; at: number; state: GatewayState };

export interface RequestOutcome {
  status: 'success' | 'error' | 'canceled';
  /** HTTP status the client saw. */
  httpStatus: number;
  /** Who answered; null when nobody did. */
  provider: string | null;
  model: string | null;
  keyId: string | null;
  /** ms from the request's arrival. */
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
    requests: number;
  };
  /** Can anything answer right now? If not, a sentence says why and what to do. */
  canAnswer: boolean;
  reason: string | null;
  demo: boolean;
  /** The most recent answered request, for whoever comes late. */
  lastRequest: { at: number; outcome: RequestOutcome } | null;
}
