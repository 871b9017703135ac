import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, FrameLocator } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import { webviewFrame, webviewOf } from '../host/page.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { chatCompletion, type FakeProvider, json, startProvider } from '../support/provider.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'pages');

describe('the Playground', function () {
  this.timeout(120_000);
  this.bail(true);
  let alpha: FakeProvider;
  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let view: FrameLocator;
  let port: number;
  const troubles: string[] = [];
  before(async function () {
    this.timeout(300_000);
    mkdirSync(SHOTS, { recursive: true });
    alpha = await startProvider(
      chatCompletion({ text: 'Hello from **alpha**.\n\n```ts\nconst x: number = 1; // one\n```\n\n- a\n- b\n' }),
    );
    alpha.onGet((_request, response) =>
      json(200, { object: 'list', data: [{ id: 'one' }, { id: 'two' }] })({} as never, response, 0),
    );
    port = await freePort();
    host = await startHost({ vsix: [process.env.FREELLM_VSIX ?? ''], settings: { 'freellm.port': port } });
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = new Workbench(await launched.context.newPage());
    workbench.page.on('console', (message) => {
      if (message.type() === 'error' || message.location().url.includes('/dist/webview/'))
        troubles.push(message.text() + message.location().url);
    });
    view = webviewOf(workbench.page);
    await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
    await workbench.statusItem(STATUS).filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 90_000 });
    const file = path.join(host.userData, 'User', 'globalStorage', 'freellm.freellm', 'gateway.json');
    const { adminToken } = JSON.parse(readFileSync(file, 'utf8')) as { adminToken: string };
    const r = await fetch(`http://127.0.0.1:${port}/api/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        provider: 'custom:alpha',
        baseUrl: alpha.baseUrl,
        key: 'sk-alpha-7Qm2Zx9LkT4vNc81',
        label: 'main',
      }),
    });
    assert.ok(r.ok);
  });
  after(async () => {
    console.log(troubles);
    await workbench?.page.screenshot({ path: path.join(SHOTS, 'playground-last.png') });
    await browser?.close();
    await host?.stop();
    await alpha?.close();
    host?.remove();
  });
  it('x', async () => {
    await workbench.runCommand('FreeLLM: Playground');
    await workbench.page.waitForTimeout(4000);
    await workbench.page.screenshot({ path: path.join(SHOTS, 'playground-empty.png') });
    await view.getByRole('textbox', { name: 'Message' }).fill('hi there');
    await view.getByRole('textbox', { name: 'Message' }).press('Enter');
    await view.getByText('tok/s').or(view.getByText('tokens')).first().waitFor();
    await workbench.page.screenshot({ path: path.join(SHOTS, 'playground-one.png') });
    await webviewFrame(workbench.page);
  });
});
