import type { ProviderSpec } from '../providers/spec.js';
import type { QuotaTime } from './timeline.js';
import { type ArrivalTime, type QuotaWindow, TRANSIT_MS } from './windows.js';

/** Bytes a millisecond of a slow line up (0.8 Mbit/s): what is written may still lie in buffers for so long. */
const SLOW_LINE = 100;

/** What became of a request. */
export interface LeaseOutcome {
  /** Requests that the provider counts; 1 by default. */
  requests?: number;
  /** Prompt and answer as the provider counted them; null: nobody did, the estimate stays. */
  tokens: number | null;
  /** False where the provider counts nothing, neither request nor tokens: most do not count what they refuse. */
  countsAgainstQuota: boolean;
  /** No answer had begun (its client left, the connection broke): it may still be on its way to the provider. */
  isUnanswered?: boolean;
}

/**
 * Whether the provider counts a request that ended with this HTTP status; null: it was sent and not answered, which may
 * have counted. Failures count too; of refusals (429) the provider table knows.
 */
export function countsAgainstQuota(spec: Pick<ProviderSpec, 'countsRefusals'>, status: number | null): boolean {
  return status !== 429 || spec.countsRefusals === true;
}

/**
 * One request's place in all its windows. It counts in full until `settle` or `release`, exactly one of which must be
 * called; further calls do nothing.
 */
export interface QuotaLease {
  /** The tokens it was taken for. */
  readonly tokens: number;
  /**
   * It is written, all of its `bytes`: from now on it is at the provider within `TRANSIT_MS`, and what a slow line needs
   * for so many. Again, when it is sent again: both may count.
   */
  sent(bytes?: number): void;
  /** The answer's headers came: the provider has counted the request by now. */
  arrived(): void;
  /** The end of an answer, or of what was sent and not answered. */
  settle(outcome: LeaseOutcome): void;
  /** Nothing was sent. */
  release(): void;
}

/** A window with its part in a lease. */
export interface LeaseWindow {
  readonly window: QuotaWindow;
  readonly isTokens: boolean;
}

/** What a lease needs of its engine. */
export interface LeaseHost {
  now(): QuotaTime;
  ended(lease: OpenLease): void;
  /** Something is free sooner than could be known before. */
  freed(lease: OpenLease): void;
}

/**
 * A request counts at the provider when it arrives, so its place in a window of requests runs out that window's length
 * after the last moment at which it can have arrived: when headers came, or `TRANSIT_MS` after it was sent, whichever
 * is earlier; or when it is settled, where nobody said, and that much later where nothing was answered. Tokens may be counted at any time until the end of the answer,
 * so theirs run from the settling.
 */
export class OpenLease implements QuotaLease {
  private arrival: ArrivalTime | null = null;
  private isOver = false;
  private hasHeaders = false;

  constructor(
    private readonly host: LeaseHost,
    readonly windows: readonly LeaseWindow[],
    readonly tokens: number,
  ) {}

  sent(bytes = 0): void {
    if (this.isOver || this.hasHeaders) return;
    const now = this.host.now();
    const transit = TRANSIT_MS + bytes / SLOW_LINE;
    const latest = { wall: now.wall + transit, steady: now.steady + transit, elapsed: now.elapsed + transit };
    if (!this.arrival) this.arrive(now, latest);
    else {
      this.arrival = latest;
      for (const { window, isTokens } of this.windows) if (!isTokens) window.arrive(0, 1, latest, now);
    }
  }

  arrived(): void {
    if (this.isOver || this.hasHeaders) return;
    this.hasHeaders = true;
    const now = this.host.now();
    const { wall, steady, elapsed } = now;
    const latest = { wall, steady, elapsed };
    const { arrival } = this;
    if (!arrival) this.arrive(now, latest);
    else if (steady < arrival.steady) {
      this.arrival = latest;
      for (const { window, isTokens } of this.windows) if (!isTokens) window.correct(1, arrival, latest, now);
      this.host.freed(this);
    }
  }

  settle({ requests = 1, tokens, countsAgainstQuota, isUnanswered = false }: LeaseOutcome): void {
    if (this.isOver) return;
    if (!countsAgainstQuota) {
      this.takeBack();
      return;
    }
    if (isUnanswered) this.sent();
    else this.arrived();
    this.isOver = true;
    const now = this.host.now();
    const real = Math.max(0, tokens ?? this.tokens);
    const { arrival } = this;
    const end = isUnanswered && arrival && arrival.steady > now.steady ? arrival : now;
    for (const { window, isTokens } of this.windows) {
      if (isTokens) window.arrive(this.tokens, real, end, now);
      else if (requests !== 1 && arrival) window.arrive(0, requests - 1, arrival, now);
    }
    this.host.ended(this);
    if (real < this.tokens) this.host.freed(this);
  }

  release(): void {
    if (!this.isOver) this.takeBack();
  }

  private arrive(now: QuotaTime, latest: ArrivalTime): void {
    this.arrival = latest;
    for (const { window, isTokens } of this.windows) if (!isTokens) window.arrive(1, 1, latest, now);
  }

  private takeBack(): void {
    this.isOver = true;
    const now = this.host.now();
    for (const { window, isTokens } of this.windows) {
      if (isTokens) window.giveBack(this.tokens);
      else if (this.arrival) window.undo(1, this.arrival, now);
      else window.giveBack(1);
    }
    this.host.ended(this);
    this.host.freed(this);
  }
}
