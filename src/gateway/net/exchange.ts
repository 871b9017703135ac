import type { Transform } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Clock } from '../ports.js';
import { createContentDecoder } from './contentDecoding.js';
import { toUpstreamError } from './transportErrors.js';
import { UpstreamError, type UpstreamHandler, type UpstreamTimeouts } from './upstream.js';

export interface ExchangeOptions {
  /** Scheme, host and port: what messages may name. */
  origin: string;
  timeouts: UpstreamTimeouts;
  clock: Clock;
  handler: UpstreamHandler;
  /** Sends the same request again, on a connection of its own. */
  resend(exchange: Exchange): void;
}

/** One request and its answer: undici's callbacks in, ours out, with the time-outs and the keep-alive retry between. */
export class Exchange implements Dispatcher.DispatchHandler {
  private readonly handler: UpstreamHandler;
  private controller: Dispatcher.DispatchController | null = null;
  private decoder: Transform | null = null;
  private cancelConnect: (() => void) | null = null;
  private stopConnectTimer: (() => void) | null = null;
  private stopHeadersTimer: (() => void) | null = null;
  private isDone = false;
  private hasHeaders = false;
  /** No connection was opened for it: it went out on a kept-alive one. */
  private isReused = true;
  private isRetried = false;
  /** `send` has not returned: its caller cannot have kept the handle, so callbacks wait. */
  private isSending = true;

  constructor(private readonly options: ExchangeOptions) {
    this.handler = options.handler;
    const { headersMs } = options.timeouts;
    if (headersMs === null) return;
    this.stopHeadersTimer = options.clock.after(headersMs, () => {
      this.fail(new UpstreamError('headers-timeout', `${options.origin}: no answer within ${headersMs} ms`));
    });
  }

  /** `send` returns. */
  sent(): void {
    this.isSending = false;
  }

  /** A connection is being opened for this exchange. */
  connecting(cancel: () => void): void {
    this.isReused = false;
    this.cancelConnect = cancel;
    const { connectMs } = this.options.timeouts;
    this.stopConnectTimer = this.options.clock.after(connectMs, () => {
      this.fail(new UpstreamError('connect-timeout', `${this.options.origin}: no connection within ${connectMs} ms`));
    });
    if (this.isDone) this.release();
  }

  /** The opening ended, well or not. */
  connected(): void {
    this.stopConnectTimer?.();
    this.stopConnectTimer = null;
    this.cancelConnect = null;
  }

  abort(): void {
    this.fail(new UpstreamError('aborted', `${this.options.origin}: aborted`));
  }

  /** Ends the exchange with an error, closing its connection; nothing after the first end counts. */
  fail(error: UpstreamError): void {
    if (this.isDone) return;
    this.isDone = true;
    this.release();
    if (this.isSending) queueMicrotask(() => this.handler.onError(error));
    else this.handler.onError(error);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isDone) controller.abort(new UpstreamError('aborted', 'aborted before it was sent'));
    else this.handler.onSent?.();
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    raw: Record<string, string | string[] | undefined>,
  ) {
    if (this.isDone || status < 200) return;
    this.hasHeaders = true;
    this.stopHeadersTimer?.();
    this.stopHeadersTimer = null;
    const headers: Record<string, string> = {};
    for (const name in raw) {
      const value = raw[name];
      if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
    }
    if (headers['content-encoding'] !== undefined) this.startDecoder(headers);
    this.handler.onHeaders(status, headers);
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isDone) return;
    if (this.decoder) this.decoder.write(chunk);
    else this.handler.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.decoder) this.decoder.end();
    else this.end();
  }

  onResponseError(_: Dispatcher.DispatchController | null, cause: Error): void {
    if (this.isDone) return;
    const error = toUpstreamError(cause, this.options.origin);
    // The classical keep-alive race: the server closed the idle connection just when we wrote to it.
    if (error.kind === 'reset' && this.isReused && !this.hasHeaders && !this.isRetried) {
      this.isRetried = true;
      this.controller = null;
      this.options.resend(this);
      return;
    }
    this.fail(error);
  }

  private startDecoder(headers: Record<string, string>): void {
    const decoder = createContentDecoder(headers['content-encoding']);
    if (!decoder) return;
    delete headers['content-encoding'];
    delete headers['content-length'];
    this.decoder = decoder;
    decoder.on('data', (chunk: Buffer) => {
      if (!this.isDone) this.handler.onData(chunk);
    });
    decoder.once('end', () => this.end());
    decoder.on('error', (cause) => {
      this.fail(new UpstreamError('other', `${this.options.origin}: the compressed body is damaged`, { cause }));
    });
  }

  private end(): void {
    if (this.isDone) return;
    this.isDone = true;
    this.handler.onEnd();
  }

  private release(): void {
    this.stopHeadersTimer?.();
    this.stopConnectTimer?.();
    this.stopHeadersTimer = null;
    this.stopConnectTimer = null;
    this.cancelConnect?.();
    this.cancelConnect = null;
    this.decoder?.destroy();
    this.controller?.abort(new UpstreamError('aborted', 'aborted'));
  }
}
