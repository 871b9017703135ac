/** A request that tries out what has rested, from before it is sent. Both may be called late, twice or in any order. */
export interface Trial {
  /** Its answer has begun. */
  answered(): void;
  /** It is over, whatever became of it. */
  end(): void;
}

/** Who was not refused within this was let in: refusals come at once. So no place is ever held for longer. */
const REFUSED_WITHIN_MS = 3000;
/** With so many let in and none refused there is no limit near. */
const WIDE_OPEN = 32;
/** What nobody tried for so long says nothing any more. */
const MEMORY_MS = 60 * 60 * 1000;

/**
 * A circuit breaker's half-open state: a rest is over, and nobody knows how many may go. One request goes; for each that
 * was let in one more may be out unanswered (1, 2, 4, … as in TCP's slow start), until there is no doubt left.
 * Holds no timer: what is out counts by the clock, so that nothing can be stuck.
 */
export class HalfOpen {
  /** An answer came: it is open, if not yet for all at once. */
  isProven = false;
  private width = 1;
  /** When each that is out and not answered was let go, in ms since the epoch. */
  private readonly out = new Set<{ readonly at: number }>();
  private lastUse: number;

  /** `onRoom`: somebody may go sooner than `fullUntil` said. `onProven`: the first answer has begun. */
  constructor(
    now: number,
    private readonly hooks: { onRoom(): void; onProven(): void },
  ) {
    this.lastUse = now;
  }

  /** Nobody has to be held back any more. */
  isOver(now: number): boolean {
    this.refresh(now);
    return this.width > WIDE_OPEN || now - this.lastUse > MEMORY_MS;
  }

  /** Until when nobody else may go, at the longest; null: somebody may now. */
  fullUntil(now: number): number | null {
    this.refresh(now);
    if (this.out.size < this.width) return null;
    return Math.min(...[...this.out].map(({ at }) => at + REFUSED_WITHIN_MS));
  }

  enter(now: number): Trial {
    const place = { at: now };
    this.lastUse = now;
    this.out.add(place);
    return {
      answered: () => {
        if (!this.isProven) {
          this.isProven = true;
          this.hooks.onProven();
        }
        if (!this.out.delete(place)) return;
        this.width++;
        this.hooks.onRoom();
      },
      end: () => {
        if (this.out.delete(place)) this.hooks.onRoom();
      },
    };
  }

  private refresh(now: number): void {
    for (const place of this.out) {
      // Set back, the clock would say for days that it has just gone.
      if (now - place.at < REFUSED_WITHIN_MS && now >= place.at) continue;
      this.out.delete(place);
      this.width++;
    }
  }
}
