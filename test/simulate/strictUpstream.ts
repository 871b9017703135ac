import type { UpstreamClient, UpstreamHandler } from '../../src/gateway/net/upstream.js';
import { UpstreamError } from '../../src/gateway/net/upstream.js';
import type { Clock } from '../../src/gateway/ports.js';
import type { CatalogModel } from '../../src/gateway/providers/spec.js';
import { FIRST_CHUNK, lastChunks, rateHeaders, refusal, wholeBody } from './answers.js';
import { Random } from './random.js';
import { ACCOUNTS, StrictAccount } from './strictAccount.js';

/** What a request really is, whatever the gateway takes it for. */
export interface TrueRequest {
  /** As this provider's tokenizer counts it. */
  promptTokensAt(provider: string): number;
  completionTokens: number;
  stream: boolean;
}

/** A provider's clock may be so much ahead of ours or behind. */
const MAX_SKEW_MS = 900;

/** The twelve providers at the other end of the wire. */
export class StrictUpstreams {
  /** 429s, by `provider/model kind`. */
  readonly refusals = new Map<string, number>();
  readonly accounts = new Map<string, StrictAccount>();
  private readonly models = new Map<string, CatalogModel>();
  private readonly random: Random;

  constructor(
    private readonly clock: Clock,
    seed: string,
    models: readonly CatalogModel[],
    private readonly find: (number: number) => TrueRequest,
  ) {
    this.random = new Random(`${seed}/upstreams`);
    for (const [provider, facts] of Object.entries(ACCOUNTS)) {
      const own = models.filter((model) => model.provider === provider);
      this.accounts.set(provider, new StrictAccount(facts, own, this.random.between(-MAX_SKEW_MS, MAX_SKEW_MS)));
      for (const model of own) this.models.set(`${provider}/${model.id}`, model);
    }
  }

  /** The client that reaches one provider with one model. */
  clientOf(provider: string, model: string): Pick<UpstreamClient, 'send'> {
    return { send: (request, _, handler) => this.send(provider, model, request.body ?? '', handler) };
  }

  private send(provider: string, model: string, body: string, handler: UpstreamHandler): { abort(): void } {
    const { clock, random } = this;
    const request = this.find(Number(/"request (\d+)"/.exec(body)?.[1]));
    let isOver = false;
    const later = (ms: number, step: () => void) => clock.after(ms, () => (isOver ? undefined : step()));
    // Written at once or, on a new connection, after its handshakes.
    const writtenMs = random.chance(0.8) ? random.between(0, 3) : random.between(40, 400);
    const onWayMs = Math.min(1900, random.skewed(60, 0.8));
    later(writtenMs, () => {
      handler.onSent?.();
      // What has left arrives, whoever waits for it or not.
      clock.after(onWayMs, () => this.arrive(provider, model, request, handler, later, () => (isOver = true)));
    });
    return {
      abort: () => {
        if (isOver) return;
        isOver = true;
        handler.onError(new UpstreamError('aborted', 'aborted'));
      },
    };
  }

  private arrive(
    provider: string,
    model: string,
    request: TrueRequest,
    handler: UpstreamHandler,
    later: (ms: number, step: () => void) => void,
    end: () => void,
  ): void {
    const { clock, random } = this;
    const account = this.accounts.get(provider)!;
    const promptTokens = request.promptTokensAt(provider);
    const now = clock.now();
    const backMs = Math.min(1900, random.skewed(60, 0.8));
    const admission = account.arrive(now, model, promptTokens);
    if (!admission.isAdmitted) {
      const { window, waitMs } = admission;
      const name = `${provider}/${model} ${window.kind}`;
      this.refusals.set(name, (this.refusals.get(name) ?? 0) + 1);
      const reply = refusal(provider, window, waitMs, promptTokens, now);
      const headers = { ...reply.headers, ...rateHeaders(provider, account.windowsOf(model), now) };
      later(backMs, () => {
        handler.onHeaders(reply.status, headers);
        handler.onData(Buffer.from(reply.body));
        end();
        handler.onEnd();
      });
      return;
    }
    const { firstMs, restMs } = this.pace(provider, model, promptTokens, request.completionTokens);
    const { stream, completionTokens } = request;
    const headers = () => ({
      'content-type': stream ? 'text/event-stream' : 'application/json',
      ...rateHeaders(provider, account.windowsOf(model), clock.now()),
    });
    /** Said now, heard a little later. */
    const say = (step: (sent: Record<string, string>) => void) => {
      const sent = headers();
      later(backMs, () => step(sent));
    };
    // NVIDIA sends the headers of a stream at once, the others with the first token.
    const isEarly = provider === 'nvidia';
    if (stream && isEarly) say((sent) => handler.onHeaders(200, sent));
    if (stream) {
      clock.after(firstMs, () => {
        say((sent) => {
          if (!isEarly) handler.onHeaders(200, sent);
          handler.onData(FIRST_CHUNK);
        });
      });
    }
    // No stream is silent for longer than its idle time.
    if (stream) for (let ms = 40_000; ms < restMs; ms += 40_000) later(firstMs + ms, () => handler.onData(FIRST_CHUNK));
    clock.after(firstMs + restMs, () => {
      account.answered(clock.now(), model, completionTokens);
      say((sent) => {
        if (!stream) handler.onHeaders(200, sent);
        const last = stream ? lastChunks(promptTokens, completionTokens) : wholeBody(promptTokens, completionTokens);
        handler.onData(Buffer.from(last));
        end();
        handler.onEnd();
      });
    });
  }

  /** How long the answer takes, by the catalog's speed rank (1 is Cerebras, 11 the slowest). */
  private pace(provider: string, model: string, promptTokens: number, completionTokens: number) {
    const rank = Math.min(11, this.models.get(`${provider}/${model}`)?.speedRank ?? 9);
    const tokensASecond = 900 / rank ** 1.3;
    const firstMs = this.random.skewed(150 + 90 * rank, 0.35) + (promptTokens / (40_000 / rank)) * 1000;
    return { firstMs, restMs: (completionTokens / tokensASecond) * 1000 * this.random.between(0.7, 1.6) };
  }
}
