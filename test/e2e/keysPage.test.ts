import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, FrameLocator, Locator } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import type { KeyView } from '../../src/protocol/keys.js';
import { webviewFrame, webviewOf } from '../host/page.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { layoutFaults, setWebviewWidth, violationsIn } from './accessibility.js';
import { answerStep } from './palette.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'pages');
const KEY = 'sk-alpha-7Qm2Zx9LkT4vNc81';
const HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>\u202Egnihtemos\u202C';
const THEMES = ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast'];
const WIDTHS = [320, 800, 1600];

/** The Keys page as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Keys page', function () {
  this.timeout(120_000);
  this.bail(true);

  let provider: FakeProvider;
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
    provider = await startProvider(chatCompletion({ text: 'Hello.' }));
    provider.onGet((_request, response) =>
      json(200, { object: 'list', data: [{ id: 'large' }, { id: 'small' }] })({} as never, response, 0),
    );
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
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await shot('keys-failed');
    assert.deepEqual(troubles, []);
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

  /** The admin API, to arrange what no page does, and to see what the page's deeds came to. */
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
  const keys = async () => ((await api('GET', '/api/keys')) as { data: KeyView[] }).data;
  const keyOf = async (label: string) => (await keys()).find((key) => key.label === label);
  /** Reads the keys until one of this label is as wanted: what is stored follows what is shown. */
  async function untilKey(label: string, isAsWanted: (key: KeyView | undefined) => boolean): Promise<void> {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const key = await keyOf(label);
      if (isAsWanted(key)) return;
      assert.ok(Date.now() < deadline, `${label} is ${JSON.stringify(key)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  async function chat(model = 'custom:alpha/small'): Promise<Response> {
    return fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${identity().token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] }),
    });
  }
  const opener = (label: string): Locator => view.locator(`[data-row="${label}"]`);
  const row = (label: string): Locator => view.locator('li .row').filter({ has: opener(label) });

  it('says what it is for before there is a key', async () => {
    await workbench.runCommand('FreeLLM: Keys');
    await view.getByText('Keys of free tiers go here').waitFor({ timeout: 40_000 });
    await workbench.runCommand('View: Close Primary Side Bar');
    await view.getByText(`http://127.0.0.1:${port}/v1`).waitFor();
    await shot('keys-empty');
  });

  it('adds a key by the native flow', async () => {
    await view.getByRole('button', { name: 'Add an endpoint of your own' }).click();
    await answerStep(workbench, '2/5', provider.baseUrl);
    await answerStep(workbench, '3/5', 'alpha');
    await answerStep(workbench, '4/5', KEY);
    await answerStep(workbench, '5/5', '');
    await opener('main').waitFor();
    await row('main').getByText('…Nc81').waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('tests a key', async () => {
    await view.getByRole('button', { name: 'Test main' }).click();
    await row('main').getByText('The provider accepts the key').waitFor();
    await view.getByRole('button', { name: 'Test all' }).click();
    await view.getByRole('button', { name: 'Test all' }).waitFor();
  });

  it('switches a key off and on', async () => {
    const use = view.getByRole('switch', { name: 'Use main' });
    await use.click();
    await untilKey('main', (key) => key?.enabled === false);
    assert.equal(await use.getAttribute('aria-checked'), 'false');
    await use.click();
    await untilKey('main', (key) => key?.enabled === true);
  });

  it('renames a key in place; Escape leaves it', async () => {
    await view.getByRole('button', { name: 'Rename main' }).click();
    const field = view.getByRole('textbox', { name: 'Name of the key' });
    await field.fill('nothing');
    await field.press('Escape');
    await view.getByRole('button', { name: 'Rename main' }).click();
    await field.fill('laptop');
    await field.press('Enter');
    await opener('laptop').waitFor();
    await untilKey('laptop', Boolean);
    assert.equal(await keyOf('nothing'), undefined);
  });

  it('opens a key: its day, its limits, its models, its last requests', async () => {
    await chat();
    await opener('laptop').click();
    await view.getByRole('img', { name: '1 answered, 0 failed attempts in 24 hours' }).waitFor();
    await view.getByRole('region', { name: 'Last requests' }).getByText('answered').waitFor();
    await chat();
    await view.getByRole('img', { name: '2 answered, 0 failed attempts in 24 hours' }).waitFor();
  });

  it('takes limits in place', async () => {
    const field = view.getByRole('textbox', { name: 'requests a day' });
    await field.fill('1 000');
    await field.press('Enter');
    await untilKey('laptop', (key) => key?.limits['rpd'] === 1000);
    await row('laptop')
      .getByText(/\/ 1 k req\/day/)
      .waitFor();
    await field.fill('nonsense');
    await field.press('Enter');
    await field.and(view.locator('input')).evaluate((input: HTMLInputElement) => input.value === '1000');
    assert.equal(await field.inputValue(), '1000');
  });

  it('chooses the models of a key', async () => {
    await view.getByRole('button', { name: 'Choose…' }).click();
    await view.getByRole('checkbox', { name: 'large' }).uncheck();
    await untilKey('laptop', (key) => key?.models?.join() === 'small');
    await view.getByRole('checkbox', { name: 'large' }).check();
    await untilKey('laptop', (key) => key?.models === null);
    await view.getByRole('button', { name: 'Done' }).click();
  });

  it('says why a model waits and for how long, and tries again when told', async () => {
    provider.script(json(429, { error: { message: `Slow down ${HOSTILE}` } }, { 'retry-after': '300' }));
    // It waits for its turn, which "Retry now" brings.
    const asked = chat('custom:alpha/large');
    await row('laptop').getByText('1 model waits').waitFor();
    await shot('keys-open');
    provider.script(chatCompletion({ text: 'Hello.' }));
    await row('laptop').getByRole('button', { name: 'Retry now' }).click();
    await row('laptop').getByText('1 model waits').waitFor({ state: 'detached' });
    assert.equal((await asked).status, 200);
    assert.deepEqual(await api('GET', '/api/cooldowns'), { data: [] });
  });

  it('removes a key, and brings it back', async () => {
    await view.getByRole('button', { name: 'Remove laptop' }).click();
    await opener('laptop').waitFor({ state: 'detached' });
    await view.getByText('“laptop” of alpha was removed').waitFor();
    await view.getByRole('button', { name: 'Undo' }).click();
    await opener('laptop').waitFor();
    assert.ok(await keyOf('laptop'));
  });

  it('switches on a provider that needs no key', async () => {
    const kilo = view.getByRole('switch', { name: 'Kilo Gateway' });
    await kilo.click();
    await view.locator('[role=switch][aria-label="Kilo Gateway"][aria-checked=true]').waitFor();
    await kilo.click();
    await view.locator('[role=switch][aria-label="Kilo Gateway"][aria-checked=false]').waitFor();
  });

  it('filters by words and health', async () => {
    await api('POST', '/api/keys', { provider: 'mistral', label: 'spare', key: 'abcdefghijklmnopqrstuvwxyz012345' });
    await opener('spare').waitFor();
    const search = view.getByRole('textbox', { name: 'Search keys' });
    await search.fill('mistral');
    await opener('laptop').waitFor({ state: 'detached' });
    await search.press('Escape');
    await opener('laptop').waitFor();
    await view.getByText('Attention', { exact: true }).click();
    await opener('laptop').waitFor({ state: 'detached' });
    await view.getByText('All', { exact: true }).click();
    await opener('laptop').waitFor();
  });

  it('does all of it by keyboard', async () => {
    const { keyboard } = workbench.page;
    await opener('laptop').focus();
    await keyboard.press('/');
    assert.equal(await focused(), 'Search keys');
    await keyboard.type('lap');
    await opener('spare').waitFor({ state: 'detached' });
    await keyboard.press('Escape');
    await opener('spare').waitFor();
    // Tab leads through the filter and the buttons into the list.
    for (let presses = 0; (await focused()) !== 'row Mistral' && presses < 12; presses += 1)
      await keyboard.press('Tab');
    assert.equal(await focused(), 'row Mistral');
    await keyboard.press('ArrowDown');
    assert.equal(await focused(), 'row spare');
    await keyboard.press('End');
    assert.equal(await focused(), 'row laptop');
    await keyboard.press('s');
    assert.equal(await focused(), 'row spare');
    await keyboard.press('Enter');
    await view.locator('[data-row=spare][aria-expanded=true]').waitFor();
    await keyboard.press('Escape');
    await view.locator('[data-row=spare][aria-expanded=false]').waitFor();
    await keyboard.press('Space');
    await untilKey('spare', (key) => key?.enabled === false);
    await keyboard.press('F2');
    await view.getByRole('textbox', { name: 'Name of the key' }).waitFor();
    await keyboard.type('second');
    await keyboard.press('Enter');
    await opener('second').waitFor();
    await untilKey('second', Boolean);
    assert.equal(await focused(), 'row second');
    await keyboard.press('Delete');
    await view.getByText('“second” of Mistral was removed').waitFor();
    await view.getByRole('button', { name: 'Undo' }).focus();
    await keyboard.press('Enter');
    await opener('second').waitFor();
  });

  /** What has the focus in the page: a row by its name, anything else by its label. */
  async function focused(): Promise<string> {
    return (await webviewFrame(workbench.page)).evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      const row = element?.dataset['row'];
      return row === undefined ? (element?.getAttribute('aria-label') ?? element?.tagName ?? '') : `row ${row}`;
    });
  }

  it('does no harm whatever others call their things', async () => {
    const id = (await keyOf('second'))?.id ?? '';
    await api('PATCH', `/api/keys/${id}`, { label: HOSTILE.slice(0, 100) });
    provider.onGet((_request, response) =>
      json(401, { error: { message: `${HOSTILE} ${'x'.repeat(10_000)}` } })({} as never, response, 0),
    );
    await view.getByRole('button', { name: 'Test laptop' }).click();
    await view.locator('.row').getByText('onerror').first().waitFor();
    await row('laptop').getByRole('button', { name: 'Replace…' }).waitFor();
    const frame = await webviewFrame(workbench.page);
    const found = await frame.evaluate(() => ({
      harm: 'harm' in window,
      images: document.images.length,
      scripts: document.querySelectorAll('#page script').length,
    }));
    assert.deepEqual(found, { harm: false, images: 0, scripts: 0 });
    assert.deepEqual(await layoutFaults(frame), []);
    await shot('keys-hostile');
  });

  for (const theme of THEMES) {
    it(`can be read and used by everybody in ${theme}, wide and narrow`, async function () {
      this.timeout(180_000);
      await workbench.page.setViewportSize({ width: 1280, height: 900 });
      await workbench.runCommand('Preferences: Color Theme');
      await workbench.pick(theme);
      await workbench.input.waitFor({ state: 'hidden' });
      for (const width of WIDTHS) {
        await setWebviewWidth(workbench.page, width);
        const frame = await webviewFrame(workbench.page);
        assert.deepEqual(await layoutFaults(frame), [], `at ${width}`);
        assert.deepEqual(await violationsIn(frame), [], `at ${width}`);
        await shot(`keys-${theme.toLowerCase().replaceAll(' ', '-')}-${width}`);
      }
    });
  }

  it('is as it was when it was hidden, and opens what was open after a reload', async () => {
    await workbench.page.setViewportSize({ width: 1280, height: 900 });
    const search = view.getByRole('textbox', { name: 'Search keys' });
    await search.fill('alpha');
    await view.locator('[data-row=laptop][aria-expanded=true]').waitFor();
    // Another editor in front: the page's document is gone.
    await workbench.runCommand('File: New Untitled Text File');
    await workbench.page.locator('.monaco-editor').first().waitFor();
    await workbench.runCommand('FreeLLM: Keys');
    await view.locator('[data-row=laptop][aria-expanded=true]').waitFor();
    assert.equal(await search.inputValue(), 'alpha');
    assert.equal(await view.locator('[data-row]').count(), 2, 'the group and its key');
    await search.fill('');
    // A workbench in a browser saves some seconds late, which editor was in front too: what was open before is long there.
    await workbench.page.reload();
    await workbench.page.getByRole('tab', { name: 'Keys' }).click({ timeout: 60_000 });
    await view.locator('[data-row=laptop][aria-expanded=true]').waitFor({ timeout: 90_000 });
  });

  it('replaces the token when that is confirmed', async () => {
    const before = identity().token;
    await view.getByRole('button', { name: 'Rotate…' }).click();
    await workbench.page.locator('.monaco-dialog-box').getByRole('button', { name: 'Replace Token' }).click();
    await workbench.notification('The endpoint has a new token').waitFor();
    const { token } = identity();
    assert.notEqual(token, before);
    await view.getByText(`freellmapi-…${token.slice(-4)}`).waitFor();
    assert.equal((await chat()).status === 401, false);
  });

  it('removes a key for good when nobody brings it back', async () => {
    await view.getByRole('button', { name: 'Remove laptop' }).click();
    await untilKey('laptop', (key) => key === undefined);
  });

  it('had no secret in it at any time', async () => {
    const text = await (await webviewFrame(workbench.page)).evaluate(() => document.documentElement.outerHTML);
    const { token, adminToken } = identity();
    for (const secret of [KEY, token, adminToken]) assert.ok(!text.includes(secret));
  });
});
