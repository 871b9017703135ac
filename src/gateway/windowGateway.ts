import net from 'node:net';
import { connectHost } from '../loopback/verifiedConnection.js';
import { askWhois, type ProvenGateway, WhoisError } from '../loopback/whois.js';
import type { ApiSettings } from '../protocol/settings.js';
import type { FromGateway, ToGateway, WorkerStart } from '../protocol/worker.js';
import { createEditorStore, type EditorStore } from './editorStore.js';
import { createGateway, type Gateway } from './gateway.js';
import {
  type Identity,
  loadIdentity,
  type ReplacedIdentity,
  replacedText,
  saveToken,
  unkeptIdentity,
} from './identity.js';
import { type Election, type ElectionEvent, type Finding, startElection } from './leadership/election.js';
import { createInheritance, type Inheritance } from './leadership/handover.js';
import { watchLeader } from './leadership/leaderWatch.js';
import { isNewerLedger } from './ledger/newerVersion.js';
import { nodeStorage } from './ledger/nodeStorage.js';
import type { Clock, Log } from './ports.js';
import { randomHex } from './randomIds.js';

export interface WindowPorts {
  clock: Clock;
  log: Log;
  post(message: FromGateway): void;
  /** The path of sql.js's wasm; without it there is no ledger. */
  wasmFile?: string;
  /** 0 to 1; Math.random by default. */
  random?(): number;
}

/** Running answers may go on for so long when the window closes (design.md, Processes). */
const GRACE_MS = 1_500;
/** A leader answers at once; only a stranger, or a machine under load, lets us wait. */
const WHOIS_TIMEOUT_MS = 1_000;

interface Leading {
  url: string;
  port: number;
  instance: string;
}

/** One window's part in the gateway that all windows share: it leads, or follows the window that does. */
export class WindowGateway {
  private identity: Identity;
  private readonly editor: EditorStore;
  private readonly inheritance: Inheritance = createInheritance();
  private proxy: WorkerStart['proxy'];
  private settings: ApiSettings;
  private election: Election | null = null;
  /** Leads, or is about to. */
  private gateway: Gateway | null = null;
  private binding: Promise<unknown> = Promise.resolve();
  private isClosing = false;

  constructor(
    private readonly start: WorkerStart,
    private readonly ports: WindowPorts,
  ) {
    this.identity = this.readIdentity();
    this.editor = createEditorStore(ports.post, ports.clock);
    this.proxy = start.proxy;
    this.settings = start.settings;
  }

  begin(): void {
    const { clock, random = Math.random } = this.ports;
    this.election = startElection<Leading>({
      bind: () => this.bind(),
      whois: () => this.whois(),
      watch: (leader, gone) => this.watch(leader, gone),
      isLedgerNewer: () => this.isLedgerNewer(),
      clock,
      random,
      on: (event) => this.tell(event),
    });
  }

  receive(message: ToGateway): void {
    if (this.editor.receive(message)) return;
    if (message.type === 'close') void this.close();
    else if (message.type === 'proxy') {
      this.proxy = message.proxy;
      this.gateway?.setProxy(message.proxy);
    } else if (message.type === 'settings') this.changeSettings(message.settings);
    // Only a leader's keys are the editor's; a follower has them from its leader.
    else if (message.type === 'keys') this.gateway?.replaceKeys(message.keys);
  }

  /** Kept for when this window leads, too. */
  private changeSettings(settings: ApiSettings): void {
    this.settings = { ...this.settings, ...settings };
    this.gateway?.changeSettings(settings);
  }

  /** Lets go of the port first, so that a follower takes it at once; then lets answers finish. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.election?.stop();
    const closed = this.gateway?.close(GRACE_MS);
    // What the running answers still save reaches the editor; a gateway that only begins waits for nothing.
    await closed?.catch((error: unknown) => this.log('warn', 'The gateway did not close well', error));
    this.editor.close();
    await this.binding.catch(() => undefined);
    this.ports.post({ type: 'closed' });
  }

  private readIdentity(): Identity {
    const { dataDir, seed, developmentToken } = this.start;
    let identity: Identity;
    try {
      identity = loadIdentity(dataDir, seed, (replaced) => this.identityReplaced(replaced));
    } catch (error) {
      this.log('warn', 'The data folder cannot keep the tokens', error);
      identity = unkeptIdentity(seed);
    }
    return developmentToken === null ? identity : { ...identity, token: developmentToken };
  }

  private identityReplaced(replaced: ReplacedIdentity): void {
    const message = replacedText(replaced);
    this.log('warn', message);
    if (!replaced.hasNewToken) return;
    this.ports.post({ type: 'notice', notice: { kind: 'new-token', message, file: replaced.aside } });
  }

  /** The last leader may have replaced it. */
  private refreshToken(): void {
    const { dataDir, developmentToken } = this.start;
    if (developmentToken !== null) return;
    try {
      this.identity = loadIdentity(dataDir, this.identity, (replaced) => this.identityReplaced(replaced));
    } catch {
      // Told at the start.
    }
  }

