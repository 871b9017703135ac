import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import type { QuotaUse } from '../../src/protocol/events.js';
import type { KeyView } from '../../src/protocol/keys.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { chooseTheme, THEMES } from './accessibility.js';
import { addEndpoint, noticed } from './palette.js';
import { listModels, playScene } from './scene.js';

/** Of no known shape: only knowing it can keep it out. */
const KEY = 'correct!horse!battery!staple';
const HOSTILE = '[click](command:scene.workbench.action.quit) <img src=x onerror=alert(1)> $(flame) \u202Ednetxe\u202C';

/** What stands around the pages, as a user has it: in a real VS Code, from the packaged extension. One story in steps. */
describe('around the pages', function () {
  let provider: FakeProvider;
  const scene = playScene(this, {
    name: 'around',
    shots: 'screenshots',
    async arrange() {
      provider = scene.provide(await startProvider(chatCompletion({ text: HOSTILE })));
      listModels(provider, ['large', 'small']);
    },
  });

  const chat = (model: string) => scene.chat({ model, headers: { 'user-agent': 'curl/8' } });
  const row = (label: string): Locator => scene.page.locator('.pane-body .monaco-list-row').filter({ hasText: label });
  const settings = () => scene.api<Record<string, unknown>>('GET', '/api/settings');

  it('welcomes who has no key', async () => {
    await scene.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await scene.page.getByText('It begins with one key, or with none').waitFor();
    await scene.page.locator('.welcome-view').getByRole('button', { name: 'Add Key' }).waitFor();
    await scene.shot('around-welcome');
  });

  it('shows the steps, none of them done', async () => {
    await scene.page.locator('.welcome-view').getByText('Get started step by step').click();
    const steps = scene.page.locator('.getting-started-step');
    await steps.filter({ hasText: 'Add a key' }).waitFor();
    assert.equal(await steps.count(), 5);
    assert.equal(await scene.page.locator('.getting-started-step .codicon.complete').count(), 0);
    await scene.shot('around-walkthrough-fresh');
  });

  it('lets the demo answer', async () => {
    await scene.page.locator('.welcome-view').getByRole('button', { name: 'Try the demo' }).click();
    await noticed(scene.workbench, 'answered in');
    await row('Gateway').waitFor();
    await row('canned answers').waitFor();
    await scene.shot('around-demo');
    await scene.clearNotifications();
    assert.equal((await settings())['demo'], true);
  });

  it('takes every setting while it runs', async () => {
    scene.set({ 'freellm.demo': false, 'freellm.stickyMinutes': 7, 'freellm.queue.timeoutSeconds': 3 });
    await scene.until(
      settings,
      (now) => now['stickyMinutes'] === 7 && now['queue.timeoutSeconds'] === 3 && now['demo'] === false,
    );
  });

  it('shows gateway, chain and providers once there is a key', async () => {
    await addEndpoint(scene.workbench, { baseUrl: provider.baseUrl, name: 'alpha', key: KEY });
    await scene.clearNotifications();
    await row('alpha').filter({ hasText: 'healthy' }).waitFor();
    await row('Gateway')
      .filter({ hasText: `port ${scene.port}` })
      .waitFor();
    await row('Runs in').filter({ hasText: 'this window' }).waitFor();
    await row('alpha').filter({ hasText: /^1\s/ }).waitFor();
  });

  it('tells what is left, until when, and how long it lasts', async () => {
    const [key] = (await scene.api<{ data: KeyView[] }>('GET', '/api/keys')).data;
    await scene.api('PATCH', `/api/keys/${key?.id}`, { limits: { rpd: 13 } });
    for (let asked = 0; asked < 12; asked += 1) assert.equal((await chat('custom:alpha/small')).status, 200);
    await row('alpha').filter({ hasText: '1 of 13 left until' }).waitFor({ timeout: 30_000 });
    const text = await scene.hoverStatus(/1 of 13 requests left until/);
    // In the last hours of a day even this pace lasts until the next.
    const { data } = await scene.api<{ data: QuotaUse[] }>('GET', '/api/quota');
    const isRunningOut = data.some(({ kind, lastsUntil }) => kind === 'rpd' && lastsUntil !== null);
    assert.equal(/at this pace alpha.* lasts until \d\d:\d\d/.test(text), isRunningOut, text);
    assert.match(text, /Answered by\s+custom:alpha\/small/);
    assert.match(text, /Last 24 hours/);
    await scene.shot('around-hover');
  });

  it('lists the same in the menu', async () => {
    await scene.status().click();
    await scene.workbench.row('1 of 13 requests left until').waitFor();
    for (const label of ['Keys', 'Test All Keys', 'Diagnose', 'Restart Gateway', 'Settings'])
      await scene.workbench.row(label).waitFor();
    await scene.shot('around-menu');
    await scene.page.keyboard.press('Escape');
  });

  it('tests all keys', async () => {
    await scene.workbench.runCommand('FreeLLM: Test All Keys');
    await noticed(scene.workbench, 'The key is accepted');
    provider.onGet(json(401, { error: { message: 'no' } }));
    await scene.clearNotifications();
    await scene.workbench.runCommand('FreeLLM: Test All Keys');
    await noticed(scene.workbench, '1 refused');
    await scene.clearNotifications();
    await row('alpha').filter({ hasText: 'key refused' }).waitFor();
    listModels(provider, ['small']);
    await scene.workbench.runCommand('FreeLLM: Test All Keys');
    await noticed(scene.workbench, 'The key is accepted');
    await scene.clearNotifications();
  });

  it('checks the steps off by what happened', async () => {
    const done = scene.page.locator('.getting-started-step:has(.codicon.complete)');
    await scene.until(
      () => done.count(),
      (count) => count >= 4,
    );
    const names = await done.allInnerTexts();
    assert.equal(names.length, 4, names.join(' | '));
    assert.ok(!names.join().includes('Pick FreeLLM in chat'), 'nobody picked it in chat');
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    for (const [at, name] of ['Add a key', 'See the first', 'Connect a', 'Pick FreeLLM', 'Read the'].entries()) {
      await scene.page.locator('.getting-started-step').filter({ hasText: name }).click();
      await scene.page.locator('.getting-started-media').locator('svg, iframe').first().waitFor();
      await scene.shot(`around-walkthrough-${at + 1}`);
    }
    await scene.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await row('Gateway').waitFor();
  });

  for (const theme of THEMES) {
    it(`can be seen in ${theme.name}`, async () => {
      await chooseTheme(scene, theme);
      await scene.hoverStatus(/Endpoint/);
      await scene.shot(`around-${theme.name.toLowerCase().replaceAll(' ', '-')}`);
      await scene.page.keyboard.press('Escape');
    });
  }

  it('does no harm with what others call their things and say', async () => {
    await scene.workbench.runCommand('View: Close All Editors');
    await scene.api('POST', '/api/keys', {
      provider: 'custom:beta',
      key: 'x'.repeat(20),
      label: HOSTILE.slice(0, 90),
      baseUrl: provider.baseUrl,
    });
    assert.equal((await chat('custom:alpha/small')).status, 200);
    await scene.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).waitFor();
    await row('beta').first().waitFor();
    const tree = await scene.page.locator('.pane-body').first().innerHTML();
    assert.ok(!tree.includes('<img src="x"') && !tree.includes('\u202E'));
  });

  it('diagnoses without a secret', async () => {
    await scene.workbench.runCommand('FreeLLM: Diagnose');
    await scene.page.locator('.monaco-editor .view-line').first().waitFor();
    await scene.page
      .getByRole('tab', { name: /FreeLLM diagnosis|Untitled/ })
      .first()
      .waitFor();
    await scene.shot('around-diagnosis');
    await scene.page.locator('.monaco-editor .view-lines').first().click();
    await scene.page.keyboard.press('Control+A');
    await scene.page.keyboard.press('Control+C');
    const text = await scene.workbench.clipboard();
    assert.match(text, /# FreeLLM diagnosis/);
    const facts = JSON.parse(/```json\s([\s\S]*?)\s```/.exec(text)?.[1] ?? '');
    assert.equal(facts.keys[0].provider, 'custom:1');
    assert.equal(facts.gateway.canAnswer, true);
    assert.equal(facts.settings.inForce.stickyMinutes, 7);
    assert.equal(facts.window.isLeader, true);
    const { token, adminToken } = scene.identity();
    for (const word of [KEY, 'staple', token, adminToken, 'alpha', 'beta', 'onerror'])
      assert.ok(!text.includes(word), `${word} is in the diagnosis`);
  });
});
