import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from 'playwright-core';
import type { SqlDatabase } from '../../src/gateway/ledger/sqlite.js';
import { exactNumber, percent } from '../../webview/lib/format.js';
import { ALL, expected, GROUPS } from '../support/analyticsOracle.js';
import { fillLedger } from '../support/busyLedger.js';
import { loadLedgerDatabase } from '../support/ledgerRows.js';
import { playScene } from './scene.js';

const ROWS = 100_000;
const HOUR = 3_600_000;
const DAYS = { '24 h': 1, '7 d': 7, '30 d': 30, '90 d': 90 };

/** A month of a very busy user: the page shows what the rows have, and stays quick. Times are printed, not judged. */
describe('the Analytics page over 100,000 requests', function () {
  let database: SqlDatabase;
  const scene = playScene(this, {
    name: 'analytics-many',
    async beforeWindows({ dataFolder }) {
      mkdirSync(dataFolder, { recursive: true });
      await fillLedger(dataFolder, ROWS, Date.now());
      database = (await loadLedgerDatabase())(readFileSync(path.join(dataFolder, 'ledger.sqlite')));
    },
  });
  before(async () => {
    await scene.workbench.runCommand('FreeLLM: Analytics');
    await scene.view.getByRole('radio', { name: '30 d' }).check({ force: true });
    await scene.workbench.runCommand('View: Close Primary Side Bar');
  });
  after(() => database?.close());

  /** The texts of one kind of element, as they are shown. */
  const textsOf = (selector: string) =>
    scene.view.locator(selector).evaluateAll((all) => all.map((element) => (element as HTMLElement).innerText.trim()));

  for (const [name, days] of Object.entries(DAYS)) {
    it(`shows ${name} as the rows have it`, async () => {
      await scene.view.getByRole('radio', { name, exact: true }).check({ force: true });
      await scene.view.locator('.figures[aria-busy=false]').waitFor();
      const to = Math.floor(Date.now() / HOUR) * HOUR + HOUR;
      const from = to - days * 24 * HOUR;
      const all = expected(database, from, to, ALL);
      const title = (term: string) =>
        scene.view
          .locator('dl > div')
          .filter({ has: scene.view.locator('dt', { hasText: term }) })
          .locator('dd')
          .first();
      await scene.view.locator(`dd[title="${exactNumber(all.requests)}"]`).waitFor();
      assert.equal(await title('Answered').innerText(), percent(all.successRate ?? 0));
      assert.equal(
        await title('Tokens').getAttribute('title'),
        `${exactNumber(all.promptTokens)} in, ${exactNumber(all.completionTokens)} out`,
      );
      const shown = await scene.view
        .getByRole('region', { name: 'By provider' })
        .locator('tbody tr')
        .evaluateAll((rows) =>
          rows.map((row) => Array.from(row.querySelectorAll('[title]'), (cell) => (cell as HTMLElement).title)),
        );
      assert.ok(shown.length >= 6);
      const providers = database.rows('SELECT DISTINCT provider FROM requests WHERE provider IS NOT NULL');
      const figures = providers.map(([provider]) => {
        const of = expected(database, from, to, { ...GROUPS.byProvider, params: [String(provider)] });
        const [requests = '', ok, errors, failed, prompt, completion] = [
          of.requests,
          of.successes,
          of.errors,
          of.failedAttempts,
          of.promptTokens,
          of.completionTokens,
        ].map(exactNumber);
        const outcomes = `${ok} answered, ${errors} failed, ${failed} failed attempts`;
        return [requests, outcomes, `${prompt} in, ${completion} out`];
      });
      // The table shows the six busiest.
      for (const row of shown) {
        assert.ok(
          figures.some((all) => all.every((figure) => row.includes(figure))),
          String(row),
        );
      }
      await scene.view
        .getByRole('figure', { name: 'Requests over time' })
        .getByRole('button', { name: 'Table' })
        .click();
      const cells = await textsOf('figure[aria-label="Requests over time"] tbody td');
      const sum = cells.reduce((total, cell) => total + Number(cell.replaceAll(',', '')), 0);
      assert.equal(sum, all.requests, 'the chart has every request once');
      await scene.view.getByRole('button', { name: /^Chart/ }).click();
    });
  }

  it('is there soon after it is opened', async () => {
    await scene.view.getByRole('radio', { name: '30 d', exact: true }).check({ force: true });
    await scene.view.locator('.figures[aria-busy=false]').waitFor();
    const times: { drawn: number; answer: number; firstPaint: number }[] = [];
    for (let opening = 0; opening < 7; opening += 1) {
      // Another editor in front: the page's document is gone, and what it is of is kept.
      await scene.workbench.runCommand('File: New Untitled Text File');
      await scene.page.locator('.monaco-editor').first().waitFor();
      await scene.workbench.runCommand('FreeLLM: Analytics');
      await scene.view.locator('.figures[aria-busy=false]').waitFor();
      assert.equal(await scene.view.getByRole('radio', { name: '30 d', exact: true }).isChecked(), true);
      const frame = await scene.frame();
      await frame.waitForFunction(() => performance.getEntriesByName('freellm:shown').length > 0);
      times.push(
        await frame.evaluate(() => ({
          drawn: performance.getEntriesByName('freellm:shown')[0]?.startTime ?? Number.NaN,
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
    await scene.shot('analytics-many');
  });

  it('scrolls through its table', async () => {
    const frame = await scene.frame();
    const grid = scene.view.getByRole('treegrid', { name: 'Requests' });
    await grid.scrollIntoViewIfNeeded();
    const { frames, rows } = await scrolled(frame);
    const sorted = [...frames].sort((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    console.log(
      `      ${frames.length} frames over ${rows} rows: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms`,
    );
    assert.ok(rows > 3_000, `${rows} rows were reached`);
    assert.ok((await grid.locator('[data-request]').count()) < 60, 'only what is seen is drawn');
    await scene.shot('analytics-many-scrolled');
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
