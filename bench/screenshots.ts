/**
 * Pictures of every page: empty, with a few keys and with many, in four themes and three widths, into
 * test-results/screenshots; and those of the README into media/screenshots. `npm run screenshots -- [--page ID]
 * [--readme]`, the last for the README's alone; needs Linux x64, a browser and openssl. Look at them.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/lib/prepare.mjs';
import { layoutFaults, setWebviewWidth } from '../test/e2e/accessibility.js';
import { webviewFrame } from '../test/host/page.js';
import { historyOf } from './world/history.js';
import { PAGES, type PageOfTable } from './world/pageTable.js';
import { FEW, MANY, moveIn, runIntoLimits } from './world/people.js';
import { smallPng } from './world/png.js';
import { World } from './world/world.js';

const THEMES = ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast'];
const WIDTHS = [320, 800, 1600];
const HEIGHT = 900;
/** What GitHub shows them in, about. */
const README_SIZE = { width: 1200, height: 760 };
/** Of a picture in the README. */
const README_BYTES = 150_000;
const ALL = path.join(root, 'test-results', 'screenshots');
const BEST = path.join(root, 'media', 'screenshots');

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { page: { type: 'string' }, readme: { type: 'boolean' } } });
  const pages = PAGES.filter(({ id }) => values.page === undefined || values.page === id);
  if (!values.readme) rmSync(ALL, { recursive: true, force: true });
  for (const folder of [ALL, BEST]) mkdirSync(folder, { recursive: true });
  const world = await World.open();
  try {
    if (!values.readme) await pictures(world, pages, 'empty');
    await moveIn(world, FEW);
    await world.rewrite((known) => historyOf(known, 4_000, 14, Date.now()));
    await runIntoLimits(world, FEW, 'laptop');
    for (const page of pages) await readmePicture(world, page);
    if (values.readme) return;
    await pictures(world, pages, 'few');
    await moveIn(world, MANY);
    await world.rewrite((known) => historyOf(known, 20_000, 30, Date.now()));
    await runIntoLimits(world, MANY, 'chiara');
    await pictures(world, pages, 'many');
  } finally {
    await world.close();
  }
}

async function open(world: World, { command }: PageOfTable): Promise<void> {
  const { workbench } = world;
  await workbench.runCommand('View: Close All Editors');
  await workbench.page.locator('iframe.webview').waitFor({ state: 'detached' });
  await workbench.runCommand(command);
  const frame = await webviewFrame(workbench.page);
  await frame.waitForFunction(() => performance.getEntriesByName('freellm:shown').length > 0);
}

async function theme({ workbench }: World, name: string): Promise<void> {
  await workbench.runCommand('Preferences: Color Theme');
  await workbench.pick(name);
  await workbench.input.waitFor({ state: 'hidden' });
}

/** What lies around the page goes, and nothing is under the pointer. */
async function tidy({ workbench }: World): Promise<void> {
  // The command is there only while there is something to close.
  if (await workbench.page.locator('.part.sidebar').isVisible()) {
    await workbench.runCommand('View: Close Primary Side Bar');
  }
  await workbench.runCommand('Notifications: Clear All Notifications');
  await workbench.page.mouse.move(2, 2);
}

async function pictures(world: World, pages: readonly PageOfTable[], size: string): Promise<void> {
  const { page } = world.workbench;
  await tidy(world);
  for (const one of pages) {
    await page.setViewportSize({ width: 1280, height: HEIGHT });
    await open(world, one);
    for (const name of THEMES) {
      await theme(world, name);
      for (const width of WIDTHS) {
        await setWebviewWidth(page, width);
        const frame = await webviewFrame(page);
        for (const fault of await layoutFaults(frame)) console.log(`${one.id}, ${size}, ${name}, ${width}: ${fault}`);
        const file = `${one.id}-${size}-${name.toLowerCase().replaceAll(' ', '-')}-${width}.png`;
        const element = await frame.frameElement();
        await element.screenshot({ path: path.join(ALL, file), animations: 'disabled' });
      }
    }
  }
}

/** The page in its window, as small as can be. */
async function readmePicture(world: World, one: PageOfTable): Promise<void> {
  const { page } = world.workbench;
  await page.setViewportSize(README_SIZE);
  // The workbench takes a new size when it is told, and does not listen before it is whole: until it has it, a browser
  // scrolls to what gets the focus, and stays there.
  await page.waitForFunction(({ width }) => {
    dispatchEvent(new Event('resize'));
    scrollTo(0, 0);
    return document.querySelector('.monaco-workbench')?.clientWidth === width;
  }, README_SIZE);
  await theme(world, one.theme);
  await open(world, one);
  const end = await one.stage(world);
  await tidy(world);
  const png = smallPng(await page.screenshot({ animations: 'disabled' }));
  await end?.();
  if (png.length > README_BYTES) throw new Error(`${one.id}.png has ${png.length} bytes`);
  writeFileSync(path.join(BEST, `${one.id}.png`), png);
  console.log(`media/screenshots/${one.id}.png: ${png.length} bytes`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
