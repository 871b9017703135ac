import type { Clock } from '../ports.js';
import type { RequestNeeds } from '../surfaces/requestNeeds.js';
import type { Candidate } from './inventory.js';

/** A request that waits until somebody can take it. */
export interface Waiting {
  /** Takes a candidate, one of `only` these providers' where given, if it is free now; whoever returns true goes on. */
  tryTake(only: ReadonlySet<string> | null): boolean;
  /** When one will be free at the soonest, ms since the epoch; null when nobody can say. After a `tryTake` in vain. */
  freeAt(): number | null;
  /** What it waits for. */
  readonly ask: WaitingAsk;
  /** When it came, in ms since the epoch: whoever was asked in vain and refused has its old place again. */
  readonly since: number;
}

/** A request, as far as who could take it goes. */
export interface WaitingAsk {
  /** As the client said it. */
  model: string;
  /** Whom that stands for, in any order. */
  candidates: readonly Candidate[];
  needs: RequestNeeds;
  maxTokens: number | undefined;
  /** Prompt tokens that some of the candidates would be sent besides, at most. */
  addedTokens: number;
}

/** Why the waiting ended. */
export type WaitEnd = 'taken' | 'timeout' | 'left';

interface Seat {
  waiting: Waiting;
  leave(end: WaitEnd): void;
}

/** More would wait for so long that their clients give up anyway. */
const MAX_WAITING = 200;

/**
 * Requests whose every candidate is full or cooling, in the order they came. Whenever something may be free they are
 * asked in that order, so that no slot stays unused while one waits for it, and nobody overtakes.
 */
export class WaitingRoom {
  /** In the order in which they came. */
  private seats: readonly Seat[] = [];
  private cancelTimer: () => void = () => {};
  private dueAt = Number.POSITIVE_INFINITY;
  private isPumpQueued = false;
  /** Providers that freed something since the last pump; null: anybody may have. */
  private freedBy: Set<string> | null = new Set();

  constructor(
    private readonly clock: Clock,
    private readonly maxWaiting = MAX_WAITING,
  ) {}

  get size(): number {
    return this.seats.length;
  }

  get isFull(): boolean {
    return this.seats.length >= this.maxWaiting;
  }

  /** Waits until `waiting` has taken something, `deadline` (ms since the epoch) has come, or `leave` was called. */
  wait(waiting: Waiting, deadline: number, onLeave: (leave: () => void) => void): Promise<WaitEnd> {
    return new Promise((resolve) => {
      const cancelDeadline = this.clock.after(deadline - this.clock.now(), () => seat.leave('timeout'));
      const seat: Seat = {
        waiting,
        leave: (end) => {
          if (!this.seats.includes(seat)) return;
          this.seats = this.seats.filter((other) => other !== seat);
          cancelDeadline();
          resolve(end);
        },
      };
      const place = this.seats.findLastIndex((other) => other.waiting.since <= waiting.since) + 1;
      this.seats = this.seats.toSpliced(place, 0, seat);
      onLeave(() => seat.leave('left'));
      const freeAt = waiting.freeAt();
      if (freeAt === null || freeAt >= this.dueAt) return;
      this.dueAt = freeAt;
      this.arm();
    });
  }

  /** Something was freed, at that provider where it is known: everybody is asked once this turn's work is done. */
  freed(provider: string | null = null): void {
    if (this.seats.length === 0) return;
    if (provider === null) this.freedBy = null;
    else this.freedBy?.add(provider);
    if (this.isPumpQueued) return;
    this.isPumpQueued = true;
    queueMicrotask(() => {
      this.isPumpQueued = false;
      const only = this.dueAt <= this.clock.now() ? null : this.freedBy;
      this.freedBy = new Set();
      this.pump(only);
    });
  }

  /** To be called before a newcomer takes something: what has become free by now belongs to those who wait. */
  pumpIfDue(): void {
    if (this.seats.length > 0 && this.dueAt <= this.clock.now()) this.pump(null);
  }

  /**
   * Whoever asks for no less than somebody who found nothing finds nothing either, and is not asked: a full room costs a
   * few searches, not two hundred.
   */
  private pump(only: ReadonlySet<string> | null): void {
    const inVain: Waiting[] = [];
    // Of the other providers nothing has changed: they are free when they were said to be.
    if (only === null) this.dueAt = Number.POSITIVE_INFINITY;
    for (const seat of this.seats) {
      const { waiting } = seat;
      if (inVain.some((other) => isNoLess(waiting.ask, other.ask))) continue;
      if (waiting.tryTake(only)) seat.leave('taken');
      else {
        inVain.push(waiting);
        this.dueAt = Math.min(this.dueAt, waiting.freeAt() ?? Number.POSITIVE_INFINITY);
      }
    }
    this.arm();
  }

  private arm(): void {
    this.cancelTimer();
    this.cancelTimer = () => {};
    if (!Number.isFinite(this.dueAt)) return;
    this.cancelTimer = this.clock.after(Math.max(this.dueAt - this.clock.now(), 1), () => this.pump(null));
  }
}

/** Whether all who could take `ask` could take `other` too. */
function isNoLess(ask: WaitingAsk, other: WaitingAsk): boolean {
  const { needs } = ask;
  const has = other.needs;
  if (
    needs.promptTokens < has.promptTokens + other.addedTokens ||
    (ask.maxTokens ?? Infinity) < (other.maxTokens ?? Infinity)
  )
    return false;
  if ((has.tools && !needs.tools) || (has.vision && !needs.vision) || (has.json && !needs.json)) return false;
  if (ask.model !== other.model || ask.candidates.length !== other.candidates.length) return false;
  // Made anew when keys or models change: the same name then stands for others.
  const first = ask.candidates[0];
  return first !== undefined && other.candidates.includes(first);
}
