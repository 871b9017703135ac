import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { chooseTheme, THEMES } from './accessibility.js';
import { addEndpoint, atStep, noticed } from './palette.js';
import { playScene } from './scene.js';
import { scanFor } from './secretScan.js';

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
  let providers: Record<keyof typeof KEYS, FakeProvider>;
  const scene = playScene(this, {
    name: 'main-job',
    shots: 'screenshots',
    ready: null,
    async arrange() {
      providers = { alpha: await localProvider('alpha'), beta: await localProvider('beta') };
      for (const provider of Object.values(providers)) scene.provide(provider);
    },
  });
  let client = { baseUrl: '', token: '' };
  /** Whoever answered first; the other takes over. */
  let first: keyof typeof KEYS = 'alpha';
  const second = () => (first === 'alpha' ? 'beta' : 'alpha');

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
    await scene.status().filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 60_000 });
    await scene.shot('01-no-key');
  });

  it('lists providers with what they offer', async () => {
    await scene.workbench.runCommand('FreeLLM: Add Key');
    await scene.workbench.row('Groq').waitFor();
    await scene.shot('02-providers');
    await scene.page.keyboard.press('Escape');
  });

  it('hides a key while it is typed', async () => {
    await scene.workbench.runCommand('FreeLLM: Add Key');
    await scene.workbench.pick('Groq');
    await atStep(scene.workbench, '2/3');
    assert.equal((await scene.workbench.question()).isHidden, true);
    await scene.shot('03-hidden-key');
    await scene.page.keyboard.press('Escape');
  });

  it('adds two keys by palette, each checked with its provider', async () => {
    await addEndpoint(scene.workbench, { baseUrl: providers.alpha.baseUrl, name: 'alpha', key: KEYS.alpha });
    await addEndpoint(scene.workbench, { baseUrl: providers.beta.baseUrl, name: 'beta', key: KEYS.beta });
    await scene.shot('04-added');
    for (const name of ['alpha', 'beta'] as const) {
      assert.equal((await providers[name].get(1)).headers.authorization, `Bearer ${KEYS[name]}`);
    }
  });

  it('copies endpoint and token for the client', async () => {
    await scene.workbench.runCommand('FreeLLM: Copy Endpoint and Token');
    await noticed(scene.workbench, 'Copied the base URL and token');
    const [, baseUrl = '', token = ''] =
      /^OPENAI_BASE_URL=(\S+)\nOPENAI_API_KEY=(\S+)\n$/.exec(await scene.workbench.clipboard()) ?? [];
    client = { baseUrl, token };
    assert.match(baseUrl, /^http:\/\/127\.0\.0\.1:\d+\/v1$/);
    assert.match(token, /^freellmapi-/);
    await scene.clearNotifications();
  });

  it('answers the client and names provider and model in the status bar', async () => {
    const { response, text } = await chat();
    assert.equal(response.status, 200, text);
    const [, name] = /^custom:(alpha|beta)\//.exec(response.headers.get('x-routed-via') ?? '') ?? [];
    first = name as keyof typeof KEYS;
    assert.equal(text, `Hello from ${first}.`);
    assert.equal(response.headers.get('x-fallback-attempts'), null);
    await scene
      .status()
      .filter({ hasText: `${first} · ${first}-large` })
      .waitFor();
    await scene.shot('05-answered');
  });

  it('moves to the second provider on a 429, and the status bar follows', async () => {
    providers[first].script(json(429, { error: { message: 'Rate limit reached' } }, { 'retry-after': '30' }));
    const { response, text } = await chat();
    assert.equal(response.status, 200, text);
    assert.equal(text, `Hello from ${second()}.`);
    assert.equal(response.headers.get('x-fallback-attempts'), '1');
    assert.equal(response.headers.get('x-fallback-trail'), `custom:${first}/${first}-large=rate_limit`);
    await scene
      .status()
      .filter({ hasText: `${second()} · ${second()}-large` })
      .waitFor();
    assert.equal(
      await scene.page.locator('.notification-toast', { hasText: 'FreeLLM' }).count(),
      0,
      'a failover never toasts',
    );
    await scene.shot('06-failover');
  });

  for (const theme of THEMES) {
    it(`is legible in ${theme.name}`, async () => {
      await chooseTheme(scene, theme);
      await scene.hoverStatus(/Answered by/);
      await scene.shot(`07-${theme.name.toLowerCase().replaceAll(' ', '-')}`);
      await scene.page.mouse.move(640, 300);
    });
  }

  it('fits a narrow window', async () => {
    await scene.page.setViewportSize({ width: 480, height: 720 });
    await scene.workbench.runCommand('FreeLLM: Add Key');
    await scene.workbench.row('Groq').waitFor();
    await scene.shot('08-narrow');
    await scene.page.keyboard.press('Escape');
    await scene.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('has told its log what happened', async () => {
    await scene.workbench.runCommand('FreeLLM: Show Log');
    await scene.page.locator('.output-view .view-line').first().waitFor();
    await scene.shot('09-log');
  });

  it('wrote no key to any file', async () => {
    await scene.browser.close();
    await scene.host.stop();
    const secrets = Object.values(KEYS);
    const { found, files } = scanFor(scene.host.folder, secrets);
    assert.ok(files > 10, `only ${files} files`);
    assert.deepEqual(found, []);
    // The scan itself finds what is there to find.
    writeFileSync(path.join(scene.host.userData, 'planted'), `{"key":"${KEYS.alpha}"}`);
    writeFileSync(
      path.join(scene.host.userData, 'planted64'),
      Buffer.from(`{"key":"${KEYS.beta}"}`).toString('base64'),
    );
    assert.deepEqual(scanFor(scene.host.folder, secrets).found, ['user-data/planted', 'user-data/planted64']);
  });
});
