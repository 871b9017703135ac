import type { LeaderEndpoint } from '../loopback/verifiedConnection.js';
import type { ApiSettings } from '../protocol/settings.js';
import type {
  FromGateway,
  GatewayNotice,
  ProxySettings,
  StoredKey,
  ToGateway,
  WorkerStart,
} from '../protocol/worker.js';
import { describeError, type Logger } from './logger.js';

/** The part of `node:worker_threads`' Worker that supervision needs. */
export interface GatewayThread {
  postMessage(message: ToGateway): void;
  on(event: 'message', listener: (message: FromGateway) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<number>;
}

export type StopReason = 'port-taken' | 'needs-reload' | 'error' | 'crashed' | 'closed';

export type HostState =
  | { kind: 'starting' }
  | { kind: 'running'; url: string; port: number }
  /** Another window runs the gateway; `version` is its. All else is the same here. */
  | { kind: 'following'; url: string; port: number; version: string }
  /** `crashed` comes back by itself, `port-taken` and `needs-reload` once they can; the others wait for the user. */
  | { kind: 'stopped'; reason: StopReason; message: string };

/** There is a gateway, here or in another window. */
export type UpState = Extract<HostState, { kind: 'running' | 'following' }>;

export function isUp(state: HostState): state is UpState {
  return state.kind === 'running' || state.kind === 'following';
}

export interface GatewayHostOptions {
  /** Reads settings anew at every start. */
  readStart(): Promise<WorkerStart>;
  createThread(start: WorkerStart): GatewayThread;
  /** Asked when this window begins to lead. */
  readKeys(): Promise<StoredKey[]>;
  saveKeys(keys: StoredKey[]): Promise<void>;
  /** The tokens of the gateway that this window leads. */
  saveTokens(tokens: { token: string; adminToken: string }): Promise<void>;
  onNotice(notice: GatewayNotice): void;
  log: Logger;
  /** setTimeout by default; returns what cancels it. */
  after?(ms: number, run: () => void): () => void;
  now?(): number;
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** A thread that lived this long was healthy: its crash starts the backoff anew. */
const HEALTHY_AFTER_MS = 60_000;
/** A little more than the gateway gives running answers, so that a clean end wins; within deactivate's 2 s. */
const CLOSE_WITHIN_MS = 1_800;

/**
 * Supervises the gateway's worker thread: starts it, keeps its secrets stored, brings it back when it
 * crashes, closes it in time. Knows nothing of VS Code.
 */
export class GatewayHost {
  private current: HostState = { kind: 'starting' };
  private leader: LeaderEndpoint | null = null;
  private thread: GatewayThread | undefined;
  private listeners = new Set<(state: HostState) => void>();
  private cancelRestart: (() => void) | undefined;
  private crashes = 0;
  private startedAt = 0;
  /** start, stop and restart one after another, whoever calls them. */
  private queue: Promise<void> = Promise.resolve();
  private isDisposed = false;

  constructor(private readonly options: GatewayHostOptions) {}

  get state(): HostState {
    return this.current;
  }

  /** Where the gateway is that runs here or in another window, and what proves it; null where none is known. */
  get endpoint(): LeaderEndpoint | null {
    return isUp(this.current) ? this.leader : null;
  }

  onDidChangeState(listener: (state: HostState) => void): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  /** Starts the thread unless one runs. Never rejects: what goes wrong is in the state. */
  start(): Promise<void> {
    return this.enqueue(() => this.startNow());
  }

  /** Closes what runs here and starts anew, with settings read again. Another window's gateway goes on. */
  restart(): Promise<void> {
    return this.enqueue(async () => {
      this.crashes = 0;
      await this.stopNow({ kind: 'starting' });
      await this.startNow();
    });
  }

  /** Closes within 1.8 s, then terminates. For good: nothing starts after it. */
  dispose(): Promise<void> {
    this.isDisposed = true;
    this.cancelRestart?.();
    return this.enqueue(() => this.stopNow({ kind: 'stopped', reason: 'closed', message: '' }));
  }

  /** Hands new proxy settings to the running gateway; a later start reads them itself. */
  setProxy(proxy: ProxySettings): void {
    this.thread?.postMessage({ type: 'proxy', proxy });
  }

  /** Hands settings that take no restart to the running gateway; a later start reads them itself. */
  changeSettings(settings: ApiSettings): void {
    this.thread?.postMessage({ type: 'settings', settings });
  }

  /** The keys changed in SecretStorage, by another window or host: a gateway that this window leads takes them. */
  replaceKeys(keys: StoredKey[]): void {
    this.thread?.postMessage({ type: 'keys', sequence: null, keys });
  }

