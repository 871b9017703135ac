import type { Clock } from '../ports.js';

/** A wall clock that moved this much against the steady one was set, or the machine slept. */
const JUMP_MS = 1000;
/** A clock that has been so long behind where it was is right now: it was wrong before. */
const TRUSTED_AFTER_MS = 24 * 60 * 60 * 1000;

/**
 * Three readings of one moment, in ms.
 * - `wall`: since the epoch, as the system says; what calendars go by.
 * - `steady`: never jumps, whatever the wall clock does; sleeping may or may not count. Minute and hour windows go by
 *   it, so that setting the clock neither frees nor holds a slot.
 * - `elapsed`: as `steady`, and what the wall clock jumped forward too. Rolling days go by it: a laptop that wakes up
 *   after a night must not find yesterday's use as if no time had passed. A clock that is set forward by hand cannot
 *   be told from that, and is believed; set back, it takes nothing back, and of every way forward from then on that
 *   much counts for nothing.
 */
export interface QuotaTime {
  readonly wall: number;
  readonly steady: number;
  readonly elapsed: number;
  /**
   * What the wall clock was set back in the last 24 hours: it may be so much behind. Forward jumps do not count against
   * it, since a sleep looks like one.
   */
  readonly setBack: number;
}

/** Reads the clock. One object, updated by `read`: it is read several times a request. */
export class Timeline implements QuotaTime {
  wall: number;
  steady = 0;
  elapsed = 0;
  private lastSteady: number | null = null;
  /** What the wall clock is ahead of the steady one; changes when it jumps. */
  private ahead: number;
  private jumped = 0;
  setBack = 0;
  private setBackAt = 0;
  /** All that was ever set back: any way forward may be the way back from there, and no time that passed. */
  private owed = 0;
  /** How often the wall clock jumped. */
  jumps = 0;

  constructor(private readonly clock: Clock) {
    this.wall = clock.now();
    this.lastSteady = clock.monotonic?.() ?? null;
    this.ahead = this.wall;
  }

  read(): this {
    const wall = this.clock.now();
    if (this.lastSteady === null) this.steady += Math.max(0, wall - this.wall);
    else {
      const steady = this.clock.monotonic?.() ?? this.lastSteady;
      this.steady += Math.max(0, steady - this.lastSteady);
      this.lastSteady = steady;
    }
    this.wall = wall;
    const moved = wall - this.steady - this.ahead;
    if (moved > JUMP_MS || moved < -JUMP_MS) {
      this.jumped += Math.max(0, moved - this.owed);
      if (moved < 0) {
        this.owed -= moved;
        this.setBack -= moved;
        this.setBackAt = this.steady;
      }
      this.ahead += moved;
      this.jumps++;
    }
    if (this.setBack > 0 && this.steady - this.setBackAt > TRUSTED_AFTER_MS) this.setBack = 0;
    this.elapsed = this.steady + this.jumped;
    return this;
  }
}
