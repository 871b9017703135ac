import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import { chatCompletion, type FakeProvider, startProvider } from '../support/provider.js';
import { type HeadlessGateway, startHeadless } from './headless.js';
import { listModels, playScene } from './scene.js';

const KEY = 'sk-lab-7Qm2Zx9LkT4vNc81Wd';

/**
 * A window that follows a gateway which somebody started by hand, with a config file. It can be stopped like any process:
 * so a gateway is slow here. The tests are steps of one story.
 */
describe('a window that follows', function () {
  let provider: FakeProvider;
  let leader: HeadlessGateway;
  const scene = playScene(this, {
    name: 'follower',
    async arrange() {
      provider = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      listModels(provider, ['large', 'small']);
    },
    async beforeWindows() {
      leader = await startHeadless(scene, {
        providers: {
          'custom:lab': {
            name: 'Lab',
            baseUrl: provider.baseUrl,
            keys: [{ key: KEY, label: 'fixed', limits: { rpd: 100 } }],
            models: [{ id: 'large', contextWindow: 32_768, tools: true }, { id: 'small' }],
          },
        },
        chain: ['custom:lab/small', 'custom:lab/large'],
        strategy: 'priority',
        profiles: { coding: { chain: ['custom:lab/large'] } },
        settings: { healthProbes: false },
      });
    },
    ready: 'FreeLLM',
  });
  after(() => leader?.stop());

  const opener = (name: string): Locator => scene.view.locator(`[data-row="${name}"]`);
  const shownOrder = () =>
    scene.view.locator('[data-row]').evaluateAll((rows) => rows.map((row) => row.dataset['row']).join());

  it('says that the gateway runs elsewhere', async () => {
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByText(`listening on 127.0.0.1:${scene.port} · in another window`).waitFor();
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    assert.match(await scene.hoverStatus(/Endpoint/), /runs in another window/);
  });

  it('shows a key of the config file, and that it is changed there', async () => {
    const row = scene.view.locator('li .row').filter({ has: opener('fixed') });
    await row.getByText('in the config file').waitFor();
    for (const name of ['Rename fixed', 'Remove fixed'])
      assert.equal(await row.getByRole('button', { name }).count(), 0, name);
    assert.equal(await row.getByRole('switch').count(), 0);
    await opener('fixed').click();
    await scene.view.locator('[data-row=fixed][aria-expanded=true]').waitFor();
    await scene.view.getByText('All of the provider’s models').waitFor();
    assert.equal(await scene.view.getByRole('button', { name: 'Choose…' }).count(), 0);
    assert.equal(await scene.view.getByRole('textbox', { name: 'requests a day' }).count(), 0);
    await opener('fixed').focus();
    for (const key of ['Delete', 'F2', 'Space']) await scene.page.keyboard.press(key);
    await row.getByRole('button', { name: 'Test fixed' }).click();
    await row.getByText('The provider accepts the key').waitFor();
    assert.equal(await scene.view.getByRole('textbox', { name: 'Name of the key' }).count(), 0);
    assert.equal(await scene.view.getByRole('button', { name: 'Undo' }).count(), 0);
    await scene.shot('follower-keys');
  });

  it('shows a chain and a profile of the config file, and that they are changed there', async () => {
    await scene.view.getByRole('button', { name: 'Fallback Chain' }).click();
    await opener('small').waitFor();
    assert.equal(await shownOrder(), 'small,large');
    await scene.view.getByText('The chain is in the config file: it is changed there.').waitFor();
    for (const name of ['Move small down', 'Move large up'])
      assert.equal(await scene.view.getByRole('button', { name, disabled: false }).count(), 0, name);
    assert.ok(await scene.view.getByRole('checkbox', { name: 'Ask small' }).isDisabled());
    assert.equal(await scene.view.getByRole('combobox', { name: 'Sort my own order' }).count(), 0);
    await opener('large').focus();
    for (const key of ['Alt+ArrowUp', 'Space']) await scene.page.keyboard.press(key);
    await scene.shot('follower-chain');
    await scene.view.getByRole('radio', { name: 'fastest', exact: true }).check({ force: true });
    await scene.view.getByText('The strategy is in the config file: it is changed there.').waitFor();
    await scene.view.getByRole('button', { name: 'Back to priority' }).click();
    await scene.view.getByRole('combobox', { name: 'Profile' }).selectOption({ label: 'coding' });
    await scene.view.getByText('This profile is in the config file: it is changed there.').waitFor();
    for (const name of ['Rename coding', 'Remove coding'])
      assert.equal(await scene.view.getByRole('button', { name }).count(), 0, name);
    await scene.view.getByRole('combobox', { name: 'Profile' }).selectOption({ label: 'The chain' });
    await scene.until(shownOrder, (order) => order === 'small,large');
  });

  it('waits for a slow gateway without moving, and can be used meanwhile', async () => {
    await scene.workbench.runCommand('View: Close All Editors');
    leader.freeze();
    try {
      await scene.workbench.runCommand('FreeLLM: Keys');
      const waiting = scene.view.getByText('Reading the keys…');
      await waiting.waitFor();
      // What is there at once needs no word about waiting.
      assert.equal(await waiting.evaluate((element) => getComputedStyle(element).animationDelay), '0.15s');
      const before = await scene.view.getByText('Endpoint', { exact: true }).boundingBox();
      assert.ok(before);
      await scene.shot('follower-slow');
      leader.thaw();
      await opener('fixed').waitFor();
      await waiting.waitFor({ state: 'detached' });
      assert.deepEqual(await scene.view.getByText('Endpoint', { exact: true }).boundingBox(), before);
    } finally {
      leader.thaw();
    }
  });

  it('can be used while a deed takes its time', async () => {
    const row = scene.view.locator('li .row').filter({ has: opener('fixed') });
    const place = await row.boundingBox();
    leader.freeze();
    try {
      await row.getByRole('button', { name: 'Test fixed' }).click();
      await row.getByText('asking Lab…').waitFor();
      assert.deepEqual(await row.boundingBox(), place, 'the row stays where it was');
      const search = scene.view.getByRole('textbox', { name: 'Search keys' });
      await search.fill('nothing like it');
      await scene.view.getByText('No key fits the search and filter.').waitFor();
      await search.fill('');
      await opener('fixed').waitFor();
    } finally {
      leader.thaw();
    }
    await row.getByText('The provider accepts the key').waitFor();
  });

  it('takes over when that gateway ends', async () => {
    await leader.stop();
    await scene.view.getByText(`listening on 127.0.0.1:${scene.port}`, { exact: true }).waitFor();
    await opener('fixed').waitFor({ state: 'detached' });
    await scene.shot('follower-took-over');
  });
});
