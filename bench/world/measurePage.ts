/** What a page costs in the browser, by the browser's own performance entries. */
import type { Frame } from 'playwright-core';
import { webviewFrame } from '../../test/host/page.js';
import type { PageOfTable } from './pageTable.js';
import type { World } from './world.js';

const WATCH_MS = 6_000;
const SHOWN_LIMIT_MS = 30_000;

/** Times in ms. */
export interface Opening {
  /** From the command to the document's begin: VS Code's own webview and our extension. */
  documentMs: number;
  /** From the document's begin. */
  scriptMs: number;
  firstPaintMs: number;
  /** The rows were painted. */
  shownMs: number;
  rows: number;
}

export interface Smoothness {
  frames: number;
  /** The longest that no frame came. */
  longestFrameMs: number;
  /** Frames over 100 ms and over 50 ms. */
  over100: number;
  over50: number;
  /** Of the tasks over 50 ms that ran our own scripts the longest, and how many there were. */
  longestTaskMs: number;
  longTasks: number;
}

/** Opens the page anew. */
export async function measureOpening(world: World, { command, row }: PageOfTable): Promise<Opening> {
  const { workbench } = world;
  const { page } = workbench;
  await workbench.runCommand('View: Close All Editors');
  await page.locator('iframe.webview').waitFor({ state: 'detached' });
  await page.keyboard.press('F1');
  await workbench.input.waitFor({ state: 'visible' });
  await workbench.input.fill(`>${command}`);
  await workbench.row(command).waitFor();
  // Taken in the browser: what drives it takes its time, too.
  await page.evaluate(() => {
    const wanted = globalThis as { begunAt?: number };
    addEventListener('keydown', () => (wanted.begunAt = performance.timeOrigin + performance.now()), {
      once: true,
      capture: true,
    });
  });
  await workbench.input.press('Enter');
  const frame = await webviewFrame(page);
  await frame.waitForFunction(() => performance.getEntriesByName('freellm:shown').length > 0, null, {
    timeout: SHOWN_LIMIT_MS,
  });
  const begunAt = await page.evaluate(() => (globalThis as { begunAt?: number }).begunAt ?? 0);
  const entries = await frame.evaluate((selector) => {
    const scripts = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'));
    return {
      origin: performance.timeOrigin,
      scriptMs: Math.max(...scripts.map((entry) => (entry as PerformanceResourceTiming).responseEnd)),
      firstPaintMs: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
      shownMs: performance.getEntriesByName('freellm:shown')[0]?.startTime ?? Number.NaN,
      rows: document.querySelectorAll(selector).length,
    };
  }, row);
  const { origin, ...rest } = entries;
  return { documentMs: origin - begunAt, ...rest };
}

/** Looks at the open page for six seconds. */
export async function measureIdle(world: World): Promise<Smoothness> {
  const frame = await webviewFrame(world.workbench.page);
  await watch(frame);
  await world.workbench.page.waitForTimeout(WATCH_MS);
  return watched(frame);
}

/** Scrolls from the top to the bottom and back, in six seconds. */
export async function measureScrolling(world: World): Promise<Smoothness> {
  const { page } = world.workbench;
  const frame = await webviewFrame(page);
  const box = await (await frame.frameElement()).boundingBox();
  await page.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 400);
  const height = await frame.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  const step = Math.max(120, (height * 2) / (WATCH_MS / 50));
  await watch(frame);
  const until = performance.now() + WATCH_MS;
  for (let way = 1; performance.now() < until; ) {
    await page.mouse.wheel(0, way * step);
    await page.waitForTimeout(30);
    const y = await frame.evaluate(() => scrollY);
    if (y >= height - 1) way = -1;
    else if (y <= 0) way = 1;
  }
  return watched(frame);
}

interface Watching {
  frames: number[];
  tasks: number[];
  isOver: boolean;
}
interface LongFrame extends PerformanceEntry {
  scripts: readonly { sourceURL: string; duration: number }[];
}

/** Notes every frame, and of the long ones how long our scripts ran in them. */
function watch(frame: Frame): Promise<void> {
  return frame.evaluate(() => {
    const watching: Watching = { frames: [], tasks: [], isOver: false };
    (globalThis as { watching?: Watching }).watching = watching;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const ours = (entry as LongFrame).scripts.filter(({ sourceURL }) => sourceURL.includes('/dist/webview/'));
        const ms = ours.reduce((sum, { duration }) => sum + duration, 0);
        if (ms > 50) watching.tasks.push(ms);
      }
    });
    observer.observe({ type: 'long-animation-frame' });
    let last = performance.now();
    // A method: tsx gives named functions a helper that the page has not.
    const frames = {
      next(now: number): void {
        watching.frames.push(now - last);
        last = now;
        if (watching.isOver) observer.disconnect();
        else requestAnimationFrame(frames.next);
      },
    };
    requestAnimationFrame(frames.next);
  });
}

async function watched(frame: Frame): Promise<Smoothness> {
  const { frames, tasks } = await frame.evaluate(() => {
    const { watching } = globalThis as { watching?: Watching };
    if (watching === undefined) throw new Error('nobody watched');
    watching.isOver = true;
    return watching;
  });
  return {
    frames: frames.length,
    longestFrameMs: Math.max(0, ...frames),
    over100: frames.filter((ms) => ms > 100).length,
    over50: frames.filter((ms) => ms > 50).length,
    longestTaskMs: Math.max(0, ...tasks),
    longTasks: tasks.length,
  };
}
