import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Locator } from 'playwright-core';
import { createGate } from '../support/gate.js';
import {
  chatCompletion,
  chatStream,
  chunk,
  errorStatus,
  type FakeProvider,
  type Handler,
  paced,
  sseText,
  startProvider,
  streamOf,
} from '../support/provider.js';
import { checkThemes, layoutFaults } from './accessibility.js';
import { startFrameWatch, stopFrameWatch } from './frameWatch.js';
import { listModels, playScene } from './scene.js';

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const RICH = `Here is **what** you asked, see [the docs](https://example.com/docs?a=1&b=2) and \`code\`.

## A heading

1. one
2. two

\`\`\`ts
// a comment
export function add(a: number, b: string): string {
  return \`\${a + 1}\${b}\` + 'text' + null;
}
\`\`\`

| name | value |
|---|---:|
| a | 1 |

> quoted
`;
const HOSTILE = `<script>window.harm=1</script> <img src=x onerror="window.harm=1"> <svg onload="window.harm=1"> [x](javascript:window.harm=1) <a href="javascript:window.harm=1">y</a>

<iframe srcdoc="<script>parent.harm=1</script>"></iframe> <form action="https://evil.example"><button>Sign in</button></form> <style>body{display:none}</style>

![pixel](https://evil.example/p.png) [http](http://evil.example) [file](file:///etc/passwd) [cmd](command:workbench.action.quit)

\u202Egnihtemos\u202C **never closed, \`neither this [nor](this

\`\`\`html
<script>window.harm=1</script> \u202E
`;

const say = (text: string): string => sseText([chunk({ content: text })]);
const END = sseText([chunk({}, 'stop'), '[DONE]']);

