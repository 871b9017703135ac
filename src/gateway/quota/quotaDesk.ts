import type { Usage } from '../../protocol/chat.js';
import type { Clock } from '../ports.js';
import type { ProviderSpec } from '../providers/spec.js';
import type { QuotaEngine } from './engine.js';
import type { QuotaRefusal } from './entries.js';
import type { TokenEstimator } from './estimate.js';
import { observationsOf, type QuotaAnswer } from './learn.js';
import { countsAgainstQuota, type QuotaLease } from './lease.js';
import type { QuotaTarget } from './limits.js';

/** What of a candidate quota is about. */
export interface QuotaCandidate extends QuotaTarget {
  /** `provider/model`. */
  name: string;
  runtime: { spec: ProviderSpec };
}

/** How an attempt ended, as far as quota goes. */
export interface AttemptEndFacts {
  /** null: nobody counted, and nothing could be estimated. */
  usage: Usage | null;
  /** The provider counted it itself. */
  isCounted: boolean;
  /** Nothing reached the provider: no connection came about. */
  isUnsent: boolean;
}

/** One attempt's place in all its windows, from before it is sent until it has ended. */
export interface QuotaPermit {
  /** The request of so many bytes has been written to its connection; again, if it is sent again. */
  onSent(bytes: number): void;
  /** The answer's headers came. */
  onHeaders(status: number, headers: Record<string, string>): void;
  /** The answer is an error, and this is its body. */
  onErrorBody(bodyText: string): void;
  /** To be called once, whatever happened. */
  end(facts: AttemptEndFacts): void;
}

/** Where attempts ask for their slots. */
export interface QuotaDesk {
  /**
   * Takes a slot in every window of the candidate, or says when there would be one (`until: null`: never).
   * `isTight`: by the estimate without its margin.
   */
  ask(
    candidate: QuotaCandidate,
    promptTokens: number,
    maxTokens?: number,
    isTight?: boolean,
  ): QuotaPermit | QuotaRefusal;
  /** Why the candidate has no room for such a request now; null when it has. Spends nothing. */
  peek(candidate: QuotaCandidate, promptTokens: number, maxTokens?: number, isTight?: boolean): QuotaRefusal | null;
  /** A limit is known of what the candidate takes in a minute or an hour. */
  knowsPace(candidate: QuotaTarget): boolean;
}

export function isRefusal(answer: QuotaPermit | QuotaRefusal): answer is QuotaRefusal {
  return 'ok' in answer;
}

export function createQuotaDesk(engine: QuotaEngine, estimator: TokenEstimator, clock: Clock): QuotaDesk {
  /**
   * What must fit in any case: the prompt, and of the answer what the client itself allows it. How long answers usually
   * are is a guess, and nothing would ever correct it if nothing were sent. Without margin only the prompt: a provider
   * that counts the client's word says so, and others serve it.
   */
  function least({ name }: QuotaCandidate, promptTokens: number, maxTokens?: number, isTight?: boolean): number {
    const prompt = estimator.estimate(name, promptTokens, 0, isTight);
    if (maxTokens === undefined || isTight) return prompt;
    const allowed = estimator.estimate(name, promptTokens, maxTokens);
    return allowed < estimator.estimate(name, promptTokens) ? allowed : prompt;
  }

  return {
    ask(candidate, promptTokens, maxTokens, isTight) {
      const estimate = estimator.estimate(candidate.name, promptTokens, maxTokens, isTight);
      let taken = engine.lease(candidate, estimate);
      if (!taken.ok && taken.until === null) {
        taken = engine.lease(candidate, estimate, least(candidate, promptTokens, maxTokens, isTight));
      }
      return taken.ok ? new Permit(engine, estimator, clock, candidate, promptTokens, taken.lease) : taken;
    },
    peek(candidate, promptTokens, maxTokens, isTight) {
      const estimate = estimator.estimate(candidate.name, promptTokens, maxTokens, isTight);
      let answer = engine.peek(candidate, estimate);
      if (!answer.ok && answer.until === null) {
        answer = engine.peek(candidate, estimate, least(candidate, promptTokens, maxTokens, isTight));
      }
      return answer.ok ? null : answer;
    },
    knowsPace: (candidate) => engine.knowsPace(candidate),
  };
}

class Permit implements QuotaPermit {
  private answer: QuotaAnswer | null = null;

  constructor(
    private readonly engine: QuotaEngine,
    private readonly estimator: TokenEstimator,
    private readonly clock: Clock,
    private readonly candidate: QuotaCandidate,
    private readonly promptTokens: number,
    private readonly lease: QuotaLease,
  ) {}

  onSent(bytes: number): void {
    this.lease.sent(bytes);
  }

  onHeaders(status: number, headers: Record<string, string>): void {
    this.lease.arrived();
    this.answer = { status, headers };
    if (status < 400) this.learn(this.answer);
  }

  onErrorBody(bodyText: string): void {
    if (this.answer) this.answer = { ...this.answer, bodyText };
  }

  end({ usage, isCounted, isUnsent }: AttemptEndFacts): void {
    const { lease, answer, candidate } = this;
    if (isUnsent) {
      lease.release();
      return;
    }
    const counts = countsAgainstQuota(candidate.runtime.spec, answer?.status ?? null);
    // A request that failed before its answer cost no tokens that anybody counts.
    const failed = answer !== null && answer.status >= 400;
    const tokens = failed ? 0 : (usage?.total_tokens ?? null);
    lease.settle({ tokens, countsAgainstQuota: counts, isUnanswered: answer === null });
    // After the settling: a provider's own count does not hold what it refused.
    if (answer && answer.status >= 400) this.learn(answer);
    if (usage && isCounted) {
      const real = { prompt: usage.prompt_tokens, completion: usage.completion_tokens };
      this.estimator.observe(candidate.name, this.promptTokens, real);
    }
  }

  private learn(answer: QuotaAnswer): void {
    const { spec } = this.candidate.runtime;
    const observations = observationsOf(spec, answer, this.clock.now());
    if (observations.length > 0) this.engine.observe(this.candidate, observations);
  }
}
