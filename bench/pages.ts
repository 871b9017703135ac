/**
 * What the pages cost in the browser with 60 keys, 350 models and 100,000 requests in the ledger, without and with eight
 * streams (docs/performance.md). `npm run bench:pages -- [--rounds N] [--json FILE]`; needs Linux x64, a browser and openssl.
 */
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { parseArgs } from 'node:util';
import { percentile } from './measure.js';
import { historyOf } from './world/history.js';
import { measureIdle, measureOpening, measureScrolling, type Opening, type Smoothness } from './world/measurePage.js';
import { PAGES, type PageOfTable } from './world/pageTable.js';
import { MANY, moveIn } from './world/people.js';
import { World } from './world/world.js';

const LEDGER_ROWS = 100_000;
const STREAMS = 8;
/** The budgets: the issue's, and what we call smooth. */
const PAINT_MS = 500;
const FRAME_MS = 100;

interface PageFigures {
  page: string;
  quiet: Opening[];
  streaming: Opening[];
  idle: Smoothness[];
  scrolling: Smoothness[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'string' } } });
  const rounds = Number(values.rounds);
  const world = await World.open();
  try {
    await moveIn(world, MANY);
    await world.rewrite((known) => historyOf(known, LEDGER_ROWS, 30, Date.now()));
    await world.workbench.page.setViewportSize({ width: 1280, height: 900 });
    const { keys, chain } = await world.known();
    const load = (): string => (os.loadavg()[0] ?? 0).toFixed(1);
    const before = load();
    const figures: PageFigures[] = PAGES.map(({ id }) => ({
      page: id,
      quiet: [],
      streaming: [],
      idle: [],
      scrolling: [],
    }));
    for (let round = 0; round < rounds; round += 1) await measureRound(world, figures);
    const { model = 'unknown' } = os.cpus()[0] ?? {};
    const machine = `${new Date().toISOString().slice(0, 16)} UTC, ${os.cpus().length} × ${model}, load ${before} before and ${load()} after, medians (and worst) of ${rounds} rounds`;
    const has = `${keys.length} keys, ${chain.length} models, ${LEDGER_ROWS.toLocaleString('en')} requests in the ledger, ${STREAMS} streams`;
    process.stdout.write(`${machine}\n${has}\n\n${figures.flatMap(lines).join('\n')}\n`);
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, has, figures }, null, 2)}\n`);
  } finally {
    await world.close();
  }
}

/** Every page without and with streams, one after the other, so that a noisy minute is everybody's. */
async function measureRound(world: World, figures: readonly PageFigures[]): Promise<void> {
  const each = async (work: (page: PageOfTable, of: PageFigures) => Promise<void>): Promise<void> => {
    for (const [at, page] of PAGES.entries()) await work(page, figures[at] as PageFigures);
  };
  await each(async (page, { quiet }) => void quiet.push(await opened(world, page)));
  const end = await world.stream(STREAMS);
  await each(async (page, { streaming, idle, scrolling }) => {
    streaming.push(await opened(world, page));
    idle.push(await measureIdle(world));
    scrolling.push(await measureScrolling(world));
  });
  await end();
}

async function opened(world: World, page: PageOfTable): Promise<Opening> {
  return measureOpening(world, page);
}

function lines({ page, quiet, streaming, idle, scrolling }: PageFigures): string[] {
  const ms = (values: number[]): string =>
    `${percentile(values, 0.5).toFixed(0)} (${Math.max(...values).toFixed(0)}) ms`;
  const of = <T>(all: readonly T[], read: (one: T) => number): string => ms(all.map(read));
  const opening = (when: string, all: Opening[]): string => {
    const isMet =
      percentile(
        all.map(({ shownMs }) => shownMs),
        0.5,
      ) < PAINT_MS;
    const parts = [
      `first paint ${of(all, ({ firstPaintMs }) => firstPaintMs)}`,
      `rows shown ${of(all, ({ shownMs }) => shownMs)}, at most ${PAINT_MS}`,
      `script there ${of(all, ({ scriptMs }) => scriptMs)}`,
      `document ${of(all, ({ documentMs }) => documentMs)} after the command`,
    ];
    return `${isMet ? 'met   ' : 'MISSED'}  ${page}, ${when}: ${parts.join('; ')}`;
  };
  const smooth = (when: string, all: Smoothness[]): string => {
    const isMet =
      percentile(
        all.map(({ longestFrameMs }) => longestFrameMs),
        0.5,
      ) <= FRAME_MS;
    const parts = [
      `longest frame ${of(all, ({ longestFrameMs }) => longestFrameMs)}, at most ${FRAME_MS}`,
      `${all.reduce((sum, { over100 }) => sum + over100, 0)} over 100 ms and ${all.reduce((sum, { over50 }) => sum + over50, 0)} over 50 ms of ${all.reduce((sum, { frames }) => sum + frames, 0)} frames`,
      `longest run of our scripts in a long frame ${of(all, ({ longestTaskMs }) => longestTaskMs)}`,
    ];
    return `${isMet ? 'met   ' : 'MISSED'}  ${page}, ${when}: ${parts.join('; ')}`;
  };
  return [
    opening('quiet', quiet),
    opening('streams', streaming),
    smooth('streams, looked at', idle),
    smooth('streams, scrolled', scrolling),
  ];
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
