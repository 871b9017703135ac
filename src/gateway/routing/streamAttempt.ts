import type { ChatRequest, Usage } from '../../protocol/chat.js';
import { createSseReader } from '../net/sse.js';
import type { UpstreamError, UpstreamHandler } from '../net/upstream.js';
import type { DecodedEvent, SseEvent, StreamDecoder } from '../providers/adapter.js';
import { completionAsChunks } from '../providers/failedGeneration.js';
import { type AnswerListener, ChunkNormalizer } from '../surfaces/chunkNormalizer.js';
import { tokensOf } from '../surfaces/estimateUsage.js';
import {
  type AnswerWatch,
  type AttemptAnswer,
  type AttemptContext,
  type AttemptFailure,
  BodyCollector,
  classifyContext,
  failed,
  firstDeltaLimitMs,
  isSuccess,
  readWholeBody,
  transportFailed,
} from './attempt.js';
import { classifyInBand, failureOf } from './classify.js';
import type { Failure } from './failure.js';
import type { Candidate } from './inventory.js';

/** Where a stream's payloads go. Called only from the commit point on. */
export interface StreamReceiver {
  /** The answer has begun: what follows is the client's. */
  onCommit(): void;
  /** `data` texts, in order. */
  onPayloads(texts: string[]): void;
  /** Follows the answer, before the commit point too. */
  listener?: AnswerListener | undefined;
}

export type StreamAttemptEnd =
  | AttemptFailure
  | ({ type: 'answered' } & AttemptAnswer)
  /** Broke off after the commit point. */
  | ({ type: 'broken'; failure: Failure; isTimeout: boolean } & AttemptAnswer)
  | { type: 'aborted' };

/** A provider that has named its finish reason may still send usage; no longer than this is waited for it. */
const AFTER_FINISH_MS = 3_000;

/** One streaming attempt: reads, normalises and forwards; the promise of `run` tells how it ended. */
export class StreamAttempt implements UpstreamHandler {
  private bytes = 0;
  private status = 0;
  private headers: Record<string, string> = {};
  private body: BodyCollector | null = null;
  private reader: ReturnType<typeof createSseReader> | null = null;
  private readonly decoder: StreamDecoder;
  private readonly normalizer: ChunkNormalizer;
  private outgoing: string[] = [];
  private isCommitted = false;
  /** The first delta has come, if only to be held. */
  private isBegun = false;
  private isEnded = false;
  private lastDeltaAt = 0;
  private cancelTimer: () => void = () => {};
  private exchange: { abort(): void } | null = null;
  private resolve: (end: StreamAttemptEnd) => void = () => {};

  constructor(
    private readonly context: AttemptContext,
    private readonly candidate: Candidate,
    private readonly request: ChatRequest,
    private readonly promptTokens: number,
    private readonly watch: AnswerWatch,
    private readonly receiver: StreamReceiver,
  ) {
    this.decoder = candidate.runtime.adapter.createStreamDecoder(request, candidate.target);
    this.normalizer = new ChunkNormalizer({
      model: candidate.model,
      listener: receiver.listener,
      includeUsage: request.stream_options?.include_usage === true,
      created: Math.floor(context.clock.now() / 1000),
      newId: context.newId,
      promptTokens,
      request,
      provider: candidate.provider,
    });
  }

  run(): Promise<StreamAttemptEnd> {
    return new Promise((resolve) => {
      this.resolve = resolve;
      const { adapter, connectMs } = this.candidate.runtime;
      // First of all, since it may throw: no timer must stay behind.
      const upstreamRequest = adapter.buildRequest(this.request, this.candidate.target);
      this.bytes = upstreamRequest.body?.length ?? 0;
      const limitMs = firstDeltaLimitMs(this.candidate, this.promptTokens);
      this.cancelTimer = this.context.clock.after(limitMs, () => {
        this.timeOut(`No first delta within ${Math.round(limitMs / 1000)} s`);
      });
      try {
        const upstream = this.context.upstreamFor(this.candidate);
        this.exchange = upstream.send(upstreamRequest, { connectMs, headersMs: null }, this);
      } catch (error) {
        this.cancelTimer();
        throw error;
      }
      if (this.isEnded) this.exchange.abort();
    });
  }

