import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Frame, FrameLocator } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import type { SqlDatabase } from '../../src/gateway/ledger/sqlite.js';
import { exactNumber, percent } from '../../webview/lib/format.js';
import { webviewFrame, webviewOf } from '../host/page.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { ALL, expected, GROUPS } from '../support/analyticsOracle.js';
import { fillLedger } from '../support/busyLedger.js';
import { loadLedgerDatabase } from '../support/ledgerRows.js';

const SHOTS = path.join(root, 'test-results', 'pages');
const ROWS = 100_000;
const HOUR = 3_600_000;
const DAYS = { '24 h': 1, '7 d': 7, '30 d': 30, '90 d': 90 };

/** A month of a very busy user: the page shows what the rows have, and stays quick. Times are printed, not judged. */
describe('the Analytics page over 100,000 requests', function () {
  this.timeout(180_000);
  this.bail(true);

  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let view: FrameLocator;
  let database: SqlDatabase;

  before(async function () {
    this.timeout(400_000);
    const vsix = process.env.FREELLM_VSIX;
    assert.ok(vsix, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
    mkdirSync(SHOTS, { recursive: true });
    host = await startHost({ vsix: [vsix], settings: { 'freellm.port': await freePort() } });
    const folder = path.join(host.userData, 'User', 'globalStorage', 'freellm.freellm');
    mkdirSync(folder, { recursive: true });
    await fillLedger(folder, ROWS, Date.now());
    database = (await loadLedgerDatabase())(readFileSync(path.join(folder, 'ledger.sqlite')));
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = new Workbench(await launched.context.newPage());
    view = webviewOf(workbench.page);
    await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
    const status = workbench.statusItem('freellm.freellm.freellm.status');
    await status.filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 90_000 });
    await workbench.runCommand('FreeLLM: Analytics');
    await view.getByRole('radio', { name: '30 d' }).check({ force: true, timeout: 60_000 });
    await workbench.runCommand('View: Close Primary Side Bar');
  });

  after(async () => {
    database?.close();
    await browser?.close();
    await host?.stop();
    host?.remove();
  });

  /** The texts of one kind of element, as they are shown. */
  const textsOf = (selector: string) =>
    view.locator(selector).evaluateAll((all) => all.map((element) => (element as HTMLElement).innerText.trim()));

  for (const [name, days] of Object.entries(DAYS)) {
    it(`shows ${name} as the rows have it`, async () => {
      await view.getByRole('radio', { name, exact: true }).check({ force: true });
      await view.locator('.figures[aria-busy=false]').waitFor();
      const to = Math.floor(Date.now() / HOUR) * HOUR + HOUR;
      const from = to - days * 24 * HOUR;
      const all = expected(database, from, to, ALL);
      const title = (term: string) =>
        view
          .locator('dl > div')
          .filter({ has: view.locator('dt', { hasText: term }) })
          .locator('dd')
          .first();
      await view.locator(`dd[title="${exactNumber(all.requests)}"]`).waitFor();
      assert.equal(await title('Answered').innerText(), percent(all.successRate ?? 0));
      assert.equal(
        await title('Tokens').getAttribute('title'),
        `${exactNumber(all.promptTokens)} in, ${exactNumber(all.completionTokens)} out`,
      );
      const shown = await view
        .getByRole('region', { name: 'By provider' })
        .locator('tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => Array.from(row.querySelectorAll('[title]'), (cell) => (cell as HTMLElement).title)),
        );
      assert.ok(shown.length >= 6);
      for (const [provider] of database.rows('SELECT DISTINCT provider FROM requests WHERE provider IS NOT NULL')) {
        const of = expected(database, from, to, { ...GROUPS.byProvider, params: [String(provider)] });
        const outcomes = `${exactNumber(of.successes)} answered, ${exactNumber(of.errors)} failed, ${exactNumber(of.failedAttempts)} failed attempts`;
        const row = shown.find((titles) => titles.includes(outcomes));
        // The table shows the six busiest.
        if (row === undefined) continue;
        assert.ok(row.includes(exactNumber(of.requests)), `${provider}: ${row}`);
        assert.ok(row.includes(`${exactNumber(of.promptTokens)} in, ${exactNumber(of.completionTokens)} out`));
      }
      await view.getByRole('figure', { name: 'Requests over time' }).getByRole('button', { name: 'Table' }).click();
      const cells = await textsOf('figure[aria-label="Requests over time"] tbody td');
      const sum = cells.reduce((total, cell) => total + Number(cell.replaceAll(',', '')), 0);
      assert.equal(sum, all.requests, 'the chart has every request once');
      await view.getByRole('button', { name: /^Chart/ }).click();
    });
  }

  it('is there soon after it is opened', async () => {
    await view.getByRole('radio', { name: '30 d', exact: true }).check({ force: true });
    await view.locator('.figures[aria-busy=false]').waitFor();
    const times: { drawn: number; answer: number; firstPaint: number }[] = [];
    for (let opening = 0; opening < 7; opening += 1) {
      // Another editor in front: the page's document is gone, and what it is of is kept.
      await workbench.runCommand('File: New Untitled Text File');
      await workbench.page.locator('.monaco-editor').first().waitFor();
      await workbench.runCommand('FreeLLM: Analytics');
      await view.locator('.figures[aria-busy=false]').waitFor();
      assert.equal(await view.getByRole('radio', { name: '30 d', exact: true }).isChecked(), true);
      const frame = await webviewFrame(workbench.page);
      await frame.waitForFunction(() => performance.getEntriesByName('analytics-drawn').length > 0);
      times.push(
        await frame.evaluate(() => ({
          drawn: performance.getEntriesByName('analytics-drawn')[0]?.startTime ?? Number.NaN,
          answer: performance.getEntriesByName('analytics-read')[0]?.duration ?? Number.NaN,
          firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN,
        })),
      );
    }
    for (const what of ['firstPaint', 'answer', 'drawn'] as const) {
      const sorted = times.map((time) => time[what]).sort((a, b) => a - b);
      console.log(`      ${what}: median ${Math.round(sorted[3] ?? 0)} ms, ${sorted.map(Math.round).join(' ')}`);
      assert.ok(sorted.every((ms) => ms > 0));
    }
    await workbench.page.screenshot({ path: path.join(SHOTS, 'analytics-many.png') });
  });

  it('scrolls through its table', async () => {
    const frame = await webviewFrame(workbench.page);
    const grid = view.getByRole('treegrid', { name: 'Requests' });
    await grid.scrollIntoViewIfNeeded();
    const { frames, rows } = await scrolled(frame);
    const sorted = [...frames].sort((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    console.log(
      `      ${frames.length} frames over ${rows} rows: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`,
    );
    assert.ok(rows > 3_000, `${rows} rows were reached`);
    assert.ok((await grid.locator('[data-request]').count()) < 60, 'only what is seen is drawn');
    await workbench.page.screenshot({ path: path.join(SHOTS, 'analytics-many-scrolled.png') });
  });

  /** Scrolls down as a wheel would, frame by frame, and measures each. */
  function scrolled(frame: Frame): Promise<{ frames: number[]; rows: number }> {
    return frame.evaluate(async () => {
      const scroller = document.querySelector<HTMLElement>('[role=treegrid]');
      if (!scroller) throw new Error('there is no grid');
      const frames: number[] = [];
      let last = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
      for (let step = 0; step < 600; step += 1) {
        scroller.scrollTop += 200;
        const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
        frames.push(now - last);
        last = now;
      }
      return { frames, rows: Math.round(scroller.scrollTop / 28) };
    });
  }
});
