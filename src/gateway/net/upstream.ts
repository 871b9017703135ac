import type { UpstreamRequest } from '../providers/adapter.js';

export interface UpstreamTimeouts {
  /** Until the socket (and TLS, and proxy tunnel) is up, in ms. */
  connectMs: number;
  /** From dispatch until the response headers, in ms; null where the caller has a time-out of its own for them. */
  headersMs: number | null;
}

/** Raw callbacks of one exchange. Exactly one of `onEnd` and `onError` is called, once, last. */
export interface UpstreamHandler {
  /**
   * The connection is there and the request is written to it in this turn; once more if it is sent again, after a
   * kept-alive connection turned out to be closed.
   */
  onSent?(): void;
  onHeaders(status: number, headers: Record<string, string>): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onError(error: UpstreamError): void;
}

export type UpstreamErrorKind =
  | 'refused'
  | 'reset'
  | 'dns'
  | 'tls'
  | 'connect-timeout'
  | 'headers-timeout'
  | 'aborted'
  | 'blocked'
  | 'proxy'
  | 'other';

/** A transport failure: nothing the provider said. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  constructor(
    readonly kind: UpstreamErrorKind,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Outbound HTTP. The one implementation is `createUpstreamClient` in undiciClient.ts. */
export interface UpstreamClient {
  /**
   * Sends and calls back. Returns `abort()`, which closes the exchange's connection at once; after it no callback but
   * `onError(kind aborted)` comes. Never throws; redirects are not followed; bodies arrive decompressed or identity.
   */
  send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: UpstreamHandler): { abort(): void };
  /** Small requests off the hot path (probes, model lists): whole body, at most 8 MB. */
  fetchText(
    request: UpstreamRequest,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<{ status: number; headers: Record<string, string>; body: string }>;
  close(): Promise<void>;
}
