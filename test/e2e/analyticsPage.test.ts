import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, FrameLocator, Locator } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import type { Analytics, RequestPage } from '../../src/protocol/analytics.js';
import { webviewFrame, webviewOf } from '../host/page.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { createGate } from '../support/gate.js';
import {
  chatCompletion,
  chunk,
  errorStatus,
  type FakeProvider,
  json,
  paced,
  sseText,
  startProvider,
  usageChunk,
} from '../support/provider.js';
import { layoutFaults, setWebviewWidth, violationsIn } from './accessibility.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'pages');
const HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>\u202Egnihtemos\u202C';
const FORMULA = '=HYPERLINK("http://evil.example","click, me")';
const THEMES = ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast'];
const WIDTHS = [320, 800, 1600];

/** The Analytics page as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Analytics page', function () {
  this.timeout(120_000);
  this.bail(true);

  let alpha: FakeProvider;
  let beta: FakeProvider;
  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let port: number;
  let view: FrameLocator;
  const troubles: string[] = [];

  before(async function () {
    this.timeout(300_000);
    const vsix = process.env.FREELLM_VSIX;
    assert.ok(vsix, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
    mkdirSync(SHOTS, { recursive: true });
    alpha = await startProvider(chatCompletion({ text: 'Hello.' }));
    beta = await startProvider(chatCompletion({ text: 'Hello from beta.' }));
    for (const [provider, ids] of [
      [alpha, ['large', FORMULA, HOSTILE]],
      [beta, ['spare']],
    ] as const) {
      const body = { object: 'list', data: ids.map((id) => ({ id })) };
      provider.onGet((_request, response) => json(200, body)({} as never, response, 0));
    }
    port = await freePort();
    host = await startHost({ vsix: [vsix], settings: { 'freellm.port': port } });
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = new Workbench(await launched.context.newPage());
    // VS Code has troubles of its own; ours come from the page's script.
    workbench.page.on('console', (message) => {
      if (message.type() === 'error' && message.location().url.includes('/dist/webview/'))
        troubles.push(message.text());
    });
    workbench.page.on('pageerror', (error) => {
      if (error.stack?.includes('/dist/webview/')) troubles.push(error.stack);
    });
    view = webviewOf(workbench.page);
    await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
    await workbench.statusItem(STATUS).filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 90_000 });
    await api('PUT', '/api/settings', { healthProbes: false });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await shot('analytics-failed');
      const words = await view.locator('body').innerText({ timeout: 2_000 }).catch(String);
      console.log(`      the page said: ${words.slice(0, 2_000)}`);
    }
    assert.deepEqual(troubles, []);
  });

  after(async () => {
    await browser?.close();
    await host?.stop();
    await alpha?.close();
    await beta?.close();
    host?.remove();
  });

  const shot = (name: string) =>
    workbench.page.screenshot({ path: path.join(SHOTS, `${name}.png`), animations: 'disabled' });
  const identity = () =>
    JSON.parse(
      readFileSync(path.join(host.userData, 'User', 'globalStorage', 'freellm.freellm', 'gateway.json'), 'utf8'),
    ) as { token: string; adminToken: string };

  /** The admin API, to arrange what no page does, and to see what the page should show. */
  async function api(method: string, place: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${port}${place}`, {
      method,
      headers: { authorization: `Bearer ${identity().adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${place}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }
  const analytics = async (query = '') => (await api('GET', `/api/analytics?window=24h${query}`)) as Analytics;
  const listed = async () => ((await api('GET', '/api/requests?limit=500')) as RequestPage).data;

  interface Ask {
    model?: string;
    client?: string;
    stream?: boolean;
    signal?: AbortSignal;
  }
  async function chat({ model = 'auto', client = 'cline/3.2', stream = false, signal }: Ask = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${identity().token}`,
        'content-type': 'application/json',
        'user-agent': client,
      },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
      ...(signal ? { signal } : {}),
    });
  }

  /** Asks until it is as wanted: what is shown follows what happens. */
  async function until<T>(read: () => Promise<T> | T, isAsWanted: (value: T) => boolean): Promise<T> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const value = await read();
      if (isAsWanted(value)) return value;
      assert.ok(Date.now() < deadline, JSON.stringify(value));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  const region = (name: string): Locator => view.getByRole('region', { name, exact: true });
  const figure = (name: string): Locator =>
    region('Totals')
      .locator('dl > div')
      .filter({ has: view.locator('dt', { hasText: name }) })
      .locator('dd')
      .first();
  const grid = (): Locator => view.getByRole('treegrid', { name: 'Requests' });
  const rows = (): Locator => grid().locator('[data-request]');
  const slider = (name: string): Locator => view.getByRole('slider', { name });
  const choice = (name: string): Locator => view.getByRole('combobox', { name, exact: true });
  const pick = (name: string) => view.getByRole('radio', { name, exact: true }).check({ force: true });
  const untilFigure = (name: string, words: string) =>
    until(
      async () => (await figure(name).innerText()).trim(),
      (text) => text === words,
    );

  it('says what it is for before there is a request', async () => {
    await workbench.runCommand('FreeLLM: Analytics');
    await view.getByText('Who answered, how fast and why').waitFor({ timeout: 40_000 });
    await workbench.runCommand('View: Close Primary Side Bar');
    await shot('analytics-empty');
  });

  it('shows the first request as soon as it ended', async () => {
    for (const [name, provider] of [
      ['alpha', alpha],
      ['beta', beta],
    ] as const) {
      const key = `sk-${name}-7Qm2Zx9LkT4vNc81`;
      await api('POST', '/api/keys', {
        provider: `custom:${name}`,
        baseUrl: provider.baseUrl,
        key,
        label: `${name} key`,
      });
    }
    await api('PUT', '/api/chain', { data: [{ model: 'custom:alpha/large' }, { model: 'custom:beta/spare' }] });
    await until(
      async () => (await api('GET', '/api/chain')) as { data: { model: string }[] },
      ({ data }) => data.length >= 2,
    );
    await api('PUT', '/api/settings', { strategy: 'priority' });
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
    await liftCooldowns();
    alpha.script(errorStatus(500, 'Broken'));
    assert.equal((await chat({ model: 'custom:alpha/large' })).status, 502);
    await liftCooldowns();
    alpha.script(paced([sseText([chunk({ role: 'assistant', content: 'Half' })]), hold.opened]));
    const leaving = new AbortController();
    const left = await chat({ stream: true, signal: leaving.signal });
    await left.body?.getReader().read();
    leaving.abort();
    // Else the stream's end may come before the news that nobody reads it.
    await until(analytics, (answer) => answer.totals.canceled === 1);
    hold.open();
    alpha.script(chatCompletion({ text: 'Hello.' }));
    await liftCooldowns();
    assert.equal((await chat({ model: `custom:alpha/${FORMULA}` })).status, 200);
    const { totals } = await until(analytics, (answer) => answer.totals.canceled === 1);
    await untilFigure('Requests', String(totals.requests));
    assert.equal(
      await figure('Tokens').getAttribute('title'),
      `${totals.promptTokens} in, ${totals.completionTokens} out`,
    );
    await region('Failed attempts by kind').getByText('overloaded').waitFor();
    await until(
      () => rows().count(),
      (count) => count === totals.requests,
    );
  });

  async function liftCooldowns(): Promise<void> {
    const { data } = (await api('GET', '/api/cooldowns')) as { data: { id: string }[] };
    for (const { id } of data) await api('DELETE', `/api/cooldowns/${encodeURIComponent(id)}`);
  }

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
      const shown = view.getByRole('figure', { name });
      await shown.getByRole('button', { name: 'Table' }).click();
      assert.equal(await shown.locator('tbody tr').count(), 24);
      await shown.locator('tbody tr').last().getByRole('rowheader').waitFor();
    }
    const { series } = await analytics();
    const cells = await view
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
    await shot('analytics-tables');
    // Each turns back into a chart, so the first is another one every time.
    for (let left = 4; left > 0; left -= 1)
      await view
        .getByRole('button', { name: /^Chart/ })
        .first()
        .click();
    assert.equal(await view.getByRole('slider').count(), 4);
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
      await until(
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
    await until(
      () => rows().count(),
      (count) => count === 1,
    );
    await region('By client').first().getByText('curl').waitFor();
    await view.getByRole('button', { name: 'Clear filters' }).click();
    await choice('Client').selectOption({ label: 'cline' });
    const ofCline = await filtered('&client=cline');
    await untilFigure('Requests', ofCline);
    await choice('Model').selectOption({ label: 'custom:alpha/large' });
    await untilFigure('Requests', await filtered('&client=cline&model=custom:alpha/large'));
    assert.notEqual(await filtered('&client=cline&model=custom:alpha/large'), ofCline);
    await shot('analytics-filtered');
    await view.getByRole('button', { name: 'Clear filters' }).click();
    // The names in the tables do the same.
    await region('By provider').first().getByRole('button', { name: 'alpha' }).click();
    await untilFigure('Requests', await filtered('&provider=custom:alpha'));
    await view.getByRole('button', { name: 'Clear filters' }).click();
    await choice('Outcome').selectOption({ label: 'failed' });
    await until(
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
    const few = await until(tokens, (count) => count > 0);
    await shot('analytics-live');
    more.open();
    await until(tokens, (count) => count > few + 1_000);
    end.open();
    await (await answer).text();
    await now.getByText('Nothing in flight').waitFor();
    await now.getByText(/since .+: \d+ requests/).waitFor();
    alpha.script(chatCompletion({ text: 'Hello.' }));
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
    await shot('analytics-open');
    await row.click();
    await timeline.waitFor({ state: 'detached' });
  });

  it('says who was not asked, and why', async () => {
    alpha.script([errorStatus(429, 'Slow down', { 'retry-after': '120' }), chatCompletion({ text: 'Hello.' })]);
    await chat();
    await chat();
    const [newest] = await listed();
    assert.equal(newest?.provider, 'custom:beta');
    await workbench.page.mouse.move(2, 2);
    const row = grid().locator(`[data-request="${newest?.id}"]`);
    await row.click();
    await grid()
      .getByText(/it rested until .+: rate limit/)
      .waitFor();
    await row.click();
    await liftCooldowns();
  });

  it('does all of it by keyboard', async () => {
    const { keyboard } = workbench.page;
    await view.getByRole('radio', { name: '24 h' }).focus();
    await keyboard.press('ArrowRight');
    assert.equal(await view.getByRole('radio', { name: '7 d' }).isChecked(), true);
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
    return (await webviewFrame(workbench.page)).evaluate(() => {
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
      await until(
        () => workbench.input.inputValue(),
        (value) => value === path.join(host.workspace, `freellm-requests-24h.${format}`),
      );
      await workbench.input.press('Enter');
      await workbench.notification(`${all.length} requests were exported`).waitFor();
      await workbench.runCommand('Notifications: Clear All Notifications');
    }
    const csv = readFileSync(path.join(host.workspace, 'freellm-requests-24h.csv'), 'utf8');
    const lines = csv.trimEnd().split('\r\n');
    assert.equal(lines.length, all.length + 1);
    assert.ok(csv.includes(`"'=HYPERLINK(""http://evil.example"",""click, me"")"`), csv);
    assert.ok(csv.includes(",'@SUM,"));
    assert.ok(!/(^|,)"?[=+@-]/m.test(csv.replace(/^\uFEFF/, '')));
    const { requests, window } = JSON.parse(
      readFileSync(path.join(host.workspace, 'freellm-requests-24h.json'), 'utf8'),
    );
    assert.equal(window, '24h');
    assert.deepEqual(requests, all);
  });

  it('does no harm whatever others call their things', async () => {
    assert.equal((await chat({ model: `custom:alpha/${HOSTILE}` })).status, 200);
    alpha.script(errorStatus(500, `${HOSTILE} ${'x'.repeat(10_000)}`));
    await chat();
    alpha.script(chatCompletion({ text: 'Hello.' }));
    await liftCooldowns();
    await workbench.page.mouse.move(2, 2);
    const row = grid().locator('[data-request]').filter({ hasText: 'onerror' }).first();
    await row.click({ timeout: 30_000 });
    await grid().getByText('Why this route').waitFor();
    const frame = await webviewFrame(workbench.page);
    const found = await frame.evaluate(() => ({
      harm: 'harm' in window,
      images: document.images.length,
      scripts: document.querySelectorAll('#page script').length,
    }));
    assert.deepEqual(found, { harm: false, images: 0, scripts: 0 });
    assert.deepEqual(await layoutFaults(frame), []);
    await shot('analytics-hostile');
    await row.click();
  });

  for (const theme of THEMES) {
    it(`can be read and used by everybody in ${theme}, wide and narrow`, async function () {
      this.timeout(240_000);
      await workbench.page.setViewportSize({ width: 1280, height: 900 });
      await workbench.runCommand('Preferences: Color Theme');
      await workbench.pick(theme);
      await workbench.input.waitFor({ state: 'hidden' });
      for (const width of WIDTHS) {
        await setWebviewWidth(workbench.page, width);
        const frame = await webviewFrame(workbench.page);
        await frame.evaluate(() => window.scrollTo(0, 0));
        const name = `analytics-${theme.toLowerCase().replaceAll(' ', '-')}-${width}`;
        assert.deepEqual(await layoutFaults(frame), [], `at ${width}`);
        assert.deepEqual(await violationsIn(frame), [], `at ${width}`);
        await shot(name);
        await openFallen();
        assert.deepEqual(await layoutFaults(frame), [], `at ${width}, open`);
        assert.deepEqual(await violationsIn(frame), [], `at ${width}, open`);
        await shot(`${name}-open`);
        await grid()
          .locator('[data-request].open')
          .click({ position: { x: 40, y: 10 } });
      }
    });
  }

  async function openFallen(): Promise<void> {
    const fallen = (await listed()).find(({ attemptCount, status }) => attemptCount === 2 && status === 'success');
    const row = grid().locator(`[data-request="${fallen?.id}"]`);
    await row.click({ position: { x: 40, y: 10 } });
    await grid().getByText('Why this route').waitFor();
    await row.scrollIntoViewIfNeeded();
  }

  it('is as it was when it was hidden, and after a reload', async () => {
    await workbench.page.setViewportSize({ width: 1280, height: 900 });
    await pick('7 d');
    await choice('Client').selectOption({ label: 'cline' });
    const wanted = String((await analytics('&client=cline')).totals.requests);
    await untilFigure('Requests', wanted);
    await workbench.runCommand('File: New Untitled Text File');
    await workbench.page.locator('.monaco-editor').first().waitFor();
    await workbench.runCommand('FreeLLM: Analytics');
    await untilFigure('Requests', wanted);
    assert.equal(await view.getByRole('radio', { name: '7 d' }).isChecked(), true);
    await workbench.runCommand('View: Close Other Editors in Group');
    const discard = workbench.page.locator('.monaco-dialog-box').getByRole('button', { name: /Don't Save/ });
    if (await discard.isVisible()) await discard.click();
    await workbench.page.reload();
    await workbench.page.getByRole('tab', { name: 'Analytics' }).click({ timeout: 60_000 });
    await untilFigure('Requests', wanted);
    assert.equal(await view.getByRole('radio', { name: '7 d' }).isChecked(), true);
  });

  it('had no secret in it at any time', async () => {
    const text = await (await webviewFrame(workbench.page)).evaluate(() => document.documentElement.outerHTML);
    const { token, adminToken } = identity();
    for (const secret of ['sk-alpha-7Qm2Zx9LkT4vNc81', token, adminToken]) assert.ok(!text.includes(secret));
  });
});
