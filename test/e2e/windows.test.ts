import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContext } from 'playwright-core';
import { root } from '../../scripts/lib/prepare.mjs';
import { freePort, type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { chatCompletion, errorStatus, type FakeProvider, json, startProvider } from '../support/provider.js';
import { listenersOn } from './listener.js';
import { addEndpoint } from './palette.js';

const STATUS = 'freellm.freellm.freellm.status';
const SHOTS = path.join(root, 'test-results', 'screenshots');
const KEY = 'sk-lab-7Qm2Zx9LkT4vNc81Wd';
/** What the issue promises. */
const SUCCESSION_MS = 2_000;
/** Between two looks: without a pause they would take the processor from those they wait for. */
const LOOK_EVERY_MS = 10;
function vsix(): string {
  const file = process.env.FREELLM_VSIX;
  assert.ok(file, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
  mkdirSync(SHOTS, { recursive: true });
  return file;
}

async function openWindow(context: BrowserContext, host: Host): Promise<Workbench> {
  const workbench = new Workbench(await context.newPage());
  await workbench.open(`${host.url}?folder=${encodeURIComponent(host.workspace)}`);
  return workbench;
}

async function shot(workbench: Workbench, name: string): Promise<void> {
  await workbench.page.bringToFront();
  await workbench.page.screenshot({ path: path.join(SHOTS, `${name}.png`), animations: 'disabled' });
}

/** Who answers whois on the port now; null when nobody does. */
async function instanceOn(port: number): Promise<string | null> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/api/whois?nonce=0123456789abcdef`);
    return response.ok ? (await response.json()).instance : null;
  } catch {
    return null;
  }
}

/** Tabs of one VS Code, each with its own extension host, all on one data folder. The tests are steps of one story. */
describe('three windows, one gateway', function () {
  this.timeout(180_000);
  this.bail(true);

  let provider: FakeProvider;
  /** Says 429 to everything. */
  let busy: FakeProvider;
  let host: Host;
  let browser: Browser;
  let port = 0;
  const windows: Workbench[] = [];
  const window = (index: number) => windows[index] ?? assert.fail(`no window ${index}`);
  let endpoint = { baseUrl: '', token: '' };

  before(async function () {
    this.timeout(300_000);
    provider = await startProvider(chatCompletion({ text: 'Hello from the lab.' }));
    provider.onGet(json(200, { object: 'list', data: [{ id: 'lab-large' }] }));
    busy = await startProvider(errorStatus(429, 'busy', { 'retry-after': '300' }));
    busy.onGet(json(200, { object: 'list', data: [{ id: 'busy-large' }] }));
    port = await freePort();
    host = await startHost({ vsix: [vsix()], settings: { 'freellm.port': port } });
    const launched = await launchBrowser();
    browser = launched.browser;
    for (let n = 0; n < 3; n += 1) {
      const opened = await openWindow(launched.context, host);
      windows.push(opened);
      await opened.statusItem(STATUS).filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 60_000 });
    }
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      for (const [index, one] of windows.entries()) {
        if (!one.page.isClosed()) await shot(one, `windows-failed-${index}`);
      }
    }
  });

  after(async () => {
    await browser?.close();
    await host?.stop();
    await Promise.all([provider?.close(), busy?.close()]);
    host?.remove();
  });

  async function copied(workbench: Workbench): Promise<{ baseUrl: string; token: string }> {
    await workbench.page.bringToFront();
    await workbench.page.evaluate(() => navigator.clipboard.writeText(''));
    await workbench.runCommand('FreeLLM: Copy Endpoint and Token');
    await workbench.notification('Copied the base URL and token').waitFor();
    const text = await workbench.clipboard();
    await workbench.runCommand('Notifications: Clear All Notifications');
    const [, baseUrl = '', token = ''] = /^OPENAI_BASE_URL=(\S+)\nOPENAI_API_KEY=(\S+)\n$/.exec(text) ?? [];
    return { baseUrl, token };
  }

  /** The admin API, with the token that the data folder keeps. */
  async function admin(where: string) {
    const files = readdirSync(host.userData, { recursive: true, encoding: 'utf8' });
    const file = files.find((name) => path.basename(name) === 'gateway.json') ?? assert.fail('no gateway.json');
    const { adminToken } = JSON.parse(readFileSync(path.join(host.userData, file), 'utf8'));
    const response = await fetch(`http://127.0.0.1:${port}${where}`, {
      headers: { authorization: `Bearer ${adminToken}` },
    });
    return (await response.json()).data;
  }

  /** What was used of each quota, and what cools down until when. */
  async function books() {
    const used = (await admin('/api/quota')).map(({ kind, provider, used }: never) => `${kind} ${provider} ${used}`);
    const cooling = (await admin('/api/cooldowns')).map(({ provider, until }: never) => `${provider} ${until}`);
    return { used: used.sort(), cooling };
  }

  async function chat(model = 'auto'): Promise<string> {
    const response = await fetch(`${endpoint.baseUrl}/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${endpoint.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Who are you?' }] }),
    });
    const body = await response.json();
    return body?.choices?.[0]?.message?.content ?? JSON.stringify(body);
  }

  it('all give the same endpoint and token, and one of them listens', async () => {
    endpoint = await copied(window(0));
    assert.equal(endpoint.baseUrl, `http://127.0.0.1:${port}/v1`);
    assert.match(endpoint.token, /^freellmapi-/);
    assert.deepEqual(await copied(window(1)), endpoint);
    assert.deepEqual(await copied(window(2)), endpoint);
    assert.equal(listenersOn(port).length, 1);
  });

  it('know a key that was added in a follower', async () => {
    await window(1).page.bringToFront();
    await addEndpoint(window(1), { baseUrl: provider.baseUrl, name: 'lab', key: KEY });
    assert.equal(await chat(), 'Hello from the lab.');
    for (const [index, one] of windows.entries()) {
      await one.page.bringToFront();
      await one.statusItem(STATUS).filter({ hasText: 'lab · lab-large' }).waitFor();
      await one.statusItem(STATUS).hover();
      await one.page.locator('.monaco-hover', { hasText: 'Answered by' }).waitFor();
      assert.equal(await one.page.locator('.monaco-hover', { hasText: 'runs in another window' }).count(), index && 1);
      await shot(one, `windows-${index}`);
      await one.page.mouse.move(640, 300);
    }
  });

  it('restart in a follower leaves the gateway alone', async () => {
    const instance = await instanceOn(port);
    await window(2).page.bringToFront();
    await window(2).runCommand('FreeLLM: Restart Gateway');
    await window(2).notification('runs in another window').waitFor();
    assert.equal(await instanceOn(port), instance);
  });

  it('serve the same port within 2 s after the leader was killed, with the same keys, counts and cooldowns', async () => {
    await addEndpoint(window(1), { baseUrl: busy.baseUrl, name: 'busy', key: KEY });
    await chat('busy-large');
    const kept = await books();
    assert.equal(kept.cooling.length, 1);
    const before = await instanceOn(port);
    const [leader] = listenersOn(port);
    assert.ok(leader);
    process.kill(leader, 'SIGKILL');
    const killed = performance.now();
    const within = async (ms: number, what: string, isDone: () => Promise<boolean>) => {
      while (!(await isDone())) {
        assert.ok(performance.now() - killed < ms, `not within ${ms} ms: ${what}`);
        await delay(LOOK_EVERY_MS);
      }
      console.log(`        ${what} after ${Math.round(performance.now() - killed)} ms`);
    };
    await within(SUCCESSION_MS, 'taken over', async () => ![null, before].includes(await instanceOn(port)));
    assert.deepEqual(await books(), kept);
    await within(SUCCESSION_MS, 'answered', async () => (await chat()) === 'Hello from the lab.');
    assert.equal(provider.requests.at(-1)?.headers.authorization, `Bearer ${KEY}`);
    assert.equal(listenersOn(port).length, 1);
    for (const one of [window(1), window(2)]) {
      assert.deepEqual(await copied(one), endpoint);
      await one.statusItem(STATUS).filter({ hasText: 'lab · lab-large' }).waitFor();
    }
    await shot(window(2), 'windows-after');
  });

  it('go on when the window of the leader is closed', async () => {
    const before = await instanceOn(port);
    const closed = await closeLeader();
    // VS Code waits a while for the window to come back before it ends its extension host.
    let lost = performance.now();
    const deadline = lost + 30_000;
    for (;;) {
      const now = await instanceOn(port);
      if (now !== null && now !== before) break;
      if (now === before) lost = performance.now();
      assert.ok(performance.now() < deadline, 'nobody took over');
      await delay(LOOK_EVERY_MS);
    }
    const gap = performance.now() - lost;
    console.log(`        window ${closed + 1} closed, taken over after ${Math.round(gap)} ms without anyone`);
    assert.ok(gap < SUCCESSION_MS);
    while ((await chat()) !== 'Hello from the lab.') {
      assert.ok(performance.now() - lost < SUCCESSION_MS);
      await delay(LOOK_EVERY_MS);
    }
  });

  /** Closes the window that leads; returns which one that was. */
  async function closeLeader(): Promise<number> {
    // The window whose extension host was killed shows its last words until it has a new one.
    for (;;) {
      const leading: number[] = [];
      for (const [index, one] of windows.entries()) if (!(await isFollower(one))) leading.push(index);
      if (leading.length !== 1) continue;
      await window(leading[0] ?? 0).page.close();
      return leading[0] ?? 0;
    }
  }

  /** As its tooltip has it. An item that is made anew under the pointer shows none: then it is pointed at again. */
  async function isFollower({ page }: Workbench): Promise<boolean> {
    await page.bringToFront();
    const hover = page.locator('.monaco-hover', { hasText: 'Endpoint' });
    for (let tries = 0; ; tries++) {
      await page.mouse.move(640, 300);
      await page.locator('.monaco-hover', { hasText: 'FreeLLM' }).waitFor({ state: 'hidden' });
      await page.locator(`[id="${STATUS}"]`).hover();
      try {
        await hover.waitFor({ timeout: 5_000 });
        return (await hover.filter({ hasText: 'runs in another window' }).count()) > 0;
      } catch (error) {
        if (tries === 5) throw error;
      }
    }
  }
});

