import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import type { Analytics, RequestPage } from '../../src/protocol/analytics.js';
import { createGate } from '../support/gate.js';
import {
  chatCompletion,
  chunk,
  errorStatus,
  type FakeProvider,
  paced,
  sseText,
  startProvider,
  usageChunk,
} from '../support/provider.js';
import { checkThemes, layoutFaults } from './accessibility.js';
import { noticed } from './palette.js';
import { HOSTILE, listModels, playScene } from './scene.js';

const FORMULA = '=HYPERLINK("http://evil.example","click, me")';

/** The Analytics page as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Analytics page', function () {
  let alpha: FakeProvider;
  let beta: FakeProvider;
  const scene = playScene(this, {
    name: 'analytics',
    async arrange() {
      alpha = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      beta = scene.provide(await startProvider(chatCompletion({ text: 'Hello from beta.' })));
      listModels(alpha, ['large', FORMULA, HOSTILE]);
      listModels(beta, ['spare']);
    },
  });
  before(() => scene.api('PUT', '/api/settings', { healthProbes: false }));

  const analytics = (query = '') => scene.api<Analytics>('GET', `/api/analytics?window=24h${query}`);
  const listed = async () => (await scene.api<RequestPage>('GET', '/api/requests?limit=500')).data;

  interface Ask {
    model?: string;
    client?: string;
    stream?: boolean;
    signal?: AbortSignal;
  }
  const chat = ({ client = 'cline/3.2', ...more }: Ask = {}) =>
    scene.chat({ headers: { 'user-agent': client }, ...more });

  const region = (name: string): Locator => scene.view.getByRole('region', { name, exact: true });
  const figure = (name: string): Locator =>
    region('Totals')
      .locator('dl > div')
      .filter({ has: scene.view.locator('dt', { hasText: name }) })
      .locator('dd')
      .first();
  const grid = (): Locator => scene.view.getByRole('treegrid', { name: 'Requests' });
  const rows = (): Locator => grid().locator('[data-request]');
  const slider = (name: string): Locator => scene.view.getByRole('slider', { name });
  const choice = (name: string): Locator => scene.view.getByRole('combobox', { name, exact: true });
  const pick = (name: string) => scene.view.getByRole('radio', { name, exact: true }).check({ force: true });
  const untilFigure = (name: string, words: string) =>
    scene.until(
      async () => (await figure(name).innerText()).trim(),
      (text) => text === words,
    );

  it('says what it is for before there is a request', async () => {
    await scene.workbench.runCommand('FreeLLM: Analytics');
    await scene.view.getByText('From the first request on').waitFor({ timeout: 40_000 });
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    await scene.shot('analytics-empty');
  });

  it('shows the first request as soon as it ended', async () => {
    for (const [name, provider] of [
      ['alpha', alpha],
      ['beta', beta],
    ] as const) {
      const key = `sk-${name}-7Qm2Zx9LkT4vNc81`;
      await scene.api('POST', '/api/keys', {
        provider: `custom:${name}`,
        baseUrl: provider.baseUrl,
        key,
        label: `${name} key`,
      });
    }
    await scene.api('PUT', '/api/chain', { data: [{ model: 'custom:alpha/large' }, { model: 'custom:beta/spare' }] });
    await scene.until(
      async () => scene.api<{ data: unknown[] }>('GET', '/api/chain'),
      ({ data }) => data.length >= 2,
    );
    await scene.api('PUT', '/api/settings', { strategy: 'priority' });
    assert.equal((await chat()).status, 200);
    await untilFigure('Requests', '1');
    await untilFigure('Answered', '100 %');
    await rows().first().getByText('alpha · large').waitFor();
  });

  it('counts what failed over, broke and was left, as the gateway has it', async () => {
    const hold = createGate();
    alpha.script([chatCompletion({ text: 'Hello.' }), errorStatus(503, 'Overloaded')]);
    assert.equal((await chat({ stream: true, client: '@SUM/1' })).status, 200);
    // Alpha fails, beta answers.
    assert.equal((await chat({ client: 'curl/8' })).headers.get('x-fallback-attempts'), '1');
    // Asked for by name, it is not there: its cooldown is lifted first.
    await scene.liftCooldowns();
    alpha.script(errorStatus(500, 'Broken'));
    assert.equal((await chat({ model: 'custom:alpha/large' })).status, 502);
    await scene.liftCooldowns();
    alpha.script(paced([sseText([chunk({ role: 'assistant', content: 'Half' })]), hold.opened]));
    const leaving = new AbortController();
    const left = await chat({ stream: true, signal: leaving.signal });
    await left.body?.getReader().read();
    leaving.abort();
    // Else the stream's end may come before the news that nobody reads it.
    await scene.until(analytics, (answer) => answer.totals.canceled === 1);
    hold.open();
    alpha.script(chatCompletion({ text: 'Hello.' }));
    await scene.liftCooldowns();
    assert.equal((await chat({ model: `custom:alpha/${FORMULA}` })).status, 200);
    const { totals } = await scene.until(analytics, (answer) => answer.totals.canceled === 1);
    await untilFigure('Requests', String(totals.requests));
    assert.equal(
      await figure('Tokens').getAttribute('title'),
      `${totals.promptTokens} in, ${totals.completionTokens} out`,
    );
    await region('Failed attempts by kind').getByText('overloaded').waitFor();
    await scene.until(
      () => rows().count(),
      (count) => count === totals.requests,
    );
  });

  it('has a table for each chart, and reads its points by the arrows', async () => {
    for (const name of [
      'Requests over time',
      'Tokens over time',
      'Time to the first token',
      'Time to the whole answer',
    ]) {
      const chart = slider(name);
      await chart.focus();
      const newest = (await chart.getAttribute('aria-valuetext')) ?? '';
      assert.match(newest, name.startsWith('Time') ? /p50 \d/ : /alpha \d/);
      await chart.press('ArrowLeft');
      const before = (await chart.getAttribute('aria-valuetext')) ?? '';
      assert.notEqual(before, newest);
      await chart.press('End');
      assert.equal(await chart.getAttribute('aria-valuetext'), newest);
      await chart.press('Home');
      assert.equal(await chart.getAttribute('aria-valuenow'), '0');
      const shown = scene.view.getByRole('figure', { name });
      await shown.getByRole('button', { name: 'Table' }).click();
      assert.equal(await shown.locator('tbody tr').count(), 24);
      await shown.locator('tbody tr').last().getByRole('rowheader').waitFor();
    }
    const { series } = await analytics();
    const cells = await scene.view
      .getByRole('figure', { name: 'Requests over time' })
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((row) =>
          Array.from(row.querySelectorAll('td')).reduce((sum, cell) => sum + Number(cell.textContent), 0),
        ),
      );
    assert.deepEqual(
      cells.reverse(),
      series.map(({ requests }) => requests),
    );
    await scene.shot('analytics-tables');
    // Each turns back into a chart, so the first is another one every time.
    for (let left = 4; left > 0; left -= 1)
      await scene.view
        .getByRole('button', { name: /^Chart/ })
        .first()
        .click();
    assert.equal(await scene.view.getByRole('slider').count(), 4);
  });

  it('shows other times, and the same requests in each', async () => {
    const { totals } = await analytics();
    for (const [name, points] of [
      ['7 d', 168],
      ['30 d', 31],
      ['90 d', 91],
      ['24 h', 24],
    ] as const) {
      await pick(name);
      await scene.until(
        () => slider('Requests over time').getAttribute('aria-valuemax'),
        (value) => Math.abs(Number(value) + 1 - points) <= 1,
      );
      await untilFigure('Requests', String(totals.requests));
    }
  });

  it('filters by provider, model and client, also together', async () => {
    const filtered = async (query: string) => String((await analytics(query)).totals.requests);
    await choice('Provider').selectOption({ label: 'beta' });
    await untilFigure('Requests', await filtered('&provider=custom:beta'));
    await scene.until(
      () => rows().count(),
      (count) => count === 1,
    );
    await region('By client').first().getByText('curl').waitFor();
    await scene.view.getByRole('button', { name: 'Clear filters' }).click();
    await choice('Client').selectOption({ label: 'cline' });
    const ofCline = await filtered('&client=cline');
    await untilFigure('Requests', ofCline);
    await choice('Model').selectOption({ label: 'custom:alpha/large' });
    await untilFigure('Requests', await filtered('&client=cline&model=custom:alpha/large'));
    assert.notEqual(await filtered('&client=cline&model=custom:alpha/large'), ofCline);
    await scene.shot('analytics-filtered');
    await scene.view.getByRole('button', { name: 'Clear filters' }).click();
    // The names in the tables do the same.
    await region('By provider').first().getByRole('button', { name: 'alpha' }).click();
    await untilFigure('Requests', await filtered('&provider=custom:alpha'));
    await scene.view.getByRole('button', { name: 'Clear filters' }).click();
    await choice('Outcome').selectOption({ label: 'failed' });
    await scene.until(
      () => rows().count(),
      (count) => count === 1,
    );
    await choice('Outcome').selectOption({ label: 'Any outcome' });
  });

  it('follows a slow stream as it grows, and counts it when it ends', async () => {
    const [more, end] = [createGate(), createGate()];
    const words = (count: number) => sseText([chunk({ content: 'word '.repeat(count) })]);
    alpha.script(
      paced([
        sseText([chunk({ role: 'assistant', content: '' })]),
        words(40),
        more.opened,
        words(4_000),
        end.opened,
        sseText([chunk({}, 'stop'), usageChunk(), '[DONE]']),
      ]),
    );
    const now = region('Now');
    const answer = chat({ stream: true, client: 'slow-client/1' });
    await now.getByText('1 in flight').waitFor();
    await now.getByText('slow-client').waitFor();
    await now.getByText('alpha/large').waitFor();
    const tokens = async () =>
      Number(/([\d,]+) tokens ·/.exec(await now.locator('li').innerText())?.[1]?.replace(',', ''));
    const few = await scene.until(tokens, (count) => count > 0);
    await scene.shot('analytics-live');
    more.open();
    await scene.until(tokens, (count) => count > few + 1_000);
    end.open();
    await (await answer).text();
    await now.getByText('Nothing in flight').waitFor();
    const since = now.getByText(/since .+: \d+ requests/);
    const counted = async () => Number(/: (\d+) requests/.exec(await since.innerText())?.[1]);
    const before = await counted();
    alpha.script(chatCompletion({ text: 'Hello.' }));
    // What ends while the page is hidden counts too.
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await (await chat({ client: 'unseen/1' })).text();
    await scene.workbench.runCommand('FreeLLM: Analytics');
    await since.waitFor();
    await scene.until(counted, (count) => count === before + 1);
  });

  it('opens a request: its attempts on one axis of time, and why', async () => {
    const fallen = (await listed()).find(({ attemptCount, status }) => attemptCount === 2 && status === 'success');
    assert.ok(fallen);
    const row = grid().locator(`[data-request="${fallen.id}"]`);
    await row.click();
    const timeline = grid().getByRole('list', { name: /^Attempts over/ });
    await timeline.getByText(/alpha · large/).waitFor();
    await timeline.getByText(/overloaded · HTTP 503/).waitFor();
    await timeline.getByText(/beta · spare/).waitFor();
    await timeline
      .getByText(/answered ·/)
      .first()
      .waitFor();
    await grid().getByText('Ordered by priority.').waitFor();
    await row.scrollIntoViewIfNeeded();
    await scene.shot('analytics-open');
    await row.click();
    await timeline.waitFor({ state: 'detached' });
  });

  it('says who was not asked, and why', async () => {
    alpha.script([errorStatus(429, 'Slow down', { 'retry-after': '120' }), chatCompletion({ text: 'Hello.' })]);
    await chat();
    await chat();
    const [newest] = await listed();
    assert.equal(newest?.provider, 'custom:beta');
    await scene.page.mouse.move(2, 2);
    const row = grid().locator(`[data-request="${newest?.id}"]`);
    await row.click();
    await grid()
      .getByText(/it rested until .+: rate limit/)
      .waitFor();
    await row.click();
    await scene.liftCooldowns();
  });

  it('does all of it by keyboard', async () => {
    const { keyboard } = scene.workbench.page;
    await scene.view.getByRole('radio', { name: '24 h' }).focus();
    await keyboard.press('ArrowRight');
    assert.equal(await scene.view.getByRole('radio', { name: '7 d' }).isChecked(), true);
    await keyboard.press('ArrowLeft');
    const reached: string[] = [];
    for (let presses = 0; presses < 80; presses += 1) {
      await keyboard.press('Tab');
      reached.push(await focused());
      if (reached.at(-1) === 'treegrid Requests') break;
    }
    for (const wanted of ['Provider', 'Model', 'Client', 'Export', 'Requests over time', 'Time to the whole answer'])
      assert.ok(
        reached.some((name) => name.includes(wanted)),
        `${wanted} of ${reached.join(' | ')}`,
      );
    assert.equal(reached.at(-1), 'treegrid Requests');
    const newest = (await listed())[0]?.id;
    await grid().locator(`[data-request="${newest}"].active`).waitFor();
    await keyboard.press('ArrowDown');
    await keyboard.press('End');
    const oldest = (await listed()).at(-1)?.id;
    await grid().locator(`[data-request="${oldest}"].active`).waitFor();
    assert.ok(await grid().getAttribute('aria-activedescendant'));
    await keyboard.press('Enter');
    await grid().getByText('Why this route').waitFor();
    await keyboard.press('Escape');
    await grid().getByText('Why this route').waitFor({ state: 'detached' });
  });

  /** What has the focus in the page, by its role and name. */
  async function focused(): Promise<string> {
    return (await scene.frame()).evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      const role = element?.getAttribute('role') ?? element?.tagName.toLowerCase() ?? '';
      return `${role} ${element?.getAttribute('aria-label') ?? element?.innerText ?? ''}`;
    });
  }

  it('exports all requests of the window, and nothing in them is a formula', async () => {
    const all = await listed();
    for (const format of ['csv', 'json'] as const) {
      await choice('Export').selectOption({ label: `Requests as ${format.toUpperCase()}…` });
      // The dialog fills in its proposal by and by.
      await scene.until(
        () => scene.workbench.input.inputValue(),
        (value) => value === path.join(scene.host.workspace, `freellm-requests-24h.${format}`),
      );
      await scene.workbench.input.press('Enter');
      await noticed(scene.workbench, `${all.length} requests were exported`);
      await scene.clearNotifications();
    }
    const csv = readFileSync(path.join(scene.host.workspace, 'freellm-requests-24h.csv'), 'utf8');
    const lines = csv.trimEnd().split('\r\n');
    assert.equal(lines.length, all.length + 1);
    assert.ok(csv.includes(`"'=HYPERLINK(""http://evil.example"",""click, me"")"`), csv);
    assert.ok(csv.includes(",'@SUM,"));
    assert.ok(!/(^|,)"?[=+@-]/m.test(csv.replace(/^\uFEFF/, '')));
    const { requests, window } = JSON.parse(
      readFileSync(path.join(scene.host.workspace, 'freellm-requests-24h.json'), 'utf8'),
    );
    assert.equal(window, '24h');
    assert.deepEqual(requests, all);
  });

  it('does no harm whatever others call their things', async () => {
    assert.equal((await chat({ model: `custom:alpha/${HOSTILE}` })).status, 200);
    alpha.script(errorStatus(500, `${HOSTILE} ${'x'.repeat(10_000)}`));
    await chat();
    alpha.script(chatCompletion({ text: 'Hello.' }));
    await scene.liftCooldowns();
    await scene.page.mouse.move(2, 2);
    const row = grid().locator('[data-request]').filter({ hasText: 'onerror' }).first();
    await row.click({ timeout: 30_000 });
    await grid().getByText('Why this route').waitFor();
    await scene.assertUnharmed();
    assert.deepEqual(await layoutFaults(await scene.frame()), []);
    await scene.shot('analytics-hostile');
    await row.click();
  });

  checkThemes(scene, 'analytics', async (look) => {
    await (await scene.frame()).evaluate(() => window.scrollTo(0, 0));
    await look();
    await openFallen();
    await look('-open');
    await grid()
      .locator('[data-request].open')
      .click({ position: { x: 40, y: 10 } });
  });

  async function openFallen(): Promise<void> {
    const fallen = (await listed()).find(({ attemptCount, status }) => attemptCount === 2 && status === 'success');
    const row = grid().locator(`[data-request="${fallen?.id}"]`);
    await row.click({ position: { x: 40, y: 10 } });
    await grid().getByText('Why this route').waitFor();
    await row.scrollIntoViewIfNeeded();
  }

  it('is as it was when it was hidden, and after a reload', async () => {
    await scene.page.setViewportSize({ width: 1280, height: 900 });
    await pick('7 d');
    await choice('Client').selectOption({ label: 'cline' });
    const wanted = String((await analytics('&client=cline')).totals.requests);
    await untilFigure('Requests', wanted);
    await scene.workbench.runCommand('File: New Untitled Text File');
    await scene.page.locator('.monaco-editor').first().waitFor();
    await scene.workbench.runCommand('FreeLLM: Analytics');
    await untilFigure('Requests', wanted);
    assert.equal(await scene.view.getByRole('radio', { name: '7 d' }).isChecked(), true);
    await scene.workbench.runCommand('View: Close Other Editors in Group');
    const discard = scene.page.locator('.monaco-dialog-box').getByRole('button', { name: /Don't Save/ });
    if (await discard.isVisible()) await discard.click();
    await scene.reload('Analytics');
    await untilFigure('Requests', wanted);
    assert.equal(await scene.view.getByRole('radio', { name: '7 d' }).isChecked(), true);
  });

  it('had no secret in it at any time', async () => {
    const text = await (await scene.frame()).evaluate(() => document.documentElement.outerHTML);
    const { token, adminToken } = scene.identity();
    for (const secret of ['sk-alpha-7Qm2Zx9LkT4vNc81', token, adminToken]) assert.ok(!text.includes(secret));
  });
});
