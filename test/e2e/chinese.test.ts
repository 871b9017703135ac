import assert from 'node:assert/strict';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { englishIn, wordsOf } from './english.js';
import { listModels, playScene } from './scene.js';

/**
 * All that we say, in a real VS Code that tells extensions that its language is Simplified Chinese. What VS Code itself says
 * stays English there: no language pack is installed. The tests are steps of one story.
 */
describe('in Chinese', function () {
  let provider: FakeProvider;
  const scene = playScene(this, {
    name: 'chinese',
    language: 'zh-cn',
    ready: null,
    async arrange() {
      provider = scene.provide(await startProvider(chatCompletion({ text: '你好。' })));
      listModels(provider, ['large', 'small']);
    },
  });

  /** Nothing of the page in front is English but names. */
  async function assertChinese(where: string): Promise<void> {
    const texts = await wordsOf(await scene.frame(), 'body');
    assert.ok(
      texts.some((text) => /[\u4e00-\u9fff]/.test(text)),
      `${where} says nothing in Chinese`,
    );
    assert.deepEqual(englishIn(texts), [], where);
  }
  /** The same for a part of VS Code's own window. */
  async function assertPartChinese(selector: string): Promise<void> {
    const texts = await wordsOf(scene.page.mainFrame(), selector);
    assert.ok(
      texts.some((text) => /[\u4e00-\u9fff]/.test(text)),
      `${selector} says nothing in Chinese`,
    );
    assert.deepEqual(englishIn(texts), [], selector);
  }

  it('welcomes, and shows the steps', async () => {
    await scene.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await scene.page.locator('.welcome-view-content .monaco-button').first().waitFor();
    await assertPartChinese('.welcome-view-content');
    await scene.page.locator('.welcome-view-content').getByRole('link').last().click();
    await scene.page.locator('.getting-started-step').first().waitFor();
    await assertPartChinese('.getting-started-steps');
    await scene.shot('chinese-welcome');
  });

  it('has no English on the empty pages', async () => {
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.locator('main vscode-button').first().waitFor();
    await assertChinese('Keys, empty');
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.locator('main vscode-button').first().waitFor();
    await assertChinese('Chain, empty');
  });

  it('has no English on the Keys page', async () => {
    await scene.api('POST', '/api/keys', {
      ...{ provider: 'custom:lab', baseUrl: provider.baseUrl, key: 'sk-lab-7Qm2Zx9LkT4vNc81Wd', label: '主力' },
    });
    provider.script(json(429, { error: { message: '请求过多' } }, { 'retry-after': '300' }));
    const leaving = new AbortController();
    const asked = scene.chat({ model: 'custom:lab/large', signal: leaving.signal });
    asked.catch(() => undefined);
    await scene.until(
      () => scene.api<{ data: unknown[] }>('GET', '/api/cooldowns'),
      ({ data }) => data.length > 0,
    );
    leaving.abort();
    provider.script(chatCompletion({ text: '你好。' }));
    assert.equal((await scene.chat({ model: 'custom:lab/small' })).status, 200);
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.locator('[data-row=主力]').click();
    await scene.view.locator('.details tr').first().waitFor();
    await scene.shot('chinese-keys');
    await assertChinese('Keys');
  });

  it('has no English on the Chain page', async () => {
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.locator('[data-row=large]').click();
    await scene.view.getByRole('table').first().waitFor();
    await scene.shot('chinese-chain');
    await assertChinese('Chain');
  });

  it('has no English in the tree, the tooltip, the menu', async () => {
    await scene.page
      .locator('.pane-body .monaco-list-row')
      .filter({ hasText: 'custom' })
      .or(scene.page.locator('.pane-body .monaco-list-row').filter({ hasText: 'lab' }))
      .first()
      .waitFor();
    await assertPartChinese('.sidebar .pane-body');
    assert.deepEqual(englishIn((await scene.hoverStatus(/http/)).split('\n')), []);
    await scene.shot('chinese-around');
    await scene.status().click();
    await scene.workbench.input.waitFor();
    await assertPartChinese('.quick-input-list');
    await scene.page.keyboard.press('Escape');
  });

  it('has no English in commands, notices and settings', async () => {
    await scene.workbench.runCommand('FreeLLM: Test All Keys');
    await scene.page.locator('.notification-toast', { hasText: '密钥' }).first().waitFor();
    await assertPartChinese('.notification-toast .notification-list-item-message');
    await scene.page.keyboard.press('F1');
    await scene.workbench.input.fill('>FreeLLM');
    await scene.workbench.row('FreeLLM: Diagnose').waitFor();
    await assertPartChinese('.quick-input-list .label-name');
    await scene.page.keyboard.press('Escape');
    await scene.workbench.runCommand('Preferences: Open Settings (UI)');
    await scene.page.locator('.settings-editor .monaco-editor').first().click();
    await scene.page.keyboard.type('@ext:freellm.freellm');
    await scene.page.locator('.setting-item-description').nth(4).waitFor();
    await scene.shot('chinese-settings');
    await assertPartChinese('.setting-item-description');
  });
});
