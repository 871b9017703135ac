import type { Frame } from 'playwright-core';

export interface FrameFigures {
  frames: number;
  medianMs: number;
  p99Ms: number;
  maxMs: number;
  /** Tasks over 50 ms of the whole window (the workbench's too), as the browser tells them. */
  longTasks: number;
  longestTaskMs: number;
}

interface Watch {
  deltas: number[];
  tasks: number[];
  isOver: boolean;
}

/** Begins to note the time between the document's frames. */
export function startFrameWatch(frame: Frame): Promise<void> {
  return frame.evaluate(() => {
    const watch: Watch = { deltas: [], tasks: [], isOver: false };
    (window as unknown as { frameWatch: Watch }).frameWatch = watch;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) watch.tasks.push(duration);
    }).observe({ type: 'longtask' });
    let last = performance.now();
    // A method: the test runner gives functions that are assigned their names by a helper that is not here.
    const loop = {
      next(now: number): void {
        watch.deltas.push(now - last);
        last = now;
        if (!watch.isOver) requestAnimationFrame(loop.next);
      },
    };
    requestAnimationFrame(loop.next);
  });
}

/** What was noted since. */
export function stopFrameWatch(frame: Frame): Promise<FrameFigures> {
  return frame.evaluate(() => {
    const { frameWatch } = window as unknown as { frameWatch: Watch };
    frameWatch.isOver = true;
    const sorted = frameWatch.deltas.toSorted((a, b) => a - b);
    const [medianMs = 0, p99Ms = 0, maxMs = 0] = [0.5, 0.99, 1].map((share) =>
      Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0),
    );
    return {
      frames: sorted.length,
      ...{ medianMs, p99Ms, maxMs },
      longTasks: frameWatch.tasks.length,
      longestTaskMs: Math.round(Math.max(0, ...frameWatch.tasks)),
    };
  });
}
