import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Scene } from './scene.js';

/** So much of a log and of a page's words is printed when a step has failed. */
const TOLD_CHARACTERS = 1_500;
const TOLD_LINES = 15;

/**
 * A screenshot of each window, `<name>-failed`, and in words what it shows and what was logged last. Never throws.
 * @param name begins the names of the screenshots
 */
export async function tellFailure(scene: Scene, name: string): Promise<void> {
  for (const [index, workbench] of scene.windows.entries()) {
    if (workbench.page.isClosed()) continue;
    await scene.shot(`${name}-failed${index === 0 ? '' : `-${index}`}`, workbench).catch(() => undefined);
    for (const frame of workbench.page.frames()) {
      if (!frame.url().includes('fake.html') && frame !== workbench.page.mainFrame()) continue;
      const words = await Promise.race([
        frame.evaluate(() => document.body.innerText).catch(String),
        new Promise<string>((resolve) => setTimeout(() => resolve('(it does not answer)'), 5_000)),
      ]);
      tell(`window ${index} shows`, words.replace(/\s*\n\s*/g, ' | ').slice(0, TOLD_CHARACTERS));
    }
  }
  try {
    const logs = path.join(scene.host.userData, 'logs');
    const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((file) => /freellm/i.test(file));
    for (const file of files.filter((each) => each.endsWith('.log'))) {
      const lines = readFileSync(path.join(logs, file), 'utf8').trimEnd().split('\n').slice(-TOLD_LINES);
      tell(file, `\n        ${lines.join('\n        ')}`);
    }
  } catch (error) {
    tell('the logs', String(error));
  }
}

function tell(what: string, words: string): void {
  console.log(`      ${what}: ${words}`);
}
