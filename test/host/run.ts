// Runs test/host/suite inside the extension host of a code-server, with a page of it in a real browser.
// The suite writes its counts to FREELLM_RESULTS.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { freePort } from '../../scripts/lib/freePort.mjs';
import { root } from '../../scripts/lib/prepare.mjs';
import { stopAll, stopOnSignals } from '../../scripts/lib/processes.mjs';
import { developmentUrl, startHost } from '../../scripts/lib/vscodeHost.mjs';
import { bundleSuite, suiteSettings } from './bundleSuite.js';
import { launchBrowser, Workbench } from './workbench.js';

const SUITE_LIMIT_MS = 180_000;

async function main(): Promise<number> {
  const tests = await bundleSuite();
  const port = await freePort();
  const env = {
    FREELLM_DEV_TOKEN: `freellmapi-test-${randomBytes(16).toString('hex')}`,
    FREELLM_RESULTS: process.env.FREELLM_RESULTS ?? path.join(root, 'test-results', 'host.json'),
  };
  const host = await startHost({ settings: suiteSettings(port), env, development: true });
  const { browser, context } = await launchBrowser();
  try {
    const workbench = new Workbench(await context.newPage());
    const exit = suiteExit(workbench.page);
    await Promise.all([exit, workbench.open(developmentUrl(host, root, { tests }))]);
    const code = await exit;
    // Printed here: the page's console holds mocha's lines unformatted.
    console.log(readFileSync(`${env.FREELLM_RESULTS}.log`, 'utf8'));
    return code;
  } finally {
    await browser.close();
    await host.stop();
    host.remove();
  }
}

/** The suite's exit code. VS Code hands it to functions of these names in the page. */
async function suiteExit(page: Page): Promise<number> {
  await page.exposeFunction('codeAutomationLog', () => {});
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the suite did not end')), SUITE_LIMIT_MS);
    const finish = (code: number) => {
      clearTimeout(timer);
      resolve(code);
    };
    page.exposeFunction('codeAutomationExit', finish).catch(reject);
  });
}

stopOnSignals();
main()
  .catch((error: unknown) => {
    console.error(error);
    return 1;
  })
  .then(async (code) => {
    await stopAll();
    process.exitCode = code;
  });