describe('a stranger on the port', function () {
  this.timeout(90_000);
  this.bail(true);

  let received = '';
  let questions = 0;
  let waiting: (() => void)[] = [];
  const sockets = new Set<Socket>();
  let stranger: Server;
  let host: Host;
  let browser: Browser;
  let workbench: Workbench;
  let port = 0;

  before(async function () {
    this.timeout(300_000);
    // Answers 200 to everything and keeps what it is sent.
    stranger = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1');
        questions += 1;
        for (const wake of waiting.splice(0)) wake();
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"status":"ok"}');
      });
    });
    port = await freePort();
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    host = await startHost({ vsix: [vsix()], settings: { 'freellm.port': port } });
    const launched = await launchBrowser();
    browser = launched.browser;
    workbench = await openWindow(launched.context, host);
  });

  after(async () => {
    await browser?.close();
    await host?.stop();
    if (stranger?.listening) await endStranger();
    host?.remove();
    waiting = [];
  });

  function endStranger(): Promise<unknown> {
    const closed = new Promise((resolve) => stranger.close(resolve));
    for (const socket of sockets) socket.destroy();
    return closed;
  }

  it('gives one notice, however long it stays', async () => {
    const notice = workbench.notification(`cannot listen on port ${port}`);
    await notice.waitFor({ timeout: 60_000 });
    await workbench.statusItem(STATUS).filter({ hasText: 'port in use' }).waitFor();
    await shot(workbench, 'stranger');
    await workbench.runCommand('Notifications: Clear All Notifications');
    const seen = questions;
    while (questions < seen + 2) await new Promise<void>((resolve) => waiting.push(resolve));
    assert.equal(await workbench.page.locator('.notification-toast').count(), 0);
  });

  it('learns nothing, whatever the user tries', async () => {
    await workbench.runCommand('FreeLLM: Copy Endpoint and Token');
    await workbench.notification('is not running').waitFor({ timeout: 20_000 });
    assert.match(received, /^GET \/api\/whois\?nonce=/);
    assert.doesNotMatch(received, /authorization|bearer|freellm/i);
    const file = readdirSync(host.userData, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('gateway.json'),
    );
    assert.ok(file, 'the data folder has its identity');
    const identity = JSON.parse(readFileSync(path.join(host.userData, file), 'utf8')) as Record<string, string>;
    assert.equal(Object.keys(identity).length, 3);
    for (const [name, value] of Object.entries(identity)) assert.ok(!received.includes(value), name);
  });

  it('is followed by the gateway when it goes', async () => {
    await endStranger();
    await workbench.statusItem(STATUS).filter({ hasText: 'no provider can answer' }).waitFor({ timeout: 20_000 });
    assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
  });
});
