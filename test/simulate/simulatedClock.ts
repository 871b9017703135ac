import type { Clock } from '../../src/gateway/ports.js';

interface Timer {
  at: number;
  order: number;
  run: (() => void) | null;
}

/**
 * Time that passes as fast as the work is done: `run` takes one timer after the other, in the order of their times, and
 * lets all promises settle between two. (test/support/manualClock.ts moves on while promises wait, which a day full of
 * them must not, and sorts its timers anew at each step.)
 */
export class SimulatedClock implements Clock {
  /** A heap: the soonest first. */
  private readonly timers: Timer[] = [];
  private order = 0;

  /** @param time ms since the epoch */
  constructor(private time: number) {}

  now = (): number => this.time;
  monotonic = (): number => this.time;

  after = (ms: number, run: () => void): (() => void) => {
    const timer: Timer = { at: this.time + Math.max(0, Math.round(ms)), order: this.order++, run };
    this.push(timer);
    return () => {
      timer.run = null;
    };
  };

  /** Until nothing is left that would happen before `end`. */
  async run(end: number): Promise<void> {
    for (;;) {
      const next = this.timers[0];
      if (!next || next.at > end) break;
      this.pop();
      if (!next.run) continue;
      this.time = Math.max(this.time, next.at);
      next.run();
      await new Promise(setImmediate);
    }
    this.time = Math.max(this.time, end);
  }

  private push(timer: Timer): void {
    const { timers } = this;
    let place = timers.push(timer) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isSooner(timer, timers[parent]!)) break;
      timers[place] = timers[parent]!;
      place = parent;
    }
    timers[place] = timer;
  }

  private pop(): void {
    const { timers } = this;
    const last = timers.pop();
    if (!last || timers.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isSooner(timers[child + 1]!, timers[child]!)) child++;
      if (!isSooner(timers[child]!, last)) break;
      timers[place] = timers[child]!;
      place = child;
    }
    timers[place] = last;
  }
}

function isSooner(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
