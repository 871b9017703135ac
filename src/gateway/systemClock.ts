import type { Clock } from './ports.js';

/** The longest that setTimeout waits; from 2^31 ms on it fires at once. https://nodejs.org/api/timers.html */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The real clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    return ms > MAX_TIMEOUT_MS ? afterLong(ms, run) : afterShort(ms, run);
  },
};

function afterShort(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

function afterLong(ms: number, run: () => void): () => void {
  const rest = ms - MAX_TIMEOUT_MS;
  let cancel = afterShort(MAX_TIMEOUT_MS, () => {
    cancel = systemClock.after(rest, run);
  });
  return () => cancel();
}
