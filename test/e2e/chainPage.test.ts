import assert from 'node:assert/strict';
import net from 'node:net';
import type { Locator } from 'playwright-core';
import type { ChainView, ProfileView } from '../../src/protocol/chain.js';
import type { KeyView } from '../../src/protocol/keys.js';
import { chatCompletion, type FakeProvider, startProvider } from '../support/provider.js';
import { checkThemes, layoutFaults, violationsIn } from './accessibility.js';
import { HOSTILE, listModels, playScene } from './scene.js';

/** The chain's page as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Fallback Chain page', function () {
  let provider: FakeProvider;
  const scene = playScene(this, {
    name: 'chain',
    async arrange() {
      provider = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      listModels(provider, ['large', 'mid', 'small']);
    },
  });
  // The providers of this test's keys are not to be asked.
  before(() => scene.api('PUT', '/api/settings', { healthProbes: false }));

  const chain = (strategy?: string) =>
    scene.api<ChainView>('GET', `/api/chain${strategy ? `?strategy=${strategy}` : ''}`);
  const profiles = async () => (await scene.api<{ data: ProfileView[] }>('GET', '/api/profiles')).data;
  const ownOrder = async () => (await chain('priority')).data.filter(({ enabled }) => enabled).map(({ id }) => id);

  const setting = (): unknown => scene.settings()['freellm.strategy'];
  const untilOrder = (wanted: string) => scene.until(ownOrder, (order) => order.join() === wanted);
  const shownOrder = () =>
    scene.view.locator('[data-row]').evaluateAll((rows) => rows.map((row) => row.dataset['row']));
  const untilShown = (wanted: string) => scene.until(shownOrder, (order) => order.join() === wanted);
  const opener = (name: string): Locator => scene.view.locator(`[data-row="${name}"]`);
  const row = (name: string): Locator => scene.view.locator('li.row').filter({ has: opener(name) });
  const undo = async () => {
    await scene.view.getByRole('button', { name: 'Undo' }).last().click();
    // Away from the list, which holds its order under the pointer.
    await scene.page.mouse.move(2, 2);
  };
  const pick = (name: string) => scene.view.getByRole('radio', { name, exact: true }).check({ force: true });

  it('says what it is for before there is a model', async () => {
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.getByText('Every model that your keys can ask goes here').waitFor({ timeout: 40_000 });
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    await scene.shot('chain-empty');
  });

  it('shows the models as soon as there are some', async () => {
    await scene.api('POST', '/api/keys', {
      provider: 'custom:alpha',
      baseUrl: provider.baseUrl,
      key: 'sk-alpha-7Qm2Zx9LkT4vNc81',
      label: 'main',
    });
    await opener('small').waitFor();
    await scene.view.getByText('the order changes with what is measured').waitFor();
    await row('small').getByText('alpha').waitFor();
  });

  it('moves a model by its button, and back', async () => {
    const before = (await shownOrder()).join();
    assert.equal(before, 'large,mid,small');
    await scene.view.getByRole('button', { name: 'Move mid up' }).click();
    await untilOrder('mid,large,small');
    await untilShown('mid,large,small');
    await scene.view.getByText('mid was moved').waitFor();
    // Nobody had chosen a strategy: an order of one's own is then the one in force.
    await scene.view.getByText('Your own order.').waitFor();
    await undo();
    await scene.until(chain, ({ hasOrder }) => !hasOrder);
    await untilShown('large,mid,small');
  });

  it('can still undo after it was hidden, and leads to what came back', async () => {
    // Whatever time hiding takes: ten seconds from an hour that is still to come.
    await (await scene.frame()).evaluate(() => {
      const soon = Date.now() + 3_600_000;
      Date.now = () => soon;
    });
    await scene.view.getByRole('checkbox', { name: 'Ask mid' }).uncheck();
    await scene.view.getByText('mid was taken out').waitFor();
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.getByText('mid was taken out').waitFor();
    await scene.shot('chain-undo');
    await scene.view.getByRole('button', { name: 'Undo' }).focus();
    await scene.page.keyboard.press('Enter');
    await untilOrder('large,mid,small');
    await scene.untilFocused('row mid');
    await scene.view.getByText('mid was taken out').waitFor({ state: 'detached' });
    await scene.page.mouse.move(2, 2);
  });

  it('moves a model by dragging, with a line where it lands', async () => {
    const { mouse } = scene.page;
    const grip = await row('small').locator('.grip').boundingBox();
    const target = await row('large').boundingBox();
    assert.ok(grip && target);
    await mouse.move(grip.x + 5, grip.y + 8);
    await mouse.down();
    await mouse.move(target.x + 60, target.y + 14, { steps: 4 });
    await mouse.move(target.x + 60, target.y + 4, { steps: 2 });
    await scene.view.locator('li.row.before [data-row=large]').waitFor();
    await scene.shot('chain-dragging');
    await mouse.up();
    await untilOrder('small,large,mid');
    await untilShown('small,large,mid');
    await grab('mid', 'small');
    await scene.page.keyboard.press('Escape');
    await mouse.up();
    await untilShown('small,large,mid');
    await undo();
    await untilShown('large,mid,small');

    async function grab(name: string, over: string): Promise<void> {
      const from = await row(name).locator('.grip').boundingBox();
      const to = await row(over).boundingBox();
      assert.ok(from && to);
      await mouse.move(from.x + 5, from.y + 8);
      await mouse.down();
      await mouse.move(to.x + 60, to.y + 4, { steps: 4 });
      await scene.view.locator(`li.row.before [data-row=${over}]`).waitFor();
    }
  });

  it('takes a model out, and back in', async () => {
    const box = scene.view.getByRole('checkbox', { name: 'Ask mid' });
    await box.uncheck();
    await scene.until(ownOrder, (order) => order.join() === 'large,small');
    await scene.view.getByText('mid was taken out').waitFor();
    assert.equal((await chain()).hasOrder, false, 'no order is set by it');
    await undo();
    await untilOrder('large,mid,small');
    // The page reads it after it was saved.
    await scene.until(() => box.isChecked(), Boolean);
    await box.uncheck();
    await scene.until(ownOrder, (order) => order.join() === 'large,small');
    await box.check();
    await untilOrder('large,mid,small');
  });

  it('shows the order of another strategy before it is used, and keeps what is chosen as a setting', async () => {
    await pick('fastest');
    await scene.view.getByText('A preview: The fastest first, as measured. Now balanced is in force.').waitFor();
    await scene.shot('chain-preview');
    assert.equal((await chain()).inForce, 'balanced');
    await scene.view.getByRole('button', { name: 'Back to balanced' }).click();
    await scene.view.getByText('the order changes with what is measured').waitFor();
    await pick('smartest');
    await scene.view.getByRole('button', { name: 'Use smartest' }).click();
    await scene.until(chain, ({ inForce }) => inForce === 'smartest');
    await scene.until(setting, (value) => value === 'smartest');
    await undo();
    await scene.until(chain, ({ inForce }) => inForce === 'balanced');
    await scene.until(setting, (value) => value === undefined);
  });

  it('says why a model has its score', async () => {
    await opener('large').click();
    const table = row('large').getByRole('table');
    await table.getByRole('row', { name: /Reliability.*35 %/ }).waitFor();
    for (const part of ['Speed', 'Intelligence', 'Headroom']) await table.getByRole('row', { name: part }).waitFor();
    await scene.view.getByRole('checkbox', { name: 'Ask large' }).waitFor();
    await scene.shot('chain-why');
  });

  it('finds models by words and by what they can', async () => {
    const search = scene.view.getByRole('textbox', { name: 'Search models' });
    await search.fill('alpha mid');
    await untilShown('mid');
    await search.fill('nothing like it');
    await scene.view.getByText('No model fits the search and filters.').waitFor();
    await scene.view.getByRole('button', { name: 'Show all' }).click();
    await untilShown('large,mid,small');
    await pick('Out');
    await scene.view.getByText('No model fits').waitFor();
    await pick('Can answer now');
    await untilShown('large,mid,small');
    await pick('All');
    await scene.view.getByRole('button', { name: 'Vision', exact: true }).click();
    await scene.until(shownOrder, (order) => order.length === 0);
    await scene.view.getByRole('button', { name: 'Vision', exact: true }).click();
    await untilShown('large,mid,small');
  });

  it('never sorts rows anew under the pointer', async () => {
    await opener('mid').hover();
    await scene.api('PUT', '/api/chain', {
      data: ['small', 'large', 'mid'].map((id) => ({ model: `custom:alpha/${id}` })),
    });
    await scene.view.getByRole('button', { name: 'Order changed: show it' }).waitFor();
    assert.equal((await shownOrder()).join(), 'large,mid,small');
    await scene.view.getByRole('button', { name: 'Order changed: show it' }).click();
    await untilShown('small,large,mid');
  });

  it('sorts by what is known, and back', async () => {
    const sort = scene.view.getByRole('combobox', { name: 'Sort my own order' });
    await sort.selectOption({ label: 'Name' });
    await untilOrder('large,mid,small');
    await undo();
    await untilOrder('small,large,mid');
    await sort.selectOption({ label: "The catalog's order" });
    await scene.until(chain, ({ hasOrder }) => !hasOrder);
    await untilShown('large,mid,small');
  });

  it('makes, edits, renames and removes a profile', async () => {
    await scene.view.getByRole('button', { name: 'New profile from what is shown' }).click();
    const field = scene.view.getByRole('textbox', { name: 'Name of the profile' });
    await field.fill('no/such name');
    await field.press('Enter');
    const advice = scene.view.getByText('A profile is named with letters');
    await advice.waitFor();
    // The page reads anew whenever somebody changes something: who did it wrong has not read why yet.
    const other = { name: 'other', chain: ['custom:alpha/large'], strategy: 'priority', contextWindow: null };
    await scene.api('PUT', '/api/profiles', other);
    await scene.view.getByRole('option', { name: 'other' }).waitFor({ state: 'attached' });
    assert.equal(await advice.isVisible(), true);
    await scene.api('DELETE', '/api/profiles/other');
    await scene.view.getByRole('option', { name: 'other' }).waitFor({ state: 'detached' });
    await scene.view.getByRole('button', { name: 'New profile from what is shown' }).click();
    await field.fill('quick');
    await field.press('Enter');
    await scene.until(profiles, ([made]) => made?.name === 'quick' && made.chain.length === 3);
    await scene.view.getByRole('combobox', { name: 'Strategy' }).selectOption('round-robin');
    await scene.until(profiles, ([made]) => made?.strategy === 'round-robin');
    await scene.view.getByRole('button', { name: 'Move mid up' }).click();
    await scene.until(profiles, ([made]) => made?.chain[0] === 'custom:alpha/mid');
    await scene.view.getByRole('checkbox', { name: 'Ask small' }).uncheck();
    await scene.until(profiles, ([made]) => made?.chain.length === 2);
    await scene.shot('chain-profile');
    assert.equal((await chain()).hasOrder, false, 'the chain itself is as it was');
    await scene.view.getByRole('button', { name: 'Rename quick' }).click();
    await field.fill('swift');
    await field.press('Enter');
    await scene.until(profiles, (all) => all.map(({ name }) => name).join() === 'swift');
    await scene.view.getByRole('button', { name: 'Remove swift' }).click();
    await scene.until(profiles, (all) => all.length === 0);
    await undo();
    await scene.until(profiles, ([made]) => made?.name === 'swift' && made.strategy === 'round-robin');
    await scene.view.getByRole('combobox', { name: 'Profile' }).selectOption({ label: 'The chain' });
    await untilShown('large,mid,small');
  });

  it('does all of it by keyboard', async () => {
    const { keyboard } = scene.page;
    await opener('large').focus();
    await keyboard.press('/');
    await scene.untilFocused('Search models');
    await keyboard.type('mid');
    await untilShown('mid');
    await keyboard.press('Escape');
    await untilShown('large,mid,small');
    // Tab leads through the filters into the list.
    for (let presses = 0; !(await scene.focused()).startsWith('Ask ') && presses < 16; presses += 1)
      await keyboard.press('Tab');
    await keyboard.press('Tab');
    await scene.until(
      () => scene.focused(),
      (name) => name.startsWith('row '),
    );
    await keyboard.press('End');
    await scene.untilFocused('row small');
    await keyboard.press('Alt+ArrowUp');
    await untilOrder('large,small,mid');
    await scene.untilFocused('row small');
    await keyboard.press('Alt+ArrowUp');
    await untilOrder('small,large,mid');
    await scene.untilFocused('row small');
    await keyboard.press('m');
    await scene.untilFocused('row mid');
    await keyboard.press('Space');
    await untilOrder('small,large');
    await keyboard.press('Space');
    await untilOrder('small,large,mid');
    await keyboard.press('Enter');
    await scene.view.locator('[data-row=mid][aria-expanded=true]').waitFor();
    await keyboard.press('Escape');
    await scene.view.locator('[data-row=mid][aria-expanded=false]').waitFor();
    await keyboard.press('Home');
    await keyboard.press('Tab');
    await scene.untilFocused('Move small up');
    await keyboard.press('Tab');
    await scene.untilFocused('Move small down');
    await keyboard.press('Enter');
    await untilOrder('large,small,mid');
    await scene.untilFocused('Move small down');
    await scene.view.getByText('This is your own order; balanced is in force.').waitFor();
    await scene.view.getByRole('radio', { name: 'priority' }).focus();
    await keyboard.press('ArrowRight');
    await scene.view.getByText('the order changes with what is measured').waitFor();
    await keyboard.press('ArrowRight');
    await scene.view.getByText('A preview: The most capable first').waitFor();
    await scene.view.getByRole('button', { name: 'Back to balanced' }).focus();
    await keyboard.press('Enter');
    await scene.view.getByText('the order changes with what is measured').waitFor();
    await scene.api('PUT', '/api/chain', { data: null });
  });

  it('puts the copies of one model into one row, and adds up what a day gives', async () => {
    for (const [id, key] of [
      ['groq', 'gsk_0123456789abcdefghijABCDEFGHIJ0123456789abcdefghijAB'],
      ['cerebras', 'csk-0123456789abcdefghijklmnopqrstuvwxyz0123456789ab'],
      ['mistral', 'abcdefghijklmnopqrstuvwxyz012345'],
    ])
      await scene.api('POST', '/api/keys', { provider: id, label: id, key });
    await opener('GPT-OSS 120B').first().waitFor();
    const served = scene.view.locator('li.row').filter({ hasText: /Groq, Cerebras|Cerebras, Groq/ });
    await served.first().waitFor();
    await scene.view
      .getByRole('region', { name: 'Free tokens left today in this chain' })
      .getByText('Mistral', { exact: true })
      .waitFor();
    await scene.page.mouse.move(2, 2);
    await scene.shot('chain-few');
    const grouped = await scene.view.locator('li.row').count();
    await scene.view.getByRole('checkbox', { name: 'A row for each model' }).uncheck();
    await scene.until(
      () => scene.view.locator('li.row').count(),
      (count) => count > grouped,
    );
    await scene.view.getByRole('checkbox', { name: 'A row for each model' }).check();
  });

  it('does no harm whatever others call their models', async () => {
    listModels(provider, ['large', 'mid', 'small', HOSTILE, 'x'.repeat(180)]);
    const keys = await scene.api<{ data: KeyView[] }>('GET', '/api/keys');
    const id = keys.data.find(({ label }) => label === 'main')?.id ?? '';
    await scene.api('POST', `/api/keys/${id}/test`);
    await scene.view.getByText('onerror').first().waitFor();
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('onerror');
    await scene.until(shownOrder, (order) => order.length === 1);
    await scene.view.locator('[data-row]').click();
    await scene.view.getByRole('checkbox', { name: /^Ask .*onerror/ }).uncheck();
    await scene.view.getByText(/onerror.* was taken out/).waitFor();
    await scene.assertUnharmed();
    assert.deepEqual(await layoutFaults(await scene.frame()), []);
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('');
    await scene.shot('chain-hostile');
  });

  checkThemes(scene, 'chain');

  it('is as it was after it was hidden, and there again after a reload', async () => {
    await scene.page.setViewportSize({ width: 1280, height: 900 });
    if ((await opener('large').getAttribute('aria-expanded')) === 'false') await opener('large').click();
    await pick('fastest');
    await scene.view.getByText('A preview:').waitFor();
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('alpha large');
    await untilShown('large');
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.view.locator('[data-row=large][aria-expanded=true]').waitFor();
    await scene.view.getByText('A preview:').waitFor();
    assert.equal(await scene.view.getByRole('textbox', { name: 'Search models' }).inputValue(), 'alpha large');
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('');
    await scene.view.getByRole('button', { name: 'Back to balanced' }).click();
    await scene.reload('Fallback Chain');
    await opener('large').waitFor({ timeout: 90_000 });
    // What was typed in the last instant before a reload VS Code may have lost.
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('');
  });

  it('says that the gateway is down, keeps what it has, and goes on when it is back', async () => {
    const stranger = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => stranger.once('listening', resolve));
    const taken = (stranger.address() as net.AddressInfo).port;
    scene.set({ 'freellm.port': taken });
    await scene.view.getByText('Another program listens on the port').waitFor({ timeout: 60_000 });
    await scene.view.locator('main[inert]').waitFor();
    await opener('large').waitFor();
    await scene.shot('chain-down');
    scene.set({ 'freellm.port': scene.port });
    await scene.view.getByText(`listening on 127.0.0.1:${scene.port}`).waitFor({ timeout: 60_000 });
    await scene.view.locator('main:not([inert])').waitFor();
    stranger.close();
  });

  it('shows 350 models (how fast is said, not judged: timings are for the benchmark)', async () => {
    listModels(
      provider,
      Array.from({ length: 350 }, (_, index) => `model-${String(index).padStart(3, '0')}`),
    );
    await scene.api('POST', '/api/keys', {
      provider: 'custom:many',
      baseUrl: provider.baseUrl,
      key: 'sk-many-7Qm2Zx9LkT4vNc81',
      label: 'many',
    });
    const isLong = () => scene.view.locator('li.row').first().getAttribute('aria-setsize');
    await scene.until(isLong, (count) => Number(count) > 350);
    await scene.workbench.runCommand('View: Close All Editors');
    await scene.workbench.runCommand('FreeLLM: Fallback Chain');
    await scene.until(isLong, (count) => Number(count) > 350);
    const frame = await scene.frame();
    await frame.waitForFunction(() => performance.getEntriesByName('freellm:shown').length > 0);
    const paints = await frame.evaluate(() => ({
      first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
      shown: performance.getEntriesByName('freellm:shown')[0]?.startTime,
      rows: document.querySelectorAll('li.row').length,
    }));
    console.log(`      ${JSON.stringify(paints)}`);
    assert.ok(paints.rows > 0 && paints.rows < 100, 'only rows near what is seen are in the document');
    await scene.shot('chain-many');
  });

  it('has every row of a long list within reach, by keys, search and scrolling', async () => {
    const { keyboard, mouse } = scene.page;
    const frame = await scene.frame();
    const count = Number(await scene.view.locator('li.row').first().getAttribute('aria-setsize'));
    const placeOfFocus = () =>
      frame.evaluate(() => Number(document.activeElement?.closest('li.row')?.getAttribute('aria-posinset')));
    const isSeen = (place: number) =>
      frame.evaluate((wanted) => {
        const box = document.querySelector(`li.row[aria-posinset="${wanted}"]`)?.getBoundingClientRect();
        return box !== undefined && box.top >= 0 && box.bottom <= window.innerHeight + 1;
      }, place);
    const untilAt = async (place: number) => {
      await scene.until(placeOfFocus, (at) => at === place);
      await scene.until(() => isSeen(place), Boolean);
    };
    await scene.view.locator('[data-row]').first().focus();
    await keyboard.press('End');
    await untilAt(count);
    await keyboard.press('Home');
    await untilAt(1);
    await keyboard.press('PageDown');
    await untilAt(11);
    // What has the focus stays in the document, however far it is scrolled away.
    const box = await scene.view.locator('li.row[aria-posinset="11"]').boundingBox();
    await mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 10);
    await mouse.wheel(0, 6_000);
    await scene.until(
      () =>
        frame.evaluate(() => window.scrollY > 5_000 && document.querySelector('li.row[aria-posinset="230"]') !== null),
      Boolean,
    );
    assert.equal(await placeOfFocus(), 11);
    await keyboard.press('ArrowDown');
    await untilAt(12);
    // Whatever was left out has its room; a row that is open takes more.
    const tops = await frame.evaluate(() =>
      Array.from(document.querySelectorAll('li.row'), (row) => ({
        place: Number(row.getAttribute('aria-posinset')),
        top: row.getBoundingClientRect().top,
      })),
    );
    assert.equal(tops[0]?.place, 1);
    for (const [index, { place, top }] of tops.entries()) {
      const before = tops[index - 1];
      if (before === undefined) continue;
      assert.ok(place > before.place && top - before.top > (place - before.place) * 28 - 1, `row ${place}`);
    }
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('model-349');
    await untilShown('model-349');
    await scene.view.getByRole('textbox', { name: 'Search models' }).fill('');
    await scene.until(
      () => scene.view.locator('li.row').count(),
      (shown) => shown > 20,
    );
    assert.deepEqual(await layoutFaults(frame), []);
    assert.deepEqual(await violationsIn(frame), []);
  });
});
