import type { ServerResponse } from 'node:http';
import { sseComment, sseData } from '../net/sse.js';
import type { Clock } from '../ports.js';
import type { ChatSink, Route } from '../routing/attemptLoop.js';
import type { AttemptRecord } from '../routing/exhaustion.js';
import { FAILURE_POLICY } from '../routing/failurePolicy.js';
import type { NormalizedCompletion } from '../surfaces/completionNormalizer.js';
import type { HttpError } from './errors.js';

/** A stream's headers leave after this long at the latest, and a comment follows whenever it was silent for so long. */
const KEEPALIVE_MS = 10_000;
/** A client that does not read what it asked for is cut off rather than held in memory; that ends the upstream too. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/**
 * Writes chat answers to Node's own response, past Hono (bench.md: converting them through Web streams costs more than
 * routing does). Nothing here throws: an adapter above would append its text to the client's stream.
 */
export class ResponseSink implements ChatSink {
  /** Facts that had no headers to travel in. */
  private lateFacts: Record<string, string> | null = null;
  private isStreamOpen = false;
  private cancelKeepalive: () => void = () => {};
  private lastWriteAt: number;
  /** Written in this turn of the loop; leaves as one piece when it ends. */
  private pending = '';
  private hasWritten = false;
  /** When the first byte of the answer left, ms since the epoch. */
  firstByteAt: number | null = null;
  httpStatus = 200;

  constructor(
    private readonly response: ServerResponse,
    private readonly requestId: string,
    isStream: boolean,
    private readonly clock: Clock,
  ) {
    this.lastWriteAt = clock.now();
    if (isStream) this.watchSilence(KEEPALIVE_MS);
  }

  answer(route: Route, completion: NormalizedCompletion): void {
    this.firstByteAt = this.clock.now();
    this.sendBody(200, completion.text, routeHeaders(route));
  }

  begin(route: Route): void {
    this.firstByteAt = this.clock.now();
    if (this.isStreamOpen) this.lateFacts = routeHeaders(route);
    else this.openStream(routeHeaders(route));
  }

  payloads(texts: string[]): void {
    let out = '';
    for (const text of texts) out += text.includes('\n') ? sseData(text) : `data: ${text}\n\n`;
    this.write(out);
  }

  end(): void {
    this.cancelKeepalive();
    let out = '';
    for (const [name, value] of Object.entries(this.lateFacts ?? {})) out += sseComment(`${name} ${value}`);
    this.response.end(`${this.takePending()}${out}data: [DONE]\n\n`);
  }

  fail(error: HttpError, failures: readonly AttemptRecord[]): void {
    this.cancelKeepalive();
    if (this.isStreamOpen) {
      this.response.end(`${this.takePending()}data: ${JSON.stringify(error.toBody())}\n\ndata: [DONE]\n\n`);
      return;
    }
    this.httpStatus = error.status;
    this.sendBody(error.status, JSON.stringify(error.toBody()), {
      ...trailHeaders(failures),
      ...error.details.headers,
    });
  }

  /** The client is gone, or the request is over: no timer stays behind. */
  close(): void {
    this.cancelKeepalive();
  }

  private openStream(headers: Record<string, string>): void {
    this.isStreamOpen = true;
    this.response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': this.requestId,
      ...headers,
    });
  }

  /** What one packet of the provider brought leaves in one write: four pieces of HTTP framing for all, not for each. */
  private write(text: string): void {
    this.lastWriteAt = this.clock.now();
    if (this.response.writableLength > MAX_UNREAD_BYTES) {
      this.response.destroy();
      return;
    }
    if (!this.hasWritten) {
      // The first piece is what somebody waits for: it does not wait for the rest of its packet.
      this.hasWritten = true;
      if (this.response.destroyed) return;
      this.response.write(text);
      // Node corks a chunked write until the next tick, which comes only when the provider's whole packet is read.
      this.response.socket?.uncork();
      return;
    }
    if (this.pending === '') queueMicrotask(this.flush);
    this.pending += text;
  }

  private readonly flush = (): void => {
    const text = this.takePending();
    if (text !== '' && !this.response.destroyed && !this.response.writableEnded) this.response.write(text);
  };

  private takePending(): string {
    const text = this.pending;
    this.pending = '';
    return text;
  }

  /** One timer that looks back, instead of one set anew by every write. */
  private watchSilence(ms: number): void {
    this.cancelKeepalive = this.clock.after(ms, () => {
      const silent = this.clock.now() - this.lastWriteAt;
      if (silent < KEEPALIVE_MS) return this.watchSilence(KEEPALIVE_MS - silent);
      if (!this.isStreamOpen) this.openStream({});
      this.write(sseComment('keepalive'));
      this.watchSilence(KEEPALIVE_MS);
    });
  }

  private sendBody(status: number, body: string, headers: Record<string, string>): void {
    this.cancelKeepalive();
    this.response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-request-id': this.requestId,
      ...headers,
    });
    this.response.end(body);
  }
}

/** `X-Routed-Via`, and the fallback headers if there were any. */
function routeHeaders(route: Route): Record<string, string> {
  const via = { 'x-routed-via': headerText(route.candidate.name) };
  return route.failures.length === 0 ? via : { ...via, ...trailHeaders(route.failures) };
}

function trailHeaders(failures: readonly AttemptRecord[]): Record<string, string> {
  if (failures.length === 0) return {};
  const trail = failures.map(({ candidate, kind }) => `${headerText(candidate.name)}=${FAILURE_POLICY[kind].trail}`);
  return { 'x-fallback-attempts': String(failures.length), 'x-fallback-trail': trail.join('; ') };
}

/** Percent-encodes what a header may not carry (contract.md), and the sign itself: it is decoded as a whole. */
function headerText(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd').replace(/[^\x20-\x24\x26-\x7e]+/g, (piece) => encodeURIComponent(piece));
}
