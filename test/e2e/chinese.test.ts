import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ProviderView } from '../../src/protocol/provider.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { englishIn, wordsOf } from './english.js';
import { noticed } from './palette.js';
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

  const isChinese = (text: string) => /[\u4e00-\u9fff]/.test(text);
  const translated = JSON.parse(readFileSync('l10n/bundle.l10n.zh-cn.json', 'utf8')) as Record<string, string>;
  /** Nothing of the page in front is English but names; what is said of providers, in the translation, is full of them. */
  async function assertPage(where: string): Promise<void> {
    const { data } = await scene.api<{ data: ProviderView[] }>('GET', '/api/providers');
    const table = new Set(data.flatMap(({ offers, terms }) => [translated[offers], translated[terms?.note ?? '']]));
    const texts = await wordsOf(await scene.frame());
    assert.ok(texts.some(isChinese), `${where} says nothing in Chinese`);
    assert.deepEqual(englishIn(texts.filter((text) => !table.has(text))), [], where);
  }
  /** The same for a part of VS Code's own window: what can be seen of it, save what VS Code itself says. */
  async function assertPart(selector: string, theirs?: RegExp): Promise<void> {
    const texts = await scene.page.locator(selector).filter({ visible: true }).allInnerTexts();
    const lines = texts.flatMap((text) => text.split('\n')).map((line) => line.replaceAll('\u00a0', ' ').trim());
    assert.ok(lines.some(isChinese), `${selector} says nothing in Chinese`);
    assert.deepEqual(englishIn(lines.filter((line) => theirs?.test(line) !== true)), [], selector);
  }

  it('welcomes, and shows the steps', async () => {
    await scene.page.locator('.activitybar').getByRole('tab', { name: 'FreeLLM' }).click();
    await scene.page.locator('.welcome-view-content .monaco-button').first().waitFor();
    await assertPart('.welcome-view-content');
    await scene.page.locator('.welcome-view-content').getByText('逐步入门').click();
    await scene.page.locator('.getting-started-step').first().waitFor();
    await assertPart('.getting-started-step');
    await scene.shot('chinese-welcome');
  });

  it('has no English on the empty pages', async () => {
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.locator('main vscode-button').first().waitFor();
    await assertPage('Keys, empty');
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.locator('main vscode-button').first().waitFor();
    await assertPage('Chain, empty');
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
    await assertPage('Keys');
  });

  it('has no English on the Chain page', async () => {
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.locator('[data-row=large]').click();
    await scene.view.getByRole('table').first().waitFor();
    await scene.shot('chinese-chain');
    await assertPage('Chain');
  });

  it('has no English in the tree, the tooltip, the menu', async () => {
    await scene.page
      .locator('.pane-body .monaco-list-row')
      .filter({ hasText: 'custom' })
      .or(scene.page.locator('.pane-body .monaco-list-row').filter({ hasText: 'lab' }))
      .first()
      .waitFor();
    for (const part of ['.label-name', '.label-description']) await assertPart(`.sidebar .monaco-list-row ${part}`);
    assert.deepEqual(englishIn((await scene.hoverStatus(/http/)).split('\n')), []);
    await scene.shot('chinese-around');
    await scene.status().click();
    await scene.workbench.input.waitFor();
    await assertPart('.quick-input-list');
    await scene.page.keyboard.press('Escape');
  });

  it('has no English in commands, notices and settings', async () => {
    await scene.workbench.runCommand('FreeLLM: Test All Keys');
    await noticed(scene.workbench, '密钥被接受');
    await scene.clearNotifications();
    await scene.workbench.openPalette();
    await scene.workbench.input.fill('>FreeLLM');
    const commands = scene.page.locator('.quick-input-list .monaco-list-row');
    const named = () => commands.filter({ hasText: 'FreeLLM' }).count();
    await scene.until(named, (count) => count > 5);
    const words = '.quick-input-list .quick-input-list-row:first-child .label-name';
    await assertPart(words, /Focus on .* View$/);
    // There are more than the list shows at once.
    await scene.page.keyboard.press('End');
    await assertPart(words, /Focus on .* View$/);
    await scene.page.keyboard.press('Escape');
    await scene.workbench.runCommand('Preferences: Open Settings (UI)');
    await scene.page.locator('.settings-editor .monaco-editor').first().click();
    await scene.page.keyboard.type('@ext:freellm.freellm');
    // Settings of a machine are where the server is.
    await scene.page.locator('.settings-tabs-widget').getByText('Remote').click();
    await scene.page.locator('.setting-item-description').nth(4).waitFor();
    await scene.shot('chinese-settings');
    await assertPart('.setting-item-description');
  });
});