  /** Of the answer so far, estimated. */
  get completionTokens(): number {
    return tokensOf(this.normalizer.characters);
  }

  /** The client is gone. */
  abort(): void {
    this.end({ type: 'aborted' });
    this.exchange?.abort();
  }

  onSent(): void {
    this.watch.onSent(this.bytes);
  }

  onHeaders(status: number, headers: Record<string, string>): void {
    this.watch.onHeaders(status, headers);
    this.status = status;
    this.headers = headers;
    const type = headers['content-type'] ?? '';
    if (!isSuccess(status)) this.body = BodyCollector.for(status);
    else if (type.includes('text/event-stream')) this.startReader();
  }

  onData(chunk: Buffer): void {
    if (this.isEnded) return;
    if (!this.body && !this.reader) this.sniff(chunk);
    if (this.body) {
      this.body.push(chunk);
      if (!this.body.isFull) return;
      this.endWhole(this.body);
      this.exchange?.abort();
      return;
    }
    this.reader?.push(chunk);
    this.flush();
  }

  onEnd(): void {
    if (this.isEnded) {
      this.cancelTimer();
      return;
    }
    if (this.body) {
      this.endWhole(this.body);
      return;
    }
    this.reader?.end();
    for (const event of this.decoder.end()) this.take(event);
    if (this.isEnded) return;
    if (this.normalizer.isFinished) {
      this.complete();
      return;
    }
    this.breakOff(failureOf('empty', 'The stream ended without a finish reason'), false);
  }

  onError(error: UpstreamError): void {
    if (this.isEnded) {
      this.cancelTimer();
      return;
    }
    if (error.kind === 'aborted') {
      this.end({ type: 'aborted' });
      return;
    }
    // A finish reason has come: what breaks after it loses nothing.
    if (this.normalizer.isFinished && (this.normalizer.hasAnswer || this.normalizer.isHolding)) {
      this.complete();
      return;
    }
    const { failure, isTimeout } = transportFailed(error);
    this.breakOff(failure, isTimeout);
  }

  private startReader(): void {
    this.reader = createSseReader((event) => this.onEvent(event), undefined, {
      onError: (error) => {
        this.breakOff(failureOf('empty', error.message), false);
        this.exchange?.abort();
      },
    });
  }

