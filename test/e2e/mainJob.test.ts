import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { addEndpoint, atStep } from './palette.js';
import { scanFor } from './secretScan.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'screenshots');
const KEYS = { alpha: 'sk-alpha-7Qm2Zx9LkT4vNc81', beta: 'sk-beta-5Hs8Rw3YpJ6dFg27' };

/** A provider on this machine that takes one key, lists one model and says who it is. */
async function localProvider(name: keyof typeof KEYS): Promise<FakeProvider> {
  const provider = await startProvider(chatCompletion({ text: `Hello from ${name}.` }));
  provider.onGet(({ headers }, response) => {
    const isKnown = headers.authorization === `Bearer ${KEYS[name]}`;
    const body = isKnown
      ? { object: 'list', data: [{ id: `${name}-large` }] }
      : { error: { message: 'Invalid API key' } };
    return json(isKnown ? 200 : 401, body)({} as never, response, 0);
  });
  return provider;
}

/**
 * The main job, from the packaged extension in a real VS Code in a real browser. The tests are steps of one
 * story and share its window.
 */
describe('two keys, one client, a failover', function () {
  this.timeout(90_000);
  this.bail(true);

  let providers: Record<keyof typeof KEYS, FakeProvider>;
  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let client = { baseUrl: '', token: '' };
  /** Whoever answered first; the other takes over. */
  let first: keyof typeof KEYS = 'alpha';
  const second = () => (first === 'alpha' ? 'beta' : 'alpha');
  const status = () => workbench.statusItem(STATUS);

  before(async function () {
    this.timeout(300_000);
    const vsix = process.env.FREELLM_VSIX;
    assert.ok(vsix, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
    rmSync(SHOTS, { recursive: true, force: true });
    mkdirSync(SHOTS, { recursive: true });
    providers = { alpha: await localProvider('alpha'), beta: await localProvider('beta') };
    host = await startHost({ vsix: [vsix], settings: { 'freellm.port': await freePort() } });
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = new Workbench(await launched.context.newPage());
    await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await shot('failed');
  });

  after(async () => {
    await browser?.close();
    await host?.stop();
    await Promise.all(Object.values(providers ?? {}).map((provider) => provider.close()));
    host?.remove();
  });

  const shot = (name: string) =>
    workbench.page.screenshot({ path: path.join(SHOTS, `${name}.png`), animations: 'disabled' });

  async function chat(): Promise<{ response: Response; text: string }> {
    const response = await fetch(`${client.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${client.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Who are you?' }] }),
    });
    const body = await response.json();
    return { response, text: body?.choices?.[0]?.message?.content ?? JSON.stringify(body) };
  }

  it('says that nothing can answer before there is a key', async () => {
    await status().filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 60_000 });
    await shot('01-no-key');
  });

  it('lists providers with what they offer', async () => {
    await workbench.runCommand('FreeLLM: Add Key');
    await workbench.row('Groq').waitFor();
    await shot('02-providers');
    await workbench.page.keyboard.press('Escape');
  });

  it('hides a key while it is typed', async () => {
    await workbench.runCommand('FreeLLM: Add Key');
    await workbench.pick('Groq');
    await atStep(workbench, '2/3');
    assert.equal((await workbench.question()).isHidden, true);
    await shot('03-hidden-key');
    await workbench.page.keyboard.press('Escape');
  });

  it('adds two keys by palette, each checked with its provider', async () => {
    await addEndpoint(workbench, { baseUrl: providers.alpha.baseUrl, name: 'alpha', key: KEYS.alpha });
    await addEndpoint(workbench, { baseUrl: providers.beta.baseUrl, name: 'beta', key: KEYS.beta });
    await shot('04-added');
    for (const name of ['alpha', 'beta'] as const) {
      assert.equal((await providers[name].get(1)).headers.authorization, `Bearer ${KEYS[name]}`);
    }
  });

  it('copies endpoint and token for the client', async () => {
    await workbench.runCommand('FreeLLM: Copy Endpoint and Token');
    await workbench.notification('Copied the base URL and token').waitFor();
    const [, baseUrl = '', token = ''] =
      /^OPENAI_BASE_URL=(\S+)\nOPENAI_API_KEY=(\S+)\n$/.exec(await workbench.clipboard()) ?? [];
    client = { baseUrl, token };
    assert.match(baseUrl, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assert.match(token, /^freellmapi-/);
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('answers the client and names provider and model in the status bar', async () => {
    const { response, text } = await chat();
    assert.equal(response.status, 200, text);
    const [, name] = /^custom:(alpha|beta)\//.exec(response.headers.get('x-routed-via') ?? '') ?? [];
    first = name as keyof typeof KEYS;
    assert.equal(text, `Hello from ${first}.`);
    assert.equal(response.headers.get('x-fallback-attempts'), null);
    await status()
      .filter({ hasText: `${first} · ${first}-large` })
      .waitFor();
    await shot('05-answered');
  });

  it('moves to the second provider on a 429, and the status bar follows', async () => {
    providers[first].script(json(429, { error: { message: 'Rate limit reached' } }, { 'retry-after': '30' }));
    const { response, text } = await chat();
    assert.equal(response.status, 200, text);
    assert.equal(text, `Hello from ${second()}.`);
    assert.equal(response.headers.get('x-fallback-attempts'), '1');
    assert.equal(response.headers.get('x-fallback-trail'), `custom:${first}/${first}-large=rate_limit`);
    await status()
      .filter({ hasText: `${second()} · ${second()}-large` })
      .waitFor();
    assert.equal(await workbench.page.locator('.notification-toast').count(), 0, 'a failover never toasts');
    await shot('06-failover');
  });

  for (const theme of ['Dark Modern', 'Light Modern', 'Dark High Contrast', 'Light High Contrast']) {
    it(`is legible in ${theme}`, async () => {
      await workbench.runCommand('Preferences: Color Theme');
      await workbench.pick(theme);
      await workbench.input.waitFor({ state: 'hidden' });
      await status().hover();
      await workbench.page.locator('.monaco-hover', { hasText: 'Answered by' }).waitFor();
      await shot(`07-${theme.toLowerCase().replaceAll(' ', '-')}`);
      await workbench.page.mouse.move(640, 300);
    });
  }

  it('fits a narrow window', async () => {
    await workbench.page.setViewportSize({ width: 480, height: 720 });
    await workbench.runCommand('FreeLLM: Add Key');
    await workbench.row('Groq').waitFor();
    await shot('08-narrow');
    await workbench.page.keyboard.press('Escape');
    await workbench.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('has told its log what happened', async () => {
    await workbench.runCommand('FreeLLM: Show Log');
    await workbench.page.locator('.output-view .view-line').first().waitFor();
    await shot('09-log');
  });

  it('wrote no key to any file', async () => {
    await browser.close();
    await host.stop();
    const secrets = Object.values(KEYS);
    const { found, files } = scanFor(host.folder, secrets);
    assert.ok(files > 10, `only ${files} files`);
    assert.deepEqual(found, []);
    // The scan itself finds what is there to find.
    writeFileSync(path.join(host.userData, 'planted'), `{"key":"${KEYS.alpha}"}`);
    writeFileSync(path.join(host.userData, 'planted64'), Buffer.from(`{"key":"${KEYS.beta}"}`).toString('base64'));
    assert.deepEqual(scanFor(host.folder, secrets).found, ['user-data/planted', 'user-data/planted64']);
  });
});
