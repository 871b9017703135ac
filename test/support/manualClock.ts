import type { Clock } from '../../src/gateway/ports.js';

export interface ManualClock extends Clock {
  /** Moves time forward by `ms`, firing what falls due in order of its time, each at its own instant. */
  advance(ms: number): void;
  /** Delays from now, in ms, of the timers that are armed; for waiting until something has armed one. */
  pending(): number[];
  /** Resolves as soon as a timer that fires within `min` to `max` ms from now is armed (at once if one is). */
  armed(min: number, max: number): Promise<void>;
}

interface Timer {
  at: number;
  order: number;
  run: () => void;
}

/** A clock that stands still until the test moves it. `start` is in ms since the epoch. */
export function createManualClock(start = Date.UTC(2026, 10, 21, 12, 0, 0)): ManualClock {
  let now = start;
  let order = 0;
  const timers = new Set<Timer>();
  const waiting = new Set<{ min: number; max: number; resolve: () => void }>();
  const within = (min: number, max: number) =>
    [...timers].some((timer) => timer.at - now >= min && timer.at - now <= max);
  return {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + Math.max(0, ms), order: order++, run };
      timers.add(timer);
      for (const entry of waiting) {
        if (within(entry.min, entry.max)) {
          waiting.delete(entry);
          entry.resolve();
        }
      }
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.run();
      }
      now = end;
    },
    pending: () => [...timers].map((timer) => timer.at - now).sort((a, b) => a - b),
    armed(min, max) {
      if (within(min, max)) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ min, max, resolve }));
    },
  };
}
