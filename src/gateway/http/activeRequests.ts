import type { ActiveRequest, RequestOutcome } from '../../protocol/events.js';
import type { EventBus } from '../eventBus.js';
import type { Clock } from '../ports.js';

/** How often listeners hear of growing answers. */
const PROGRESS_MS = 500;

/** A request that is being answered; its fields follow what happens to it. */
export interface RunningRequest {
  id: string;
  /** ms since the epoch. */
  startedAt: number;
  /** What was asked for. */
  model: string;
  isStream: boolean;
  client: string | null;
  provider: string | null;
  servedModel: string | null;
  /** Counts from 1; 0 before the first. */
  attempt: number;
  /** It waits, until then at the soonest; null when it does not. */
  waitsUntil: number | null;
  /** Tokens of the answer so far, estimated. */
  readTokens: () => number;
  toldTokens: number;
  /** Ends it with an error: the gateway closes. */
  interrupt: () => void;
}

const ENDED = { readTokens: () => 0, interrupt: () => {} };

/** Requests in flight, how many there were since the start, and the last one that was answered. */
export class ActiveRequests {
  total = 0;
  last: { at: number; outcome: RequestOutcome } | null = null;
  private readonly running = new Map<string, RunningRequest>();
  private isTicking = false;

  constructor(
    private readonly clock: Clock,
    private readonly events: EventBus,
  ) {}

  get inFlight(): number {
    return this.running.size;
  }

  begin(request: RunningRequest): void {
    this.total += 1;
    this.running.set(request.id, request);
    this.events.emit({
      type: 'request.started',
      id: request.id,
      model: request.model,
      stream: request.isStream,
      client: request.client,
    });
    // One timer for all, not one each: it stops when it finds nothing to tell.
    if (!this.isTicking) this.tickLater();
  }

  waits(id: string, until: number): void {
    const request = this.running.get(id);
    if (request) request.waitsUntil = until;
    this.events.emit({ type: 'request.queued', id, until });
  }

  routed(id: string, provider: string, servedModel: string, attempt: number): void {
    const request = this.running.get(id);
    if (request) Object.assign(request, { provider, servedModel, attempt, waitsUntil: null });
    this.events.emit({ type: 'request.routed', id, provider, model: servedModel, attempt });
  }

  /** `null` when the request failed on our own side. */
  end(id: string, outcome: RequestOutcome | null): void {
    const request = this.running.get(id);
    this.running.delete(id);
    // A map's outgrown tables may be reached for a while: they must not hold the whole request, which costs the collector.
    if (request) Object.assign(request, ENDED);
    if (!outcome) return;
    if (outcome.status === 'success') this.last = { at: this.clock.now(), outcome };
    this.events.emit({ type: 'request.ended', id, outcome });
  }

  interruptAll(): void {
    for (const { interrupt } of [...this.running.values()]) interrupt();
  }

  list(): ActiveRequest[] {
    return [...this.running.values()].map((request) => ({
      id: request.id,
      startedAt: request.startedAt,
      model: request.model,
      client: request.client,
      provider: request.provider,
      servedModel: request.servedModel,
      attempt: request.attempt,
      waitsUntil: request.waitsUntil,
      completionTokens: request.readTokens(),
    }));
  }

  private tickLater(): void {
    this.isTicking = true;
    this.clock.after(PROGRESS_MS, () => this.tick());
  }

  private tick(): void {
    this.isTicking = false;
    if (this.running.size === 0) return;
    for (const request of this.running.values()) this.tellProgress(request);
    this.tickLater();
  }

  private tellProgress(request: RunningRequest): void {
    const { id, provider, servedModel } = request;
    const completionTokens = request.readTokens();
    if (completionTokens === request.toldTokens || provider === null || servedModel === null) return;
    request.toldTokens = completionTokens;
    this.events.emitTransient({ type: 'request.progressed', id, provider, model: servedModel, completionTokens });
  }
}
