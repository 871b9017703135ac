import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import type { QuotaUse } from '../../src/protocol/events.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { addEndpoint } from './palette.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'screenshots');
/** Of no known shape: only knowing it can keep it out. */
const KEY = 'correct!horse!battery!staple';
const HOSTILE = '[click](command:workbench.action.quit) <img src=x onerror=alert(1)> $(flame) \u202Ednetxe\u202C';
const THEMES = ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast'];

/** What stands around the pages, as a user has it: in a real VS Code, from the packaged extension. One story in steps. */
describe('around the pages', function () {
  this.timeout(120_000);
  this.bail(true);

  let provider: FakeProvider;
  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let port: number;

  before(async function () {
    this.timeout(300_000);
    const vsix = process.env.FREELLM_VSIX;
    assert.ok(vsix, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
    mkdirSync(SHOTS, { recursive: true });
    provider = await startProvider(chatCompletion({ text: HOSTILE }));
    provider.onGet((_request, response) =>
      json(200, { object: 'list', data: [{ id: 'large' }, { id: 'small' }] })({} as never, response, 0),
    );
    port = await freePort();
    host = await startHost({ vsix: [vsix], settings: { 'freellm.port': port } });
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = new Workbench(await launched.context.newPage());
    await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
    await workbench.statusItem(STATUS).filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 90_000 });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await shot('around-failed');
  });

  after(async () => {
    await browser?.close();
    await host?.stop();
    await provider?.close();
    host?.remove();
  });

  const shot = (name: string) =>
    workbench.page.screenshot({ path: path.join(SHOTS, `${name}.png`), animations: 'disabled' });
  const identity = () =>
    JSON.parse(
      readFileSync(path.join(host.userData, 'User', 'globalStorage', 'freellm.freellm', 'gateway.json'), 'utf8'),
    ) as { token: string; adminToken: string };
  const chat = (model = 'auto') =>
    fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        ...{ authorization: `Bearer ${identity().token}`, 'content-type': 'application/json', 'user-agent': 'curl/8' },
      },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
  async function api(method: string, place: string, body?: unknown): Promise<Response> {
    return fetch(`http://127.0.0.1:${port}${place}`, {
      method,
      headers: { authorization: `Bearer ${identity().adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
  /** Sets user settings as the settings page does, by its file: a server keeps those of machine scope in its own. */
  function set(change: Record<string, unknown>): void {
    const file = path.join(host.userData, 'Machine', 'settings.json');
    const before = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...before, ...change }, null, 2));
  }
  const row = (label: string): Locator =>
    workbench.page.locator('.pane-body .monaco-list-row').filter({ hasText: label });
  async function hover(): Promise<string> {
    await workbench.page.mouse.move(400, 300);
    await workbench.statusItem(STATUS).hover();
    const widget = workbench.page.locator('.workbench-hover-container').filter({ hasText: 'FreeLLM' });
    await widget.first().waitFor();
    return (await widget.first().innerText()).replace(/\u00a0/g, ' ');
  }
  /** Hovers until the text is as wanted: what is shown follows what happened by some seconds. */
  async function hoverUntil(wanted: RegExp): Promise<string> {
    const deadline = Date.now() + 40_000;
    for (;;) {
      const text = await hover();
      if (wanted.test(text)) return text;
      assert.ok(Date.now() < deadline, `${wanted} is not in: ${text}`);
      await workbench.page.keyboard.press('Escape');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  async function settings(): Promise<Record<string, unknown>> {
    return (await api('GET', '/api/settings')).json() as Promise<Record<string, unknown>>;
  }

  it('welcomes who has no key', async () => {
    await workbench.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await workbench.page.getByText('It begins with one key, or with none').waitFor();
    await workbench.page.locator('.welcome-view').getByRole('button', { name: 'Add Key' }).waitFor();
    await shot('around-welcome');
  });

  it('shows the steps, none of them done', async () => {
    await workbench.page.locator('.welcome-view').getByText('Get started step by step').click();
    const steps = workbench.page.locator('.getting-started-step');
    await steps.filter({ hasText: 'Add a key' }).waitFor();
    assert.equal(await steps.count(), 5);
    assert.equal(await workbench.page.locator('.getting-started-step .codicon.complete').count(), 0);
    await shot('around-walkthrough-fresh');
  });

  it('lets the demo answer', async () => {
    await workbench.page.locator('.welcome-view').getByRole('button', { name: 'Try the demo' }).click();
    await workbench.notification('answered in').waitFor({ timeout: 30_000 });
    await row('Gateway').waitFor();
    await row('canned answers').waitFor();
    await shot('around-demo');
    await workbench.runCommand('Notifications: Clear All Notifications');
    assert.equal((await settings())['demo'], true);
  });

  it('takes every setting while it runs', async () => {
    set({ 'freellm.demo': false, 'freellm.stickyMinutes': 7, 'freellm.queue.timeoutSeconds': 3, 'freellm.port': port });
    const deadline = Date.now() + 30_000;
    for (;;) {
      const now = await settings();
      if (now['stickyMinutes'] === 7 && now['queue.timeoutSeconds'] === 3 && now['demo'] === false) break;
      assert.ok(Date.now() < deadline, JSON.stringify(now));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });

  it('shows gateway, chain and providers once there is a key', async () => {
    await addEndpoint(workbench, { baseUrl: provider.baseUrl, name: 'alpha', key: KEY });
    await workbench.runCommand('Notifications: Clear All Notifications');
    await row('alpha').filter({ hasText: 'healthy' }).waitFor();
    await row('Gateway')
      .filter({ hasText: `port ${port}` })
      .waitFor();
    await row('Runs in').filter({ hasText: 'this window' }).waitFor();
    await row('alpha').filter({ hasText: /^1\s/ }).waitFor();
  });

  it('tells what is left, until when, and how long it lasts', async () => {
    const [key] = ((await (await api('GET', '/api/keys')).json()) as { data: { id: string }[] }).data;
    await api('PATCH', `/api/keys/${key?.id}`, { limits: { rpd: 13 } });
    for (let asked = 0; asked < 12; asked += 1) assert.equal((await chat('custom:alpha/small')).status, 200);
    await row('alpha').filter({ hasText: '1 of 13 left until' }).waitFor({ timeout: 30_000 });
    const text = await hoverUntil(/1 of 13 requests left until/);
    // In the last hours of a day even this pace lasts until the next.
    const { data } = (await (await api('GET', '/api/quota')).json()) as { data: QuotaUse[] };
    const isRunningOut = data.some(({ kind, lastsUntil }) => kind === 'rpd' && lastsUntil !== null);
    assert.equal(/at this pace alpha.* lasts until \d\d:\d\d/.test(text), isRunningOut, text);
    assert.match(text, /Answered by\s+custom:alpha\/small/);
    assert.match(text, /Last 24 hours/);
    await shot('around-hover');
  });

  it('lists the same in the menu', async () => {
    await workbench.statusItem(STATUS).click();
    await workbench.row('1 of 13 requests left until').waitFor();
    for (const label of ['Keys', 'Test All Keys', 'Diagnose', 'Restart Gateway', 'Settings'])
      await workbench.row(label).waitFor();
    await shot('around-menu');
    await workbench.page.keyboard.press('Escape');
  });

  it('tests all keys', async () => {
    await workbench.runCommand('FreeLLM: Test All Keys');
    await workbench.notification('The key is accepted').waitFor();
    provider.onGet((_request, response) => json(401, { error: { message: 'no' } })({} as never, response, 0));
    await workbench.runCommand('Notifications: Clear All Notifications');
    await workbench.runCommand('FreeLLM: Test All Keys');
    await workbench.notification('1 refused').waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
    await row('alpha').filter({ hasText: 'key refused' }).waitFor();
    provider.onGet((_request, response) =>
      json(200, { object: 'list', data: [{ id: 'small' }] })({} as never, response, 0),
    );
    await workbench.runCommand('FreeLLM: Test All Keys');
    await workbench.notification('The key is accepted').waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('checks the steps off by what happened', async () => {
    const done = workbench.page.locator('.getting-started-step:has(.codicon.complete)');
    const deadline = Date.now() + 20_000;
    while ((await done.count()) < 4 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 200));
    const names = await done.allInnerTexts();
    assert.equal(names.length, 4, names.join(' | '));
    assert.ok(!names.join().includes('Pick FreeLLM in chat'), 'nobody picked it in chat');
    await workbench.runCommand('View: Close Primary Side Bar');
    for (const [at, name] of ['Add a key', 'See the first', 'Connect a', 'Pick FreeLLM', 'Read the'].entries()) {
      await workbench.page.locator('.getting-started-step').filter({ hasText: name }).click();
      await workbench.page.locator('.getting-started-media').locator('svg, iframe').first().waitFor();
      await shot(`around-walkthrough-${at + 1}`);
    }
    await workbench.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await row('Gateway').waitFor();
  });

  for (const theme of THEMES) {
    it(`can be seen in ${theme}`, async () => {
      await workbench.runCommand('Preferences: Color Theme');
      await workbench.pick(theme);
      await workbench.input.waitFor({ state: 'hidden' });
      await hover();
      await shot(`around-${theme.toLowerCase().replaceAll(' ', '-')}`);
      await workbench.page.keyboard.press('Escape');
    });
  }

  it('does no harm with what others call their things and say', async () => {
    await workbench.runCommand('View: Close All Editors');
    await api('POST', '/api/keys', {
      provider: 'custom:beta',
      key: 'x'.repeat(20),
      label: HOSTILE.slice(0, 90),
      baseUrl: provider.baseUrl,
    });
    assert.equal((await chat('custom:alpha/small')).status, 200);
    await workbench.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).waitFor();
    await row('beta').first().waitFor();
    const tree = await workbench.page.locator('.pane-body').first().innerHTML();
    assert.ok(!tree.includes('<img src="x"') && !tree.includes('\u202E'));
  });

  it('diagnoses without a secret', async () => {
    await workbench.runCommand('FreeLLM: Diagnose');
    await workbench.page.locator('.monaco-editor .view-line').first().waitFor();
    await workbench.page
      .getByRole('tab', { name: /FreeLLM diagnosis|Untitled/ })
      .first()
      .waitFor();
    await shot('around-diagnosis');
    await workbench.page.locator('.monaco-editor .view-lines').first().click();
    await workbench.page.keyboard.press('Control+A');
    await workbench.page.keyboard.press('Control+C');
    const text = await workbench.clipboard();
    assert.match(text, /# FreeLLM diagnosis/);
    const facts = JSON.parse(/```json\s([\s\S]*?)\s```/.exec(text)?.[1] ?? '');
    assert.equal(facts.keys[0].provider, 'custom:1');
    assert.equal(facts.gateway.canAnswer, true);
    assert.equal(facts.settings.inForce.stickyMinutes, 7);
    assert.equal(facts.window.isLeader, true);
    const { token, adminToken } = identity();
    for (const word of [KEY, 'staple', token, adminToken, 'alpha', 'beta', 'onerror'])
      assert.ok(!text.includes(word), `${word} is in the diagnosis`);
  });
});