  /** Resolves with the state once it is no longer `starting`, or after `withinMs`. */
  settled(withinMs: number): Promise<HostState> {
    if (this.current.kind !== 'starting') return Promise.resolve(this.current);
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        subscription.dispose();
        resolve(this.current);
      };
      const cancel = this.after(withinMs, done);
      const subscription = this.onDidChangeState((state) => {
        if (state.kind !== 'starting') done();
      });
    });
  }

  private enqueue(job: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(job).catch((error: unknown) => {
      this.setState({ kind: 'stopped', reason: 'error', message: describeError(error) });
    });
    return this.queue;
  }

  private async startNow(): Promise<void> {
    if (this.thread !== undefined || this.isDisposed) return;
    this.cancelRestart?.();
    this.cancelRestart = undefined;
    this.setState({ kind: 'starting' });
    const start = await this.options.readStart();
    if (this.isDisposed) return;
    const thread = this.options.createThread(start);
    this.thread = thread;
    this.startedAt = this.now();
    let lastError: string | null = null;
    thread.on('message', (message) => this.receive(thread, message));
    thread.on('error', (error) => {
      lastError = describeError(error);
      this.options.log.error('host', `gateway thread: ${lastError}`);
    });
    thread.on('exit', (code) => this.exited(thread, lastError ?? `exit code ${code}`));
  }

  private async stopNow(next: HostState): Promise<void> {
    const thread = this.thread;
    this.cancelRestart?.();
    this.cancelRestart = undefined;
    if (thread === undefined) return;
    this.thread = undefined;
    // Told first, so that our own event stream ends and the gateway need not wait for it.
    this.setState(next);
    await new Promise<void>((resolve) => {
      const cancel = this.after(CLOSE_WITHIN_MS, resolve);
      const closed = (): void => {
        cancel();
        resolve();
      };
      thread.on('message', (message) => {
        if (message.type === 'closed') closed();
      });
      thread.on('exit', closed);
      thread.postMessage({ type: 'close' });
    });
    await thread.terminate();
  }

  private receive(thread: GatewayThread, message: FromGateway): void {
    switch (message.type) {
      case 'log':
        this.options.log[message.level](message.component, message.message, message.fields);
        return;
      case 'keys.changed':
        // Also from a thread that is being closed: what the user was told is saved must be.
        void this.keep(thread, message.sequence, message.keys);
        return;
      case 'keys.wanted':
        void this.hand(thread, message.sequence);
        return;
      case 'identity':
        void this.keepTokens(message);
        return;
      case 'notice':
        this.options.onNotice(message.notice);
        return;
      case 'listening':
      case 'following':
        if (thread === this.thread) this.up(message);
        return;
      case 'failed':
        if (thread === this.thread) this.failed(thread, message);
        return;
      case 'closed':
        return;
    }
  }

  private up(message: Extract<FromGateway, { type: 'listening' | 'following' }>): void {
    const { type, url, port, instance, secret } = message;
    this.leader = { url, instance, secret };
    if (type === 'listening') {
      this.options.log.info('host', `gateway listens on ${url}`);
      this.setState({ kind: 'running', url, port });
    } else {
      this.options.log.info('host', `another window's gateway listens on ${url}, version ${message.version}`);
      this.setState({ kind: 'following', url, port, version: message.version });
    }
  }

  private failed(thread: GatewayThread, { reason, message }: Extract<FromGateway, { type: 'failed' }>): void {
    this.options.log.error('host', `gateway did not start: ${message}`);
    // With the other reasons it watches the port and comes up by itself.
    if (reason === 'error') {
      this.thread = undefined;
      void thread.terminate();
    }
    this.setState({ kind: 'stopped', reason, message });
  }

  private async hand(thread: GatewayThread, sequence: number): Promise<void> {
    try {
      thread.postMessage({ type: 'keys', sequence, keys: await this.options.readKeys() });
    } catch (error) {
      thread.postMessage({ type: 'keys.unreadable', sequence, error: describeError(error) });
    }
  }

  private async keepTokens({ token, adminToken }: { token: string; adminToken: string }): Promise<void> {
    try {
      await this.options.saveTokens({ token, adminToken });
    } catch (error) {
      this.options.log.warn('host', `tokens could not be stored: ${describeError(error)}`);
    }
  }

  private async keep(thread: GatewayThread, sequence: number, keys: StoredKey[]): Promise<void> {
    let error: string | null = null;
    try {
      await this.options.saveKeys(keys);
    } catch (cause) {
      error = describeError(cause);
      this.options.log.error('host', `keys could not be stored: ${error}`);
    }
    thread.postMessage({ type: 'keys.saved', sequence, error });
  }

  private exited(thread: GatewayThread, why: string): void {
    if (thread !== this.thread) return;
    this.thread = undefined;
    if (this.now() - this.startedAt >= HEALTHY_AFTER_MS) this.crashes = 0;
    const wait = Math.min(FIRST_BACKOFF_MS * 2 ** this.crashes, LONGEST_BACKOFF_MS);
    this.crashes += 1;
    this.options.log.warn('host', `gateway ended (${why}), starts again in ${wait} ms`);
    this.setState({ kind: 'stopped', reason: 'crashed', message: why });
    this.cancelRestart = this.after(wait, () => void this.start());
  }

  private setState(state: HostState): void {
    this.current = state;
    for (const listener of [...this.listeners]) listener(state);
  }

  private after(ms: number, run: () => void): () => void {
    if (this.options.after !== undefined) return this.options.after(ms, run);
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  }

  private now(): number {
    return this.options.now?.() ?? Date.now();
  }
}