  /** Some providers ignore `stream` and answer with a whole body, some stream without saying so in the content type. */
  private sniff(chunk: Buffer): void {
    if (/^\s*[[{<]/.test(chunk.subarray(0, 64).toString('latin1'))) this.body = BodyCollector.for(this.status);
    else this.startReader();
  }

  private onEvent(event: SseEvent): void {
    for (const decoded of this.decoder.decode(event)) {
      if (this.isEnded) return;
      this.take(decoded);
    }
  }

  private take(event: DecodedEvent): void {
    if (event.type === 'done') {
      this.complete();
      return;
    }
    if (event.type === 'error') {
      this.breakOff(classifyInBand(event, classifyContext(this.candidate, this.context.clock)), false);
      this.exchange?.abort();
      return;
    }
    for (const text of this.normalizer.push(event.chunk, event.raw)) this.outgoing.push(text);
    if (this.normalizer.rejection !== null) {
      this.reject(this.normalizer.rejection);
      this.exchange?.abort();
      return;
    }
    if (this.normalizer.hasOutput && !this.isCommitted) this.commit();
    else if (this.isBegun) this.lastDeltaAt = this.context.clock.now();
    else if (this.normalizer.isHolding) this.begin();
    if (this.normalizer.isFinished) this.limit(AFTER_FINISH_MS, () => this.complete());
  }

  private commit(): void {
    this.isCommitted = true;
    this.receiver.onCommit();
    this.begin();
  }

  private begin(): void {
    this.isBegun = true;
    this.lastDeltaAt = this.context.clock.now();
    this.watchIdle(this.candidate.runtime.idleMs);
  }

  /** What came is no answer to this request. */
  private reject(reason: string): void {
    this.breakOff(failureOf('empty', reason), false);
  }

  /** One timer for the whole stream: it looks back at the last delta instead of being set anew by each. */
  private watchIdle(ms: number): void {
    this.limit(ms, () => {
      const { idleMs } = this.candidate.runtime;
      const idle = this.context.clock.now() - this.lastDeltaAt;
      if (idle < idleMs) {
        this.watchIdle(idleMs - idle);
        return;
      }
      this.timeOut(`No further delta within ${Math.round(idleMs / 1000)} s`);
    });
  }

  private limit(ms: number, run: () => void): void {
    this.cancelTimer();
    this.cancelTimer = this.context.clock.after(ms, run);
  }

  private flush(): void {
    if (!this.isCommitted || this.outgoing.length === 0) return;
    const texts = this.outgoing;
    this.outgoing = [];
    this.receiver.onPayloads(texts);
  }

  private complete(): void {
    if (this.isEnded) return;
    const { normalizer } = this;
    if (!normalizer.isFinished && !normalizer.hasAnswer && !normalizer.isHolding) {
      this.breakOff(failureOf('empty', 'The stream ended without an answer'), false);
      return;
    }
    const terminal = normalizer.finish();
    if (normalizer.rejection !== null) {
      this.reject(normalizer.rejection);
      this.release();
      return;
    }
    const isAcceptable = normalizer.hasAnswer || normalizer.finishReason === 'length';
    if (!isAcceptable && !this.isCommitted) {
      this.endEmpty();
      return;
    }
    if (!this.isCommitted) this.commit();
    this.outgoing.push(...terminal);
    this.flush();
    this.end({ type: 'answered', finishReason: normalizer.finishReason, ...this.spent() });
    this.release();
  }

  private endEmpty(): void {
    const isBlocked = this.normalizer.finishReason === 'content_filter';
    const text = isBlocked
      ? "The provider's safety filter blocked the answer"
      : 'The stream had no text and no tool call';
    this.end({ ...failed(failureOf('empty', text)), isBlocked });
    this.release();
  }

  /** The provider's end marker came, its body's end follows: the connection is kept unless it takes too long. */
  private release(): void {
    this.cancelTimer = this.context.clock.after(AFTER_FINISH_MS, () => this.exchange?.abort());
  }

  /** A whole body came instead of a stream: an error, or an answer to be sent as one. */
  private endWhole(body: BodyCollector): void {
    const answer = { status: this.status, headers: this.headers, body };
    const end = readWholeBody(this.context, this.candidate, this.request, this.watch, answer);
    if (end.type !== 'answered') {
      this.end(end);
      return;
    }
    this.normalizer.skipScreening();
    for (const chunk of completionAsChunks(end.completion.completion)) this.take({ type: 'chunk', chunk });
    if (end.completion.usage) this.take({ type: 'chunk', chunk: { choices: [], usage: end.completion.usage } });
    this.complete();
  }

  private timeOut(message: string): void {
    this.breakOff(failureOf('slow', message), true);
    this.exchange?.abort();
  }

  private breakOff(failure: Failure, isTimeout: boolean): void {
    this.flush();
    const { finishReason } = this.normalizer;
    if (this.isCommitted) this.end({ type: 'broken', failure, isTimeout, finishReason, ...this.spent() });
    else this.end(failed(failure, isTimeout));
  }

  private spent(): { usage: Usage; isCounted: boolean } {
    const { usage } = this.normalizer;
    return { usage: usage ?? this.normalizer.estimatedUsage(), isCounted: usage !== null };
  }

  private end(end: StreamAttemptEnd): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.cancelTimer();
    this.resolve(end);
  }
}
