/** A throwaway VS Code with the packaged extension in a real browser, whose keys and history are made up. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, FrameLocator } from 'playwright-core';
import { freePort } from '../../scripts/lib/freePort.mjs';
import { root } from '../../scripts/lib/prepare.mjs';
import { type Host, startHost } from '../../scripts/lib/vscodeHost.mjs';
import type { LedgerChange } from '../../src/gateway/ledger/changes.js';
import type { ChainView } from '../../src/protocol/chain.js';
import type { QuotaUse } from '../../src/protocol/events.js';
import type { KeyView } from '../../src/protocol/keys.js';
import { webviewOf } from '../../test/host/page.js';
import { launchBrowser, Workbench } from '../../test/host/workbench.js';
import { openBenchLedger } from '../ledger.js';
import { type Internet, startInternet } from './internet.js';

const STATUS = 'freellm.freellm.freellm.status';
const START_LIMIT_MS = 90_000;

/** What a history is made from. */
export interface Known {
  keys: readonly KeyView[];
  chain: ChainView['data'];
  quota: readonly QuotaUse[];
}

export class World {
  workbench: Workbench;

  private constructor(
    readonly internet: Internet,
    private readonly host: Host,
    private readonly browser: Browser,
    private readonly context: BrowserContext,
    readonly port: number,
    workbench: Workbench,
  ) {
    this.workbench = workbench;
  }

  /** Packages the extension as it is now, and opens a window with it. */
  static async open(): Promise<World> {
    execFileSync(process.execPath, [path.join(root, 'scripts', 'package.mjs')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
    const internet = await startInternet();
    const port = await freePort(3001);
    const settings = {
      'freellm.port': port,
      'freellm.healthProbes': false,
      'remote.autoForwardPorts': false,
      'http.proxy': internet.url,
      'http.proxyStrictSSL': false,
      'http.noProxy': ['127.0.0.1', 'localhost'],
    };
    const host = await startHost({ vsix: [path.join(root, `freellm-${version}.vsix`)], settings });
    const { browser, context } = await launchBrowser();
    const world = new World(internet, host, browser, context, port, new Workbench(await context.newPage()));
    await world.enter();
    return world;
  }

  /** The document of the page that is seen. */
  get view(): FrameLocator {
    return webviewOf(this.workbench.page);
  }

  /** The admin API. @throws Error where it says no */
  async api<T>(method: string, place: string, body?: unknown): Promise<T> {
    const response = await this.call(method, place, this.tokens().adminToken, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${place}: ${response.status} ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** A client's request, answered or not. */
  chat(model: string, isStream = false): Promise<Response> {
    const body = { model, stream: isStream, messages: [{ role: 'user', content: 'Say something.' }] };
    return this.call('POST', '/v1/chat/completions', this.tokens().token, body);
  }

  /** So many clients that ask for streams one after the other. Resolves to what ends them. */
  async stream(count: number): Promise<() => Promise<void>> {
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) {
        const response = await this.chat('auto', true);
        if (!response.ok) throw new Error(`a stream was refused: ${response.status} ${await response.text()}`);
        const reader = response.body?.getReader();
        while (!isOver && (await reader?.read())?.done === false);
        await reader?.cancel();
      }
    };
    const clients = Array.from({ length: count }, client);
    await sleep(500);
    return async () => {
      isOver = true;
      await Promise.all(clients);
    };
  }

  async known(): Promise<Known> {
    const [keys, chain, quota] = await Promise.all([
      this.api<{ data: KeyView[] }>('GET', '/api/keys'),
      this.api<ChainView>('GET', '/api/chain'),
      this.api<{ data: QuotaUse[] }>('GET', '/api/quota'),
    ]);
    return { keys: keys.data, chain: chain.data, quota: quota.data };
  }

  /** Closes the window, writes into the ledger what `make` tells, and opens the window again. */
  async rewrite(make: (known: Known) => Iterable<LedgerChange>): Promise<void> {
    const known = await this.known();
    await this.workbench.page.close();
    while (await this.isListening()) await sleep(100);
    const ledger = await openBenchLedger(root, this.storage);
    let written = 0;
    for (const change of make(known)) {
      ledger.append(change);
      written += 1;
      if (written % 500 === 0) ledger.query((database) => database.row('SELECT 1'));
    }
    await ledger.close();
    this.workbench = new Workbench(await this.context.newPage());
    await this.enter();
    const { keys } = await this.known();
    if (keys.length !== known.keys.length) throw new Error('the keys did not survive the reopening');
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.host.stop();
    await this.internet.close();
    this.host.remove();
  }

  private get storage(): string {
    return path.join(this.host.userData, 'User', 'globalStorage', 'freellm.freellm');
  }

  private async enter(): Promise<void> {
    await this.workbench.open(`${this.host.url}?folder=${encodeURIComponent(this.host.workspace)}`);
    await this.workbench.statusItem(STATUS).waitFor({ timeout: START_LIMIT_MS });
    while (!(await this.isListening())) await sleep(100);
  }

  private tokens(): { token: string; adminToken: string } {
    return JSON.parse(readFileSync(path.join(this.storage, 'gateway.json'), 'utf8')) as never;
  }

  private async isListening(): Promise<boolean> {
    const asked = fetch(`http://127.0.0.1:${this.port}/api/whois?nonce=0123456789abcdef`);
    return asked.then(
      ({ ok }) => ok,
      () => false,
    );
  }

  private call(method: string, place: string, token: string, body: unknown): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${place}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}