  private saveToken(token: string): void {
    this.identity = saveToken(this.start.dataDir, this.identity, token);
    if (this.start.developmentToken !== null) return;
    this.ports.post({ type: 'identity', token, adminToken: this.identity.adminToken });
  }

  /** What cannot be read is not newer; opening it says the rest. */
  private isLedgerNewer(): Promise<boolean> {
    return isNewerLedger(nodeStorage, this.start.dataDir).catch(() => false);
  }

  private bind(): Promise<Leading> {
    const bound = this.bindNow();
    this.binding = bound;
    return bound;
  }

  private async bindNow(): Promise<Leading> {
    this.refreshToken();
    const { start, identity, editor } = this;
    const { clock, log, post, wasmFile } = this.ports;
    const instance = randomHex(16);
    let isMore = false;
    const { proxy, settings } = this;
    const gateway = createGateway(
      { clock, log },
      {
        ...identity,
        ...(wasmFile === undefined ? {} : { wasmFile }),
        ...{ instance, host: start.host, port: start.port, version: start.version },
        ...{ dataDir: start.dataDir, proxy, settings },
        readKeys: async () => {
          const merged = this.inheritance.merge(await editor.readKeys());
          isMore = merged.isMore;
          return merged.keys;
        },
        saveToken: async (token) => this.saveToken(token),
        saveKeys: (keys) => editor.saveKeys(keys),
        onNotice: (notice) => post({ type: 'notice', notice }),
      },
    );
    try {
      const { url, port } = await gateway.listen();
      if (this.isClosing) throw new Error('The window closes');
      this.gateway = gateway;
      if (this.proxy !== proxy) gateway.setProxy(this.proxy);
      if (this.settings !== settings) gateway.changeSettings(this.settings);
      if (isMore) void this.saveInherited(gateway);
      return { url, port, instance };
    } catch (error) {
      await gateway.close(0);
      throw error;
    }
  }

  /** What the last leader had and this window's editor has not. */
  private async saveInherited(gateway: Gateway): Promise<void> {
    try {
      await gateway.saveKeys();
    } catch (error) {
      this.log('warn', 'The keys of the last leader could not be stored', error);
    }
  }

  private async whois(): Promise<Finding> {
    const { host, port } = this.start;
    const socket = net.connect({ host: connectHost(host), port });
    try {
      const leader = await askWhois(socket, { secret: this.identity.secret, timeoutMs: WHOIS_TIMEOUT_MS });
      return { kind: 'ours', leader };
    } catch (error) {
      const kind = error instanceof WhoisError && error.kind !== 'replaced' ? error.kind : 'stranger';
      return { kind, why: error instanceof Error ? error.message : String(error) };
    } finally {
      socket.destroy();
    }
  }

  private watch({ instance }: ProvenGateway, gone: () => void): () => void {
    const { secret } = this.identity;
    return watchLeader({ url: this.url(), instance, secret }, this.ports.clock, {
      onKeys: (keys) => {
        this.inheritance.received(keys);
        this.ports.log.log('debug', 'leadership', 'The leader told its keys', { keys: keys.length });
      },
      onRemoved: (id) => this.inheritance.removed(id),
      onGone: (why) => {
        this.log('info', `The leader is gone: ${why}`);
        gone();
      },
    });
  }

  private tell(event: ElectionEvent<Leading>): void {
    const { post } = this.ports;
    const { secret, token, adminToken } = this.identity;
    switch (event.type) {
      case 'leading':
        // A fresh data folder elsewhere begins with the same tokens. A chosen one is for this run only.
        if (this.start.developmentToken === null) post({ type: 'identity', token, adminToken });
        post({ type: 'listening', ...event.leading, secret });
        break;
      case 'following': {
        const { instance, version } = event.leader;
        if (version !== this.start.version) {
          this.log('info', `Version ${version} leads, this window has ${this.start.version}`);
        }
        post({ type: 'following', url: this.url(), port: this.start.port, instance, version, secret });
        break;
      }
      case 'stranger':
        post({ type: 'failed', reason: 'port-taken', message: event.why });
        break;
      case 'needs-reload':
        post({ type: 'failed', reason: 'needs-reload', message: 'a newer version of FreeLLM wrote the ledger' });
        break;
      case 'failed':
        post({ type: 'failed', reason: 'error', message: wordsOf(event.error) });
    }
  }

  private url(): string {
    const { host, port } = this.start;
    return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
  }

  private log(level: 'info' | 'warn', message: string, error?: unknown): void {
    this.ports.log.log(level, 'leadership', message, error === undefined ? undefined : { error: wordsOf(error) });
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
