import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContext, Frame, FrameLocator, Page } from 'playwright-core';
import { freePort } from '../../scripts/lib/freePort.mjs';
import { root } from '../../scripts/lib/prepare.mjs';
import { type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import { webviewFrame, webviewOf } from '../host/page.js';
import { launchBrowser, Workbench } from '../host/workbench.js';
import { type FakeProvider, json } from '../support/provider.js';
import { tellFailure } from './tellFailure.js';

const STATUS = 'freellm.freellm.freellm.status';
/** A step waits for what it expects, so these are only reached by one that fails; a busy machine must not reach them. */
const ACTION_LIMIT_MS = 60_000;
const STEP_LIMIT_MS = 240_000;
const START_LIMIT_MS = 300_000;
const LOOK_EVERY_MS = 100;

/** What other people call their things, at its worst. It sets `window.harm` wherever it runs. */
export const HOSTILE = '<img src=x onerror="window.harm=1"><script>window.harm=1</script>\u202Egnihtemos\u202C';

export interface SceneOptions {
  /** Begins the names of the screenshots of failures. */
  name: string;
  /** The folder of the screenshots in test-results. */
  shots?: 'pages' | 'screenshots';
  /** User settings, besides the port. */
  settings?: Record<string, unknown>;
  /** What must be there before VS Code starts: providers, a stranger on the port. */
  arrange?(port: number): Promise<void>;
  /** What must run on the data folder before the first window opens. */
  beforeWindows?(scene: Scene): Promise<void>;
  /** What the status bar says once the story can begin; null waits for nothing. */
  ready?: string | null;
  /** The display language that VS Code gives extensions. Its own words stay English: no language pack is installed. */
  language?: string;
}

/** How a chat is asked; `model` is `auto` by default. */
export interface Chat {
  model?: string;
  stream?: boolean;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/**
 * One story in a real VS Code, from the packaged extension, in a real browser. Made by `playScene`; everything but
 * `provide` is there only once the story has begun.
 */
export class Scene {
  /** What the pages' scripts complained of; must stay empty. */
  readonly troubles: string[] = [];
  readonly windows: Workbench[] = [];
  private started: { port?: number; host?: Host; browser?: Browser; context?: BrowserContext } = {};
  private readonly providers: FakeProvider[] = [];
  private readonly shotsFolder: string;

  constructor(private readonly options: SceneOptions) {
    this.shotsFolder = path.join(root, 'test-results', options.shots ?? 'pages');
  }

  get host(): Host {
    return this.started.host ?? notBegun();
  }

  get browser(): Browser {
    return this.started.browser ?? notBegun();
  }

  /** The gateway's. */
  get port(): number {
    return this.started.port ?? notBegun();
  }

  /** The first window. */
  get workbench(): Workbench {
    return this.windows[0] ?? notBegun();
  }

  get page(): Page {
    return this.workbench.page;
  }

  /** The page of ours that the first window shows. */
  get view(): FrameLocator {
    return webviewOf(this.page);
  }

  /** The same as a frame, to run scripts in. */
  frame(): Promise<Frame> {
    return webviewFrame(this.page);
  }

  status(workbench = this.workbench) {
    return workbench.statusItem(STATUS);
  }

  async start(): Promise<void> {
    const vsix = process.env.FREELLM_VSIX;
    assert.ok(vsix, 'FREELLM_VSIX names the package under test; `npm run test:e2e` makes it');
    mkdirSync(this.shotsFolder, { recursive: true });
    const port = await freePort();
    this.started = { port };
    await this.options.arrange?.(port);
    // Otherwise VS Code tells of every port that any program opens meanwhile.
    const settings = { 'freellm.port': port, 'remote.autoForwardPorts': false, ...this.options.settings };
    this.started.host = await startHost({ vsix: [vsix], settings });
    Object.assign(this.started, await launchBrowser());
    const context = this.started.context ?? notBegun();
    context.setDefaultTimeout(ACTION_LIMIT_MS);
    if (this.options.language !== undefined) await speak(context, this.options.language);
    await this.options.beforeWindows?.(this);
    await this.openWindow(this.options.ready);
  }

  async stop(): Promise<void> {
    const { browser, host } = this.started;
    await browser?.close();
    await host?.stop();
    await Promise.all(this.providers.map((provider) => provider.close()));
    host?.remove();
  }

  /** One more window on the same data. */
  async openWindow(ready: string | null = 'no provider can answer'): Promise<Workbench> {
    const context = this.started.context ?? notBegun();
    const workbench = new Workbench(await context.newPage());
    this.windows.push(workbench);
    // Nothing that is looked at or measured shall be on its way from one colour to another.
    await workbench.page.emulateMedia({ reducedMotion: 'reduce' });
    this.listen(workbench.page);
    await workbench.open(`${this.host.url}?folder=${encodeURIComponent(this.host.workspace)}`);
    if (ready !== null) {
      await this.status(workbench).filter({ hasText: ready }).waitFor({ timeout: 120_000 });
    }
    return workbench;
  }

  /** A provider that is closed with the scene. */
  provide(provider: FakeProvider): FakeProvider {
    this.providers.push(provider);
    return provider;
  }

  shot(name: string, workbench = this.workbench): Promise<Buffer> {
    return workbench.page.screenshot({ path: path.join(this.shotsFolder, `${name}.png`), animations: 'disabled' });
  }

  /** Where the extension keeps its data. */
  get dataFolder(): string {
    return path.join(this.host.userData, 'User', 'globalStorage', 'freellm.freellm');
  }

  /** The extension as it was installed. */
  get extensionFolder(): string {
    const name = readdirSync(this.host.extensions).find((each) => each.startsWith('freellm.freellm-'));
    return path.join(this.host.extensions, name ?? assert.fail('the extension is not installed'));
  }

  /** The tokens of the data folder. */
  identity(): { token: string; adminToken: string } {
    return JSON.parse(readFileSync(path.join(this.dataFolder, 'gateway.json'), 'utf8'));
  }

  /** The admin API, to arrange what no page does, and to see what the page's deeds came to. Anything but 2xx fails. */
  async api<T = unknown>(method: string, place: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}${place}`, {
      method,
      headers: { authorization: `Bearer ${this.identity().adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${place}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** One question to the gateway, as a client asks it. What it answers is the caller's to judge. */
  chat({ model = 'auto', stream = false, headers = {}, signal }: Chat = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.identity().token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** The settings as VS Code has them on disk: a server keeps those of machine scope in its own file. */
  settings(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.settingsFile, 'utf8')) as Record<string, unknown>;
  }

  /** Sets user settings as the settings page does, by its file. */
  set(change: Record<string, unknown>): void {
    writeFileSync(this.settingsFile, JSON.stringify({ ...this.settings(), ...change }, null, 2));
  }

  /** Reads until it is as wanted: what is stored follows what is shown. */
  async until<T>(read: () => Promise<T> | T, isAsWanted: (value: T) => boolean): Promise<T> {
    const deadline = Date.now() + ACTION_LIMIT_MS;
    for (;;) {
      const value = await read();
      if (isAsWanted(value)) return value;
      assert.ok(Date.now() < deadline, `still ${JSON.stringify(value)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /**
   * What the status bar's item tells whoever points at it, once it is as wanted. An item that is made anew under the
   * pointer shows nothing: then it is pointed at again.
   */
  async hoverStatus(wanted: RegExp, workbench = this.workbench): Promise<string> {
    const { page } = workbench;
    const hover = page.locator('.monaco-hover').filter({ hasText: 'FreeLLM' }).first();
    return this.until(
      async () => {
        await page.mouse.move(640, 300);
        await hover.waitFor({ state: 'hidden' });
        await this.status(workbench).hover();
        const text = await hover.innerText({ timeout: 5_000 }).catch(() => '');
        return text.replaceAll('\u00a0', ' ');
      },
      (text) => wanted.test(text),
    );
  }

  /** What has the focus in the page: a row by its name, anything else by its label. */
  async focused(): Promise<string> {
    return (await this.frame()).evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      const row = element?.dataset['row'];
      return row === undefined ? (element?.getAttribute('aria-label') ?? element?.tagName ?? '') : `row ${row}`;
    });
  }

  /** The focus moves with the page's next turn, not with the key. */
  untilFocused(wanted: string): Promise<string> {
    return this.until(
      () => this.focused(),
      (name) => name === wanted,
    );
  }

  /** Nothing that `HOSTILE` brought into the page may have become more than text. */
  async assertUnharmed(): Promise<void> {
    const found = await (await this.frame()).evaluate(() => ({
      harm: 'harm' in window,
      images: document.images.length,
      scripts: document.querySelectorAll('#page script').length,
    }));
    assert.deepEqual(found, { harm: false, images: 0, scripts: 0 });
  }

  clearNotifications(workbench = this.workbench): Promise<void> {
    return workbench.runCommand('Notifications: Clear All Notifications');
  }

  /**
   * Loads the first window anew by VS Code's own command, which saves first what pages keep (a browser's reload may come
   * before that), and brings the tab to the front: which one was there VS Code saves when it likes.
   */
  async reload(tab: string): Promise<void> {
    const loaded = this.page.waitForEvent('load');
    await this.workbench.runCommand('Developer: Reload Window');
    await loaded;
    await this.page.getByRole('tab', { name: tab }).first().click({ timeout: 120_000 });
  }

  /** VS Code's own command makes the document of every page anew, without having hidden it. */
  async reloadWebviews(): Promise<void> {
    await (await this.frame()).evaluate(() => Object.assign(window, { isOld: true }));
    await this.workbench.runCommand('Developer: Reload Webviews');
    const isNew = async () => (await this.frame()).evaluate(() => !('isOld' in window));
    // A document that is on its way can be asked nothing.
    await this.until(() => isNew().catch(() => false), Boolean);
  }

  /** What failed rests: not for the next step. */
  async liftCooldowns(): Promise<void> {
    const { data } = await this.api<{ data: { id: string }[] }>('GET', '/api/cooldowns');
    for (const { id } of data) await this.api('DELETE', `/api/cooldowns/${encodeURIComponent(id)}`);
  }

  private get settingsFile(): string {
    return path.join(this.host.userData, 'Machine', 'settings.json');
  }

  /** VS Code has troubles of its own; ours come from the pages' scripts. */
  private listen(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error' && message.location().url.includes('/dist/webview/'))
        this.troubles.push(message.text());
    });
    page.on('pageerror', (error) => {
      if (error.stack?.includes('/dist/webview/')) this.troubles.push(error.stack);
    });
  }
}

/**
 * Plays a describe's tests as the steps of one story: VS Code is started before the first and stopped after the last;
 * after a step that failed, what was to be seen is told and the rest is left out.
 */
export function playScene(suite: Mocha.Suite, options: SceneOptions): Scene {
  suite.timeout(STEP_LIMIT_MS);
  const scene = new Scene(options);
  let hasFailed = false;
  before(async function () {
    this.timeout(START_LIMIT_MS);
    try {
      await scene.start();
    } catch (error) {
      await tellFailure(scene, options.name);
      throw error;
    }
  });
  beforeEach(function () {
    if (hasFailed) this.skip();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      hasFailed = true;
      await tellFailure(scene, options.name);
    }
    assert.deepEqual(scene.troubles, []);
  });
  after(() => scene.stop());
  return scene;
}

/** The provider lists these models to whoever asks. */
export function listModels(provider: FakeProvider, ids: readonly string[]): void {
  provider.onGet(json(200, { object: 'list', data: ids.map((id) => ({ id })) }));
}

/** The name under which VS Code's own language packs say what language they are: extensions are told that one. */
function speak(context: BrowserContext, language: string): Promise<unknown> {
  const own = `{ get: () => ${JSON.stringify(language)}, set: () => undefined }`;
  return context.addInitScript({ content: `Object.defineProperty(globalThis, '_VSCODE_NLS_LANGUAGE', ${own});` });
}

function notBegun(): never {
  return assert.fail('the story has not begun');
}
