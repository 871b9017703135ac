import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Frame, Page } from 'playwright-core';
import { webviewFrame } from '../host/page.js';
import type { Scene } from './scene.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The themes that a page is looked at in: their names, and the class that VS Code gives its window in them. */
export const THEMES: readonly { name: string; kind: string }[] = [
  { name: 'Dark Modern', kind: 'vs-dark' },
  { name: 'Light Modern', kind: 'vs' },
  { name: 'Dark High Contrast', kind: 'hc-black' },
  { name: 'Light High Contrast', kind: 'hc-light' },
];
const WIDTHS = [320, 800, 1600];

/**
 * Looks at the page in front as it is now: nothing overlaps or scrolls sideways (unless `isLayered`, for what lies over the
 * page on purpose), axe-core finds nothing. Leaves a screenshot, `<name>-<theme>-<width><suffix>`.
 */
export type Look = (suffix?: string, isLayered?: boolean) => Promise<void>;

/** What is done at each width; by default the page is looked at once. */
type AtWidth = (look: Look, width: number) => Promise<void>;

/** Tests that the page in front can be read and used by everybody: in four themes and three widths. */
export function checkThemes(scene: Scene, name: string, atWidth: AtWidth = (look) => look()): void {
  for (const theme of THEMES) {
    it(`can be read and used by everybody in ${theme.name}, wide and narrow`, async () => {
      await scene.page.setViewportSize({ width: 1280, height: 900 });
      await chooseTheme(scene, theme);
      for (const width of WIDTHS) {
        await setWebviewWidth(scene.page, width);
        await atWidth(async (suffix = '', isLayered = false) => {
          const frame = await scene.frame();
          if (!isLayered) assert.deepEqual(await layoutFaults(frame), [], `at ${width}${suffix}`);
          assert.deepEqual(await violationsIn(frame), [], `at ${width}${suffix}`);
          await scene.shot(`${name}-${theme.name.toLowerCase().replaceAll(' ', '-')}-${width}${suffix}`);
        }, width);
      }
      await scene.page.setViewportSize({ width: 1280, height: 900 });
    });
  }
}

/** By the palette, as a user does. Resolves when the window has the theme's colours. */
export async function chooseTheme({ workbench, page }: Scene, { name, kind }: (typeof THEMES)[number]): Promise<void> {
  await workbench.runCommand('Preferences: Color Theme');
  await workbench.pick(name);
  await workbench.input.waitFor({ state: 'hidden' });
  await page.locator(`.monaco-workbench.${kind}`).waitFor();
}

interface Finding {
  id: string;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe-core finds against the document, a line each. Of all its rules, save those for whole web sites. */
export async function violationsIn(frame: Frame): Promise<string[]> {
  await frame.evaluate(axe);
  const violations = await frame.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(root: Document, options: object): Promise<{ violations: Finding[] }> };
    };
    return (await axe.run(document, { resultTypes: ['violations'] })).violations;
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary = '' }) =>
        `${id}: ${html.slice(0, 160)} ${failureSummary.replace(/\s+/g, ' ').slice(0, 240)}`,
    ),
  );
}

/** Makes the webview so many CSS pixels wide by resizing the window around it. */
export async function setWebviewWidth(page: Page, width: number): Promise<void> {
  const frame = await webviewFrame(page);
  const before = page.viewportSize() ?? { width: 1280, height: 800 };
  const around = before.width - (await frame.evaluate(() => window.innerWidth));
  await page.setViewportSize({ width: width + around, height: before.height });
  await frame.waitForFunction((wanted) => window.innerWidth === wanted, width);
}

/** What of a document is wider than it, or lies on something else that can be clicked; nothing in a good one. */
export function layoutFaults(frame: Frame): Promise<string[]> {
  return frame.evaluate(() => {
    const faults: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth)
      faults.push(`scrolls sideways: ${root.scrollWidth} of ${root.clientWidth}`);
    const controls = Array.from(
      document.querySelectorAll<HTMLElement>('main button, main input:not([type=radio]), main vscode-button'),
    );
    const boxes = controls
      .map((control) => ({ control, box: control.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0);
    for (const [index, { control, box }] of boxes.entries()) {
      for (const other of boxes.slice(index + 1)) {
        if (control.contains(other.control)) continue;
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 1)
          faults.push(`overlap: ${control.outerHTML.slice(0, 80)} and ${other.control.outerHTML.slice(0, 80)}`);
      }
    }
    return faults;
  });
}
