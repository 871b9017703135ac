import assert from 'node:assert/strict';
import type { Locator } from 'playwright-core';
import type { KeyView } from '../../src/protocol/keys.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';
import { checkThemes, layoutFaults } from './accessibility.js';
import { answerStep, noticed } from './palette.js';
import { HOSTILE, listModels, playScene } from './scene.js';

const KEY = 'sk-alpha-7Qm2Zx9LkT4vNc81';
const NEW_KEY = 'sk-alpha-5Hs8Rw3YpJ6dFgYp6J';

/** The Keys page as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Keys page', function () {
  let provider: FakeProvider;
  const scene = playScene(this, {
    name: 'keys',
    async arrange() {
      provider = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      listModels(provider, ['large', 'small']);
    },
  });

  const keys = async () => (await scene.api<{ data: KeyView[] }>('GET', '/api/keys')).data;
  const keyOf = async (label: string) => (await keys()).find((key) => key.label === label);
  /** Until a key of this label is as wanted: what is stored follows what is shown. */
  const untilKey = (label: string, isAsWanted: (key: KeyView | undefined) => boolean) =>
    scene.until(() => keyOf(label), isAsWanted);
  const chat = (model = 'custom:alpha/small') => scene.chat({ model });
  const opener = (label: string): Locator => scene.view.locator(`[data-row="${label}"]`);
  const row = (label: string): Locator => scene.view.locator('li .row').filter({ has: opener(label) });

  it('says what it is for before there is a key', async () => {
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByText('Keys of free tiers go here').waitFor({ timeout: 40_000 });
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    await scene.view.getByText(`http://127.0.0.1:${scene.port}/v1`).waitFor();
    await scene.shot('keys-empty');
  });

  it('adds a key by the native flow', async () => {
    await scene.view.getByRole('button', { name: 'Add an endpoint of your own' }).click();
    await answerStep(scene.workbench, '2/5', provider.baseUrl);
    await answerStep(scene.workbench, '3/5', 'alpha');
    await answerStep(scene.workbench, '4/5', KEY);
    await answerStep(scene.workbench, '5/5', '');
    await opener('main').waitFor();
    await row('main').getByText('…Nc81').waitFor();
    await scene.clearNotifications();
  });

  it('tests a key', async () => {
    await scene.view.getByRole('button', { name: 'Test main' }).click();
    await row('main').getByText('The provider accepts the key').waitFor();
  });

  it('stops testing when told', async () => {
    // Answers nobody, until it is let.
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    provider.onGet(async (request, response, n) => {
      await held;
      return json(200, { object: 'list', data: [{ id: 'large' }, { id: 'small' }] })(request, response, n);
    });
    await scene.view.getByRole('button', { name: 'Test all' }).click();
    await row('main').getByText('asking alpha…').waitFor();
    await scene.shot('keys-testing');
    await scene.view.getByRole('button', { name: 'Stop testing', exact: true }).click();
    await scene.view.getByRole('button', { name: 'Test all' }).waitFor();
    await row('main').getByText('asking alpha…').waitFor({ state: 'detached' });
    await scene.view.getByRole('button', { name: 'Test main' }).click();
    await row('main').getByText('asking alpha…').waitFor();
    await scene.view.getByRole('button', { name: 'Stop testing main' }).click();
    await row('main').getByText('asking alpha…').waitFor({ state: 'detached' });
    answer();
    listModels(provider, ['large', 'small']);
  });

  it('switches a key off and on', async () => {
    const use = scene.view.getByRole('switch', { name: 'Use main' });
    await use.click();
    await untilKey('main', (key) => key?.enabled === false);
    assert.equal(await use.getAttribute('aria-checked'), 'false');
    await use.click();
    await untilKey('main', (key) => key?.enabled === true);
  });

  it('renames a key in place; Escape leaves it', async () => {
    await scene.view.getByRole('button', { name: 'Rename main' }).click();
    const field = scene.view.getByRole('textbox', { name: 'Name of the key' });
    await field.fill('nothing');
    await field.press('Escape');
    await scene.view.getByRole('button', { name: 'Rename main' }).click();
    await field.fill('laptop');
    await field.press('Enter');
    await opener('laptop').waitFor();
    await untilKey('laptop', Boolean);
    assert.equal(await keyOf('nothing'), undefined);
  });

  it('opens a key: its day, its limits, its models, its last requests', async () => {
    await chat();
    await opener('laptop').click();
    await scene.view.getByRole('img', { name: '1 answered, 0 failed attempts in 24 hours' }).waitFor();
    await scene.view.getByRole('region', { name: 'Last requests' }).getByText('answered').waitFor();
    await chat();
    await scene.view.getByRole('img', { name: '2 answered, 0 failed attempts in 24 hours' }).waitFor();
  });

  it('takes limits in place', async () => {
    const field = scene.view.getByRole('textbox', { name: 'requests a day' });
    await field.fill('1 000');
    await field.press('Enter');
    await untilKey('laptop', (key) => key?.limits['rpd'] === 1000);
    await row('laptop')
      .getByText(/\/ 1 k req\/day/)
      .waitFor();
    await field.fill('nonsense');
    await field.press('Enter');
    await field.and(scene.view.locator('input')).evaluate((input: HTMLInputElement) => input.value === '1000');
    assert.equal(await field.inputValue(), '1000');
  });

  it('chooses the models of a key', async () => {
    await scene.view.getByRole('button', { name: 'Choose…' }).click();
    await scene.view.getByRole('checkbox', { name: 'large' }).uncheck();
    await untilKey('laptop', (key) => key?.models?.join() === 'small');
    await scene.view.getByRole('checkbox', { name: 'large' }).check();
    await untilKey('laptop', (key) => key?.models === null);
    await scene.view.getByRole('button', { name: 'Done' }).click();
  });

  it('says why a model waits and for how long, and tries again when told', async () => {
    provider.script(json(429, { error: { message: `Slow down ${HOSTILE}` } }, { 'retry-after': '300' }));
    // It waits for its turn, which "Retry now" brings.
    const asked = chat('custom:alpha/large');
    await row('laptop').getByText('1 model waits').waitFor();
    await scene.shot('keys-open');
    provider.script(chatCompletion({ text: 'Hello.' }));
    await row('laptop').getByRole('button', { name: 'Retry now' }).click();
    await row('laptop').getByText('1 model waits').waitFor({ state: 'detached' });
    assert.equal((await asked).status, 200);
    assert.deepEqual(await scene.api('GET', '/api/cooldowns'), { data: [] });
  });

  it('removes a key, and brings it back', async () => {
    await scene.view.getByRole('button', { name: 'Remove laptop' }).click();
    await opener('laptop').waitFor({ state: 'detached' });
    await scene.view.getByText('“laptop” of alpha was removed').waitFor();
    await scene.view.getByRole('button', { name: 'Undo' }).click();
    await opener('laptop').waitFor();
    assert.ok(await keyOf('laptop'));
  });

  it('switches on a provider that needs no key', async () => {
    const kilo = scene.view.getByRole('switch', { name: 'Kilo Gateway' });
    await kilo.click();
    await scene.view.locator('[role=switch][aria-label="Kilo Gateway"][aria-checked=true]').waitFor();
    await kilo.click();
    await scene.view.locator('[role=switch][aria-label="Kilo Gateway"][aria-checked=false]').waitFor();
  });

  it('filters by words and health', async () => {
    await scene.api('POST', '/api/keys', {
      provider: 'mistral',
      label: 'spare',
      key: 'abcdefghijklmnopqrstuvwxyz012345',
    });
    await opener('spare').waitFor();
    const search = scene.view.getByRole('textbox', { name: 'Search keys' });
    await search.fill('mistral');
    await opener('laptop').waitFor({ state: 'detached' });
    await search.press('Escape');
    await opener('laptop').waitFor();
    await scene.view.getByText('Attention', { exact: true }).click();
    await opener('laptop').waitFor({ state: 'detached' });
    await scene.view.getByText('All', { exact: true }).click();
    await opener('laptop').waitFor();
  });

  it('does all of it by keyboard', async () => {
    const { keyboard } = scene.page;
    await opener('laptop').focus();
    await keyboard.press('/');
    await scene.untilFocused('Search keys');
    await keyboard.type('lap');
    await opener('spare').waitFor({ state: 'detached' });
    await keyboard.press('Escape');
    await opener('spare').waitFor();
    // Tab leads through the filter and the buttons into the list.
    for (let presses = 0; (await scene.focused()) !== 'row Mistral' && presses < 12; presses += 1)
      await keyboard.press('Tab');
    await scene.untilFocused('row Mistral');
    await keyboard.press('ArrowDown');
    await scene.untilFocused('row spare');
    await keyboard.press('End');
    await scene.untilFocused('row laptop');
    await keyboard.press('s');
    await scene.untilFocused('row spare');
    await keyboard.press('Enter');
    await scene.view.locator('[data-row=spare][aria-expanded=true]').waitFor();
    await keyboard.press('Escape');
    await scene.view.locator('[data-row=spare][aria-expanded=false]').waitFor();
    await keyboard.press('Space');
    await untilKey('spare', (key) => key?.enabled === false);
    await keyboard.press('F2');
    await scene.view.getByRole('textbox', { name: 'Name of the key' }).waitFor();
    await keyboard.type('second');
    await keyboard.press('Enter');
    await opener('second').waitFor();
    await untilKey('second', Boolean);
    await scene.untilFocused('row second');
    await keyboard.press('Delete');
    await scene.view.getByText('“second” of Mistral was removed').waitFor();
    await scene.view.getByRole('button', { name: 'Undo' }).focus();
    await keyboard.press('Enter');
    await scene.untilFocused('row second');
  });

  it('does no harm whatever others call their things', async () => {
    const id = (await keyOf('second'))?.id ?? '';
    await scene.api('PATCH', `/api/keys/${id}`, { label: HOSTILE.slice(0, 100) });
    provider.onGet((_request, response) =>
      json(401, { error: { message: `${HOSTILE} ${'x'.repeat(10_000)}` } })({} as never, response, 0),
    );
    await scene.view.getByRole('button', { name: 'Test laptop' }).click();
    await scene.view.locator('.row').getByText('onerror').first().waitFor();
    await row('laptop').getByRole('button', { name: 'Replace…' }).waitFor();
    await scene.assertUnharmed();
    assert.deepEqual(await layoutFaults(await scene.frame()), []);
    await scene.shot('keys-hostile');
  });

  it('replaces a key that its provider refuses', async () => {
    await row('laptop').getByRole('button', { name: 'Replace…' }).click();
    await answerStep(scene.workbench, '1/1', 'sk-alpha-3Kd9Tb1WmE5uHj62');
    // Still refused: it stays in the box, with the provider's words.
    await scene.page.locator('.quick-input-message', { hasText: 'onerror' }).waitFor();
    await scene.shot('keys-replacing');
    provider.onGet((request, response, n) => {
      const isNew = request.headers.authorization === `Bearer ${NEW_KEY}`;
      const list = { object: 'list', data: [{ id: 'large' }, { id: 'small' }] };
      return json(isNew ? 200 : 401, isNew ? list : { error: { message: 'Revoked' } })(request, response, n);
    });
    await scene.workbench.answer(NEW_KEY);
    await row('laptop').getByText('…Yp6J').waitFor();
    await row('laptop').getByRole('button', { name: 'Replace…' }).waitFor({ state: 'detached' });
    await untilKey('laptop', (key) => key?.health.status === 'healthy');
    assert.equal((await chat()).status, 200);
    assert.equal(provider.requests.at(-1)?.headers.authorization, `Bearer ${NEW_KEY}`);
  });

  checkThemes(scene, 'keys');

  it('is as it was when it was hidden, and opens what was open after a reload', async () => {
    await scene.page.setViewportSize({ width: 1280, height: 900 });
    const search = scene.view.getByRole('textbox', { name: 'Search keys' });
    await search.fill('alpha');
    await scene.view.locator('[data-row=laptop][aria-expanded=true]').waitFor();
    // Another editor in front: the page's document is gone.
    await scene.workbench.runCommand('File: New Untitled Text File');
    await scene.page.locator('.monaco-editor').first().waitFor();
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.locator('[data-row=laptop][aria-expanded=true]').waitFor();
    assert.equal(await search.inputValue(), 'alpha');
    assert.equal(await scene.view.locator('[data-row]').count(), 2, 'the group and its key');
    await search.fill('');
    await scene.reload('Keys');
    await scene.view.locator('[data-row=laptop][aria-expanded=true]').waitFor({ timeout: 90_000 });
  });

  it('replaces the token when that is confirmed', async () => {
    const before = scene.identity().token;
    await scene.view.getByRole('button', { name: 'Rotate…' }).click();
    await scene.page.locator('.monaco-dialog-box').getByRole('button', { name: 'Replace Token' }).click();
    await noticed(scene.workbench, 'The endpoint has a new token');
    const { token } = scene.identity();
    assert.notEqual(token, before);
    await scene.view.getByText(`freellmapi-…${token.slice(-4)}`).waitFor();
    assert.equal((await chat()).status === 401, false);
  });

  it('removes a key for good when nobody brings it back', async () => {
    await scene.view.getByRole('button', { name: 'Remove laptop' }).click();
    await untilKey('laptop', (key) => key === undefined);
  });

  it('had no secret in it at any time', async () => {
    const text = await (await scene.frame()).evaluate(() => document.documentElement.outerHTML);
    const { token, adminToken } = scene.identity();
    for (const secret of [KEY, NEW_KEY, token, adminToken]) assert.ok(!text.includes(secret));
  });
});
