import type { Clock } from '../ports.js';

/** A request that waits until somebody can take it. */
export interface Waiting {
  /** Takes a candidate if one is free now; whoever returns true goes on. */
  tryTake(): boolean;
  /** When one will be free at the soonest, ms since the epoch; null when nobody can say. */
  freeAt(): number | null;
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
  private readonly seats = new Set<Seat>();
  private cancelTimer: () => void = () => {};
  private dueAt = Number.POSITIVE_INFINITY;
  private isPumpQueued = false;

  constructor(
    private readonly clock: Clock,
    private readonly maxWaiting = MAX_WAITING,
  ) {}

  get size(): number {
    return this.seats.size;
  }

  get isFull(): boolean {
    return this.seats.size >= this.maxWaiting;
  }

  /** Waits until `waiting` has taken something, `deadline` (ms since the epoch) has come, or `leave` was called. */
  wait(waiting: Waiting, deadline: number, onLeave: (leave: () => void) => void): Promise<WaitEnd> {
    return new Promise((resolve) => {
      const cancelDeadline = this.clock.after(deadline - this.clock.now(), () => seat.leave('timeout'));
      const seat: Seat = {
        waiting,
        leave: (end) => {
          if (!this.seats.delete(seat)) return;
          cancelDeadline();
          resolve(end);
        },
      };
      this.seats.add(seat);
      onLeave(() => seat.leave('left'));
      this.arm();
    });
  }

  /** Something was freed: everybody is asked once this turn's work is done. */
  freed(): void {
    if (this.isPumpQueued || this.seats.size === 0) return;
    this.isPumpQueued = true;
    queueMicrotask(() => {
      this.isPumpQueued = false;
      this.pump();
    });
  }

  /** To be called before a newcomer takes something: what has become free by now belongs to those who wait. */
  pumpIfDue(): void {
    if (this.seats.size > 0 && this.dueAt <= this.clock.now()) this.pump();
  }

  private pump(): void {
    for (const seat of [...this.seats]) if (seat.waiting.tryTake()) seat.leave('taken');
    this.arm();
  }

  private arm(): void {
    this.cancelTimer();
    this.dueAt = Number.POSITIVE_INFINITY;
    for (const { waiting } of this.seats)
      this.dueAt = Math.min(this.dueAt, waiting.freeAt() ?? Number.POSITIVE_INFINITY);
    if (!Number.isFinite(this.dueAt)) return;
    this.cancelTimer = this.clock.after(Math.max(this.dueAt - this.clock.now(), 1), () => this.pump());
  }
}
