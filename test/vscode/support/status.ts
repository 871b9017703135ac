import type { GatewayState, RequestOutcome } from '../../../src/protocol/events.js';

/** A request that went well. */
export function outcome(change: Partial<RequestOutcome> = {}): RequestOutcome {
  return {
    status: 'success',
    httpStatus: 200,
    provider: 'groq',
    model: 'openai/gpt-oss-120b',
    keyId: 'k1',
    firstTokenMs: 412,
    totalMs: 1800,
    promptTokens: 10,
    completionTokens: 20,
    fallbacks: [],
    errorCode: null,
    ...change,
  };
}

/** A gateway that is well, with two keys. */
export function gatewayState(change: Partial<GatewayState> = {}): GatewayState {
  return {
    version: '0.1.0',
    uptimeMs: 5,
    leader: true,
    url: 'http://127.0.0.1:3001',
    counts: {
      keys: 2,
      usableKeys: 2,
      providers: 2,
      models: 3,
      availableModels: 3,
      inFlight: 0,
      waiting: 0,
      requests: 0,
    },
    canAnswer: true,
    reason: null,
    demo: false,
    lastRequest: null,
    active: [],
    ledger: { isSaving: true, message: null },
    instance: 'test',
    ...change,
  };
}