/** The playground as a user has it: in a real VS Code, from the packaged extension. The tests are steps of one story. */
describe('the Playground', function () {
  let alpha: FakeProvider;
  let beta: FakeProvider;
  const scene = playScene(this, {
    name: 'playground',
    async arrange() {
      alpha = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      beta = scene.provide(await startProvider(chatCompletion({ text: 'Hello.' })));
      listModels(alpha, ['one', 'two']);
      listModels(beta, ['three']);
    },
  });
  before(() => scene.api('PUT', '/api/settings', { healthProbes: false, strategy: 'priority' }));

  /** What alpha lists from now on. */
  async function relist(ids: readonly string[]): Promise<void> {
    listModels(alpha, ids);
    const { data } = await scene.api<{ data: { id: string; provider: string }[] }>('GET', '/api/keys');
    const key = data.find((each) => each.provider === 'custom:alpha') ?? assert.fail('alpha has no key');
    await scene.api('POST', `/api/keys/${key.id}/test`);
  }
  const message = (): Locator => scene.view.getByRole('textbox', { name: 'Message' });
  const button = (name: string | RegExp): Locator => scene.view.getByRole('button', { name });
  const exchanges = (): Locator => scene.view.locator('article');
  const last = (): Locator => exchanges().last();
  const lastAnswer = (): Locator => last().getByRole('group', { name: /^Answer of/ });
  const facts = (): Locator => last().locator('button.facts');
  const lastBody = (from: FakeProvider): Record<string, unknown> =>
    from.requests.at(-1)?.body as Record<string, unknown>;
  async function ask(text: string): Promise<void> {
    await message().fill(text);
    await message().press('Enter');
    await last().getByText(text, { exact: true }).waitFor();
  }
  /** Asks, and waits for the whole answer. */
  async function talk(text: string, words: string): Promise<void> {
    await ask(text);
    await lastAnswer().first().locator('.answer-text').getByText(words).first().waitFor();
    await facts().first().waitFor();
  }
  async function begin(): Promise<void> {
    if ((await exchanges().count()) > 0) await button('New conversation').click();
    await scene.until(
      () => exchanges().count(),
      (count) => count === 0,
    );
  }
  const model = (value: string) => scene.view.getByRole('combobox', { name: 'Model', exact: true }).selectOption(value);
  async function copied(words: string): Promise<string> {
    await scene.until(
      () => scene.workbench.clipboard(),
      (text) => text.includes(words),
    );
    return scene.workbench.clipboard();
  }
  async function addProvider(id: string, { baseUrl }: FakeProvider): Promise<void> {
    await scene.api('POST', '/api/keys', {
      provider: id,
      baseUrl,
      key: `sk-${id.slice(7)}-7Qm2Zx9LkT4vNc81`,
      label: 'main',
    });
  }

  it('says what it is for before there is a model', async () => {
    await scene.workbench.runCommand('FreeLLM: Playground');
    await scene.view.getByText('Ask any model that your keys can reach').waitFor({ timeout: 40_000 });
    await button('Add key').waitFor();
    await scene.workbench.runCommand('View: Close Primary Side Bar');
    await ask('Is anybody there?');
    await scene.view.getByText('No provider can answer yet.').waitFor();
    await scene.shot('playground-empty');
    await button('New conversation').click();
  });

  it('streams an answer, tells who gives it, and its figures', async () => {
    await addProvider('custom:alpha', alpha);
    await addProvider('custom:beta', beta);
    const order = ['custom:alpha/one', 'custom:beta/three', 'custom:alpha/two'];
    await scene.api('PUT', '/api/chain', { data: order.map((id) => ({ model: id })) });
    const middle = createGate();
    alpha.script(paced([say('The first '), middle.opened, say('and the second part.'), END]));
    await ask('Tell me something');
    await lastAnswer().getByText('The first').waitFor();
    await scene.view.getByText('custom:alpha/one answers').waitFor();
    await button('Stop').waitFor();
    middle.open();
    await lastAnswer().getByText('The first and the second part.').waitFor();
    await facts().waitFor();
    assert.match(
      (await facts().textContent()) ?? '',
      /^custom:alpha\/one · [\d.]+ m?s to first token · [\d.]+ m?s · ~?\d+ tokens/,
    );
    await scene.view.getByText(/^The answer of custom:alpha\/one is complete/).waitFor({ state: 'attached' });
    assert.deepEqual(lastBody(alpha)['messages'], [{ role: 'user', content: 'Tell me something' }]);
    await facts().click();
    await last().getByText('answered', { exact: true }).waitFor();
    await last()
      .getByText(/ordered by priority/)
      .waitFor();
  });

  it('shows Markdown, opens links by the host, and hands code on', async () => {
    alpha.script(chatCompletion({ text: RICH }));
    await talk('Show me', 'what');
    await last().locator('h3', { hasText: 'A heading' }).waitFor();
    await last().locator('.hljs-keyword', { hasText: 'export' }).waitFor();
    await last().getByRole('cell', { name: 'a' }).waitFor();
    await scene.shot('playground-markdown');
    await last().getByRole('link', { name: 'the docs' }).click();
    const dialog = scene.page.getByRole('dialog');
    await dialog.getByText('https://example.com/docs?a=1&b=2').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await last().getByRole('button', { name: 'Copy', exact: true }).click();
    assert.match(await copied('export function add'), /^\/\/ a comment\nexport[\s\S]*\}$/);
    await last().getByRole('button', { name: 'Copy the answer' }).click();
    assert.equal(await copied('Here is'), RICH);
  });

  it('inserts code where the cursor is', async () => {
    await scene.workbench.runCommand('File: New Untitled Text File');
    const editor = scene.page.locator('.editor-instance .monaco-editor');
    await editor.waitFor();
    await scene.page.keyboard.type('before');
    await editor.getByText('before').waitFor();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await button('Insert at cursor').click();
    await editor.locator('.view-line', { hasText: 'before// a comment' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await button('Insert at cursor').waitFor();
  });

  it('stops by Escape and by its button, and keeps what came', async () => {
    for (const way of ['Escape', 'button']) {
      alpha.script(paced([say(`Begun by ${way}`), new Promise(() => {})]));
      await ask(`Stop me by ${way}`);
      await lastAnswer().getByText(`Begun by ${way}`).waitFor();
      if (way === 'Escape') await message().press('Escape');
      else await button('Stop').click();
      await last().getByText('Stopped.').waitFor();
      await scene.untilFocused('Message');
      await alpha.closed(alpha.requests.length);
      await lastAnswer().getByText(`Begun by ${way}`).waitFor();
    }
  });

  it('gives another answer, and asks another question in its place', async () => {
    alpha.script([chatCompletion({ text: 'first try' }), chatCompletion({ text: 'second try' })]);
    await begin();
    await talk('Again please', 'first try');
    await last().getByRole('button', { name: 'Regenerate' }).click();
    await lastAnswer().getByText('second try').waitFor();
    await lastAnswer().getByText('first try').waitFor({ state: 'detached' });
    assert.equal((lastBody(alpha)['messages'] as unknown[]).length, 1);
    await last().getByRole('group', { name: 'Version 2 of 2' }).waitFor();
    await last().getByRole('button', { name: 'Previous version' }).click();
    await lastAnswer().getByText('first try').waitFor();
    // That button is off now.
    await scene.untilFocused('Next version');
    await scene.shot('playground-versions');
    // What is shown is what the next question goes with.
    alpha.script(chatCompletion({ text: 'to the edited' }));
    await talk('A follow-up', 'to the edited');
    assert.deepEqual(
      (lastBody(alpha)['messages'] as { content: string }[]).map(({ content }) => content),
      ['Again please', 'first try', 'A follow-up'],
    );
    await exchanges().first().getByRole('button', { name: 'Edit and ask again' }).click();
    await scene.view.getByRole('textbox', { name: 'The question' }).fill('Edited question');
    await scene.view.getByRole('textbox', { name: 'The question' }).press('Enter');
    await last().getByText('Edited question').waitFor();
    await lastAnswer().getByText('to the edited').waitFor();
    await facts().waitFor();
    assert.equal(await exchanges().count(), 1);
    await button('Undo').click();
    await scene.until(
      () => exchanges().count(),
      (count) => count === 2,
    );
    await exchanges().first().getByText('Again please').waitFor();
    await scene.untilFocused('Message');
  });

  it('can bring a conversation back after it was hidden', async () => {
    // Whatever time hiding takes: ten seconds from an hour that is still to come.
    await (await scene.frame()).evaluate(() => {
      const soon = Date.now() + 3_600_000;
      Date.now = () => soon;
    });
    await button('New conversation').click();
    await scene.view.getByText('A new conversation was begun').waitFor();
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await button('Undo').click();
    await lastAnswer().getByText('to the edited').waitFor();
    await exchanges().first().getByRole('group', { name: 'Version 1 of 2' }).waitFor();
    await scene.untilFocused('Message');
  });

  it('sends the settings that are filled in, and shows both ways as they went', async () => {
    await begin();
    alpha.script(chatCompletion({ text: '{"ok":true}' }));
    await scene.view.getByRole('textbox', { name: 'System prompt' }).fill('Be brief.');
    await scene.view.getByRole('textbox', { name: 'Temperature' }).fill('0.3');
    await scene.view.getByRole('textbox', { name: 'Top P' }).fill('0.9');
    await scene.view.getByRole('textbox', { name: 'Max tokens' }).fill('77');
    await scene.view.getByRole('textbox', { name: 'Seed' }).fill('5');
    await scene.view.getByRole('combobox', { name: 'Reasoning effort' }).selectOption('low');
    await scene.view.getByRole('switch', { name: 'Answer with JSON only' }).click();
    await talk("It's a “test”", '{"ok":true}');
    const sent = lastBody(alpha);
    assert.deepEqual(sent['messages'], [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: "It's a “test”" },
    ]);
    assert.deepEqual([sent['temperature'], sent['top_p'], sent['seed']], [0.3, 0.9, 5]);
    await last().getByRole('button', { name: 'Raw request and response' }).click();
    await last().getByRole('group', { name: 'Request' }).getByText('"temperature": 0.3').waitFor();
    await last().getByRole('group', { name: 'Response' }).getByText('data: [DONE]').waitFor();
    await last().getByRole('group', { name: 'Response' }).getByText('x-routed-via: custom:alpha/one').waitFor();
    const copyAs = last().getByRole('combobox', { name: 'Copy the request as code' });
    await copyAs.selectOption('curl');
    const curl = await copied('curl -N');
    assert.ok(curl.includes(`http://127.0.0.1:${scene.port}/v1/chat/completions`) && curl.includes('$FREELLM_API_KEY'));
    assert.ok(curl.includes(`It'\\''s a “test”`) && !curl.includes('freellmapi-'));
    await copyAs.selectOption('python');
    await copied('from openai import OpenAI');
    await copyAs.selectOption('typescript');
    await copied("import OpenAI from 'openai'");
    await scene.shot('playground-raw');
    await scene.view.getByRole('textbox', { name: 'Temperature' }).fill('hot');
    assert.equal(await scene.view.getByRole('textbox', { name: 'Temperature' }).getAttribute('aria-invalid'), 'true');
    await button('Reset').click();
    await scene.view.getByRole('textbox', { name: 'System prompt' }).fill('');
    await talk('Without', '{"ok":true}');
    assert.equal(await scene.view.getByRole('textbox', { name: 'Temperature' }).getAttribute('aria-invalid'), 'false');
    assert.ok(!('temperature' in lastBody(alpha)) && !('seed' in lastBody(alpha)));
  });

  it('calls tools that are answered by hand', async () => {
    await begin();
    const tools = scene.view.getByRole('textbox', { name: 'Tool definitions as JSON' });
    await tools.fill('[{"name":');
    await scene.view.getByText('This is not JSON').waitFor();
    await message().fill('x');
    assert.equal(await button('Send').isDisabled(), true);
    await tools.fill('');
    await button('Insert an example').click();
    const toolCalls = [
      { id: 'call_1', name: 'get_weather', arguments: '{"city":"Ulm"}' },
      { id: 'call_2', name: 'get_weather', arguments: '{"city":"Bonn"}' },
    ];
    alpha.script([chatStream(streamOf({ toolCalls })), chatCompletion({ text: 'Sun in Ulm, rain in Bonn.' })]);
    await ask('How is the weather?');
    await last().getByText('"city": "Ulm"').waitFor();
    const results = last().getByRole('textbox', { name: 'What get_weather answers' });
    await results.nth(0).fill('sun');
    assert.equal(await button('Go on with these answers').isDisabled(), true);
    await results.nth(1).fill('rain');
    await scene.shot('playground-tools');
    await button('Go on with these answers').click();
    await lastAnswer().getByText('Sun in Ulm, rain in Bonn.').waitFor();
    const sent = lastBody(alpha)['messages'] as { role: string; tool_call_id?: string; content: unknown }[];
    assert.deepEqual(
      sent.slice(-2).map(({ role, tool_call_id, content }) => [role, tool_call_id, content]),
      [
        ['tool', 'call_1', 'sun'],
        ['tool', 'call_2', 'rain'],
      ],
    );
    await tools.fill('');
  });

  it('takes images and text files by button, drop and paste', async () => {
    await begin();
    alpha.script(chatCompletion({ text: 'A picture.' }));
    const png = Buffer.from(PIXEL, 'base64');
    await scene.view
      .locator('input[type=file]')
      .setInputFiles({ name: 'button.png', mimeType: 'image/png', buffer: png });
    await scene.view.getByText('button.png').waitFor();
    const frame = await scene.frame();
    await frame.evaluate((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dropped = new DataTransfer();
      dropped.items.add(new File(['line one\nline two'], 'dropped.md', { type: 'text/markdown' }));
      window.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, cancelable: true }));
      const pasted = new DataTransfer();
      pasted.items.add(new File([bytes], 'pasted.png', { type: 'image/png' }));
      const paste = new ClipboardEvent('paste', { clipboardData: pasted, bubbles: true, cancelable: true });
      document.querySelector('textarea[aria-label=Message]')?.dispatchEvent(paste);
    }, PIXEL);
    await scene.view.getByText('dropped.md').waitFor();
    await scene.view.getByText('pasted.png').waitFor();
    const large = Buffer.alloc(300 * 1024, 'x');
    await scene.view
      .locator('input[type=file]')
      .setInputFiles({ name: 'large.txt', mimeType: 'text/plain', buffer: large });
    await scene.view.getByText('large.txt has 300 KB; 256 KB is the most.').waitFor();
    await scene.shot('playground-attached');
    await button('Remove pasted.png').click();
    // A model's name tells that it sees.
    await relist(['one', 'two', 'vision']);
    await scene.view.locator('option[value="custom:alpha/vision"]').first().waitFor({ state: 'attached' });
    await model('custom:alpha/vision');
    await ask('What is on it?');
    await lastAnswer().getByText('A picture.').waitFor();
    const [said] = (lastBody(alpha)['messages'] ?? []) as { content: { type: string; text?: string }[] }[];
    assert.deepEqual(
      said?.content.map(({ type }) => type),
      ['image_url', 'text', 'text'],
    );
    assert.match(said?.content[1]?.text ?? '', /^dropped\.md:\n```\nline one\nline two\n```$/);
    await model('auto');
    await relist(['one', 'two']);
  });

  it('shows two models side by side', async () => {
    await begin();
    alpha.script(chatCompletion({ text: 'I am alpha.' }));
    beta.script(chatCompletion({ text: 'I am beta.' }));
    await button('Compare with another model').click();
    await scene.view.getByRole('combobox', { name: 'Model 1' }).selectOption('custom:alpha/two');
    await scene.view.getByRole('combobox', { name: 'Model 2' }).selectOption('custom:beta/three');
    await ask('Who are you?');
    await last().getByRole('group', { name: 'Answer of custom:alpha/two' }).getByText('I am alpha.').waitFor();
    await last().getByRole('group', { name: 'Answer of custom:beta/three' }).getByText('I am beta.').waitFor();
    await scene.until(
      () => facts().count(),
      (count) => count === 2,
    );
    await ask('And now?');
    await scene.until(
      () => facts().count(),
      (count) => count === 2,
    );
    const said = (of: FakeProvider) =>
      (lastBody(of)['messages'] as { content: string }[]).map(({ content }) => content);
    assert.deepEqual(said(alpha), ['Who are you?', 'I am alpha.', 'And now?']);
    assert.deepEqual(said(beta), ['Who are you?', 'I am beta.', 'And now?']);
    await scene.shot('playground-two');
    await button('One model only').click();
    await model('auto');
  });

  it('shows a failover in the middle of a conversation as it happens', async () => {
    await begin();
    alpha.script(chatCompletion({ text: 'From alpha.' }));
    await talk('First', 'From alpha.');
    const held = createGate();
    const answered = createGate();
    alpha.script(async (request, response, n) => {
      await held.opened;
      return errorStatus(429, 'Rate limit reached', { 'retry-after': '30' })(request, response, n) as undefined;
    });
    beta.script(async (request, response, n) => {
      await answered.opened;
      return chatCompletion({ text: 'Beta takes over.' })(request, response, n) as undefined;
    });
    await ask('Second');
    await last().getByText('asking custom:alpha/one').waitFor();
    await scene.shot('playground-asking');
    held.open();
    await last().getByText('custom:alpha/one has failed').waitFor();
    await last().getByText('asking custom:beta/three').waitFor();
    await scene.shot('playground-failover');
    answered.open();
    await lastAnswer().getByText('Beta takes over.').waitFor();
    await last()
      .getByText(/custom:beta\/three · .* · 1 fallback/)
      .waitFor();
    await facts().click();
    await last().getByText('rate limit', { exact: true }).waitFor();
    await scene.shot('playground-trail');
    await scene.liftCooldowns();
  });

  it('says that it waits in the queue', async () => {
    await begin();
    await model('custom:beta/three');
    beta.script([
      errorStatus(429, 'Rate limit reached', { 'retry-after': '4' }),
      chatCompletion({ text: 'Now I can.' }),
    ]);
    await ask('Will you wait?');
    await last().getByText('everyone is busy: waits').waitFor();
    await scene.shot('playground-waits');
    await lastAnswer().getByText('Now I can.').waitFor();
    await model('auto');
    await scene.liftCooldowns();
  });

  it('says in words why there is no answer, and asks again', async () => {
    await begin();
    const no: Handler = errorStatus(400, 'temperature must be nice <b>');
    alpha.script(no);
    beta.script(no);
    await ask('Refuse me');
    await scene.view.getByText('Every provider refused the request.').waitFor();
    await scene.view
      .getByText(/temperature must be nice <b>/)
      .first()
      .waitFor();
    await scene.shot('playground-refused');
    alpha.script(chatCompletion({ text: 'Fine now.' }));
    beta.script(chatCompletion({ text: 'Fine now.' }));
    await scene.liftCooldowns();
    await button('Try again').click();
    await lastAnswer().getByText('Fine now.').waitFor();
  });

  it('saves a conversation only when asked, opens, renames and removes it', async () => {
    await begin();
    const folder = path.join(scene.dataFolder, 'conversations');
    const files = (): string[] => {
      try {
        return readdirSync(folder).filter((name) => name.endsWith('.json'));
      } catch {
        return [];
      }
    };
    assert.deepEqual(files(), []);
    await talk('Keep this in mind', 'Fine now.');
    await button('Save the conversation').click();
    await button(/^Keep this in mind/).waitFor();
    assert.equal(files().length, 1);
    await button('New conversation').click();
    await scene.view.getByText('Not saved').waitFor();
    await button(/^Keep this in mind/).click();
    await last().getByText('Keep this in mind', { exact: true }).waitFor();
    await lastAnswer().getByText('Fine now.').waitFor();
    await button('Rename Keep this in mind').click();
    const name = scene.view.getByRole('textbox', { name: 'Name of the conversation' });
    await name.fill('My talk');
    await name.press('Enter');
    await button(/^My talk/).waitFor();
    await scene.shot('playground-saved');
    await button('Remove My talk').click();
    await button(/^My talk/).waitFor({ state: 'detached' });
    await scene.view
      .locator('.bar', { hasText: '“My talk” was removed' })
      .getByRole('button', { name: 'Undo' })
      .click();
    await button(/^My talk/).waitFor();
    await button('Remove My talk').click();
    await button(/^My talk/).waitFor({ state: 'detached' });
    assert.deepEqual(files(), []);
  });

  it('can be used by the keyboard alone', async () => {
    const { keyboard } = scene.workbench.page;
    const focused = async (): Promise<string> =>
      (await scene.frame()).evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
      });
    const tabTo = async (label: RegExp): Promise<void> => {
      for (let steps = 0; steps < 60; steps += 1) {
        if (label.test(await focused())) return;
        await keyboard.press('Tab');
      }
      assert.fail(`no ${label}, at ${await focused()}`);
    };
    alpha.script(chatCompletion({ text: 'By keys.\n\n```js\nlet keys = 1;\n```\n' }));
    // Not by the keys that select all: VS Code takes them first and selects later, when more may have been typed.
    await message().fill('');
    await keyboard.type('line one');
    await keyboard.press('Shift+Enter');
    await keyboard.type('line two');
    await keyboard.press('Enter');
    await lastAnswer().getByText('By keys.').waitFor();
    await facts().waitFor();
    assert.equal((lastBody(alpha)['messages'] as { content: string }[]).at(-1)?.content, 'line one\nline two');
    await last().getByRole('button', { name: 'Edit and ask again' }).focus();
    await tabTo(/^Code$/);
    await tabTo(/^Copy$|^let/);
    await tabTo(/to first token/);
    await keyboard.press('Enter');
    await last().getByText('answered', { exact: true }).waitFor();
    await tabTo(/^Regenerate$/);
    await keyboard.press('Enter');
    // The button is gone with the answer.
    await scene.untilFocused('Message');
    await facts().waitFor();
    await last().getByRole('button', { name: 'Edit and ask again' }).focus();
    await keyboard.press('Enter');
    await scene.untilFocused('The question');
    await keyboard.press('Escape');
    await scene.untilFocused('Edit and ask again');
    await tabTo(/^Raw request and response$/);
    await keyboard.press('Enter');
    await tabTo(/^Request$/);
    await tabTo(/^Copy the request as code$/);
    await tabTo(/^Attach images/);
    await tabTo(/^Message$/);
    await tabTo(/^Model$/);
    await tabTo(/^System prompt$/);
    await tabTo(/^Answer with JSON only$/);
    await keyboard.press('Space');
    await scene.view.locator('[role=switch][aria-checked=true]').waitFor();
    await keyboard.press('Space');
    await tabTo(/^Tool definitions as JSON$/);
    await button('New conversation').focus();
    await keyboard.press('Enter');
    await scene.until(
      () => exchanges().count(),
      (count) => count === 0,
    );
  });

  it('shows what is asked, and is where one was in it when it is shown again', async () => {
    await begin();
    alpha.script(chatCompletion({ text: `${'A line.\n\n'.repeat(80)}The end of it.` }));
    await talk('A long one', 'The end of it.');
    const frame = await scene.frame();
    const place = async () =>
      (await scene.frame()).evaluate(() => ({
        top: Math.round(window.scrollY),
        left: Math.round(document.documentElement.scrollHeight - window.innerHeight - window.scrollY),
      }));
    await scene.until(place, ({ top, left }) => top > 500 && left < 48);
    await frame.evaluate(() => window.scrollTo(0, 300));
    await scene.until(place, ({ top }) => top === 300);
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await facts().waitFor();
    await scene.until(place, ({ top }) => top === 300);
    await talk('One more', 'The end of it.');
    await scene.until(place, ({ left }) => left < 48);
    await begin();
  });

  it('does no harm whatever a model writes', async () => {
    alpha.script(chatCompletion({ text: HOSTILE, reasoning: HOSTILE }));
    await talk('Harm me', 'neither this');
    const frame = await scene.frame();
    const found = await frame.evaluate(() => ({
      harm: 'harm' in window,
      images: document.images.length,
      inserted: document.querySelectorAll('.answer-text :is(script, iframe, form, input, style, svg, img)').length,
      handlers: Array.from(document.querySelectorAll('.answer-text *')).filter((element) =>
        element.getAttributeNames().some((name) => name.startsWith('on') || name === 'style'),
      ).length,
      links: Array.from(document.querySelectorAll('.answer-text a')).map((link) => link.getAttribute('href')),
      isShown: getComputedStyle(document.body).display !== 'none',
    }));
    assert.deepEqual(found, {
      ...{ harm: false, images: 0, inserted: 0, handlers: 0, isShown: true },
      links: ['https://evil.example/p.png'],
    });
    await last().locator('.turning', { hasText: 'U+202E' }).waitFor();
    assert.deepEqual(await layoutFaults(frame), []);
    await scene.shot('playground-hostile');
    await begin();
  });

  it('stays responsive while a thousand chunks a second come (frames are told, and judged generously)', async () => {
    const parts = 3_000;
    const words = (at: number) =>
      at % 40 === 39 ? '\n\n' : at % 97 === 0 ? '\n```js\nlet a = 1;\n```\n' : `**w${at}** and \`c\` `;
    alpha.script(async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let at = 0; at < parts; at += 10) {
        for (let more = 0; more < 10; more += 1) response.write(say(words(at + more)));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      response.end(say('The very end.') + END);
    });
    await ask('A thousand a second');
    const frame = await scene.frame();
    await startFrameWatch(frame);
    await lastAnswer().getByText('The very end.').waitFor({ timeout: 60_000 });
    await facts().waitFor();
    const figures = await stopFrameWatch(frame);
    console.log(`      1,000 chunks a second: ${JSON.stringify(figures)}`);
    assert.ok(figures.medianMs < 100 && figures.p99Ms < 1_000, JSON.stringify(figures));
    assert.match((await lastAnswer().textContent()) ?? '', /w2998/);
    await begin();
  });

  it('stays responsive with 2 MB of answer', async function () {
    this.timeout(600_000);
    const kinds: [string, string][] = [
      ['text', `${'word **bold** and `code` '.repeat(12)}\n\n`],
      ['one line', 'x'.repeat(300)],
      ['code', `const value = compute('text', 12); // a comment\n`],
    ];
    for (const [kind, piece] of kinds) {
      const all = `${kind === 'code' ? '```ts\n' : ''}${piece.repeat(Math.ceil(2_000_000 / piece.length))}`;
      const chunks = Array.from({ length: Math.ceil(all.length / 2_000) }, (_, at) =>
        say(all.slice(at * 2_000, at * 2_000 + 2_000)),
      );
      alpha.script(paced([...chunks, say(`${kind === 'code' ? '\n```' : ''}\n\nThe very end.`), END]));
      await ask(`Two megabytes of ${kind}`);
      const frame = await scene.frame();
      await startFrameWatch(frame);
      await facts().waitFor({ timeout: 180_000 });
      const figures = await stopFrameWatch(frame);
      console.log(`      2 MB of ${kind}: ${JSON.stringify(figures)}`);
      assert.ok(figures.medianMs < 100 && figures.p99Ms < 1_000, JSON.stringify(figures));
      await lastAnswer().getByText('The very end.').waitFor({ state: 'attached' });
      const length = await frame.evaluate(() => document.querySelector('.answer-text')?.textContent?.length ?? 0);
      assert.ok(length > (kind === 'text' ? 1_500_000 : 2_000_000), `${length} characters are shown`);
      if (kind === 'code') {
        await lastAnswer().getByRole('button', { name: 'Copy', exact: true }).click();
        await copied('const value');
        assert.ok((await scene.workbench.clipboard()).length >= 1_999_000);
      }
      await begin();
    }
  });

  it('has an answer with everything in it, and an error', async () => {
    alpha.script(chatCompletion({ text: RICH, reasoning: 'Let me think.' }));
    await talk('Show me all of it', 'what');
    await facts().click();
    alpha.script(errorStatus(400, 'no'));
    beta.script(errorStatus(400, 'no'));
    await ask('And an error');
    await scene.view.getByText('Every provider refused the request.').waitFor();
    await scene.liftCooldowns();
  });

  checkThemes(scene, 'playground', async (look, width) => {
    const frame = await scene.frame();
    // Farther up, the conversation lies under what is written next.
    await scene.until(
      async () => {
        await frame.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
        return layoutFaults(frame);
      },
      (faults) => faults.length === 0,
    );
    await look();
    if (width >= 900) return;
    await button('Settings').click();
    await scene.view.getByRole('textbox', { name: 'System prompt' }).waitFor();
    await look('-settings', true);
    await button('Done').click();
  });

  it('goes on with an answer while it is hidden', async () => {
    await scene.page.setViewportSize({ width: 1280, height: 900 });
    await begin();
    const rest = createGate();
    alpha.script(paced([say('Before it was hidden,'), rest.opened, say(' and after.'), END]));
    await ask('Hide me');
    await lastAnswer().getByText('Before it was hidden,').waitFor();
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    rest.open();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await lastAnswer().getByText('Before it was hidden, and after.').waitFor();
    await facts().waitFor();
    await message().fill('A draft');
    await scene.workbench.runCommand('FreeLLM: Keys');
    await scene.view.getByRole('toolbar', { name: 'Keys' }).waitFor();
    await scene.workbench.runCommand('FreeLLM: Playground');
    await lastAnswer().getByText('Before it was hidden, and after.').waitFor();
    await scene.until(
      () => message().inputValue(),
      (text) => text === 'A draft',
    );
  });

  it('goes on with an answer when its document is made anew', async () => {
    const rest = createGate();
    alpha.script(paced([say('Before it was made anew,'), rest.opened, say(' and after.'), END]));
    await message().fill('Make me anew');
    await message().press('Enter');
    await lastAnswer().getByText('Before it was made anew,').waitFor();
    await scene.reloadWebviews();
    await lastAnswer().getByText('Before it was made anew,').waitFor();
    rest.open();
    await lastAnswer().getByText('Before it was made anew, and after.').waitFor();
    await facts().waitFor();
  });

  it('is there again after a reload, and empty after it was closed', async () => {
    await scene.reload('Playground');
    await message().waitFor({ timeout: 90_000 });
    await lastAnswer().getByText('Before it was made anew, and after.').waitFor();
    await exchanges().first().getByText('Before it was hidden, and after.').waitFor();
    // The file of another step stays: it would ask whether to be saved.
    await message().focus();
    await scene.workbench.runCommand('View: Close Editor');
    await scene.page.getByRole('tab', { name: 'Playground' }).waitFor({ state: 'detached' });
    await scene.workbench.runCommand('FreeLLM: Playground');
    await scene.view.getByText('Ask any model that your keys can reach').waitFor();
  });
});
