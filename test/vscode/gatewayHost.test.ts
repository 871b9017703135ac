import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { FromGateway, StoredKey, ToGateway, WorkerStart } from '../../src/protocol/worker.js';
import { GatewayHost, type GatewayThread, type HostState } from '../../src/vscode/gatewayHost.js';
import { silentLog } from './support/silentLog.js';

class FakeThread extends EventEmitter implements GatewayThread {
  readonly sent: ToGateway[] = [];
  isTerminated = false;
  closesItself = true;

  postMessage(message: ToGateway): void {
    this.sent.push(message);
    if (message.type === 'close' && this.closesItself) queueMicrotask(() => this.say({ type: 'closed' }));
  }
  say(message: FromGateway): void {
    this.emit('message', message);
  }
  async terminate(): Promise<number> {
    this.isTerminated = true;
    return 0;
  }
}

/** Timers that run when told to. */
class FakeTimers {
  pending: { at: number; run: () => void }[] = [];
  time = 0;
  after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.time + ms, run };
    this.pending.push(timer);
    return () => {
      this.pending = this.pending.filter((other) => other !== timer);
    };
  };
  advance(ms: number): void {
    this.time += ms;
    const due = this.pending.filter((timer) => timer.at <= this.time);
    this.pending = this.pending.filter((timer) => timer.at > this.time);
    for (const { run } of due) run();
  }
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function make() {
  const threads: FakeThread[] = [];
  const timers = new FakeTimers();
  const states: HostState[] = [];
  const saved: StoredKey[][] = [];
  const control = { saveError: null as Error | null, readError: null as Error | null };
  const tokens: unknown[] = [];
  const notices: unknown[] = [];
  const log = silentLog();
  const host = new GatewayHost({
    readStart: async () => ({ port: 3001 }) as WorkerStart,
    createThread: () => {
      const thread = new FakeThread();
      threads.push(thread);
      return thread;
    },
    saveKeys: async (keys) => {
      if (control.saveError !== null) throw control.saveError;
      saved.push(keys);
    },
    readKeys: async () => {
      if (control.readError !== null) throw control.readError;
      return saved.at(-1) ?? [];
    },
    saveTokens: async (given) => void tokens.push(given),
    onNotice: (notice) => void notices.push(notice),
    log,
    after: timers.after,
    now: () => timers.time,
  });
  host.onDidChangeState((state) => states.push(state));
  const thread = (index: number): FakeThread => threads[index] ?? assert.fail(`no thread ${index}`);
  return { host, threads, thread, timers, states, saved, control, log, tokens, notices };
}

const url = 'http://127.0.0.1:3001';
const proven = { instance: '1111111111111111', secret: 'the-gateway-secret' };
const listening: FromGateway = { type: 'listening', url, port: 3001, ...proven };
const following: FromGateway = { ...listening, type: 'following', version: '0.2.0' };

describe('gateway host', () => {
  it('starts one thread and tells where it listens', async () => {
    const { host, threads, thread } = make();
    await Promise.all([host.start(), host.start()]);
    assert.equal(threads.length, 1);
    assert.equal(host.state.kind, 'starting');
    const settled = host.settled(1000);
    thread(0).say(listening);
    assert.deepEqual(await settled, { kind: 'running', url, port: 3001 });
  });

  it('brings a crashed gateway back, waiting longer each time', async () => {
    const { host, threads, thread, timers } = make();
    await host.start();
    for (const [index, wait] of [500, 1000, 2000].entries()) {
      thread(index).emit('exit', 1);
      assert.deepEqual(host.state, { kind: 'stopped', reason: 'crashed', message: 'exit code 1' });
      timers.advance(wait - 1);
      await settle();
      assert.equal(threads.length, index + 1);
      timers.advance(1);
      await settle();
      assert.equal(threads.length, index + 2);
    }
    timers.advance(60_000);
    thread(3).emit('exit', 1);
    timers.advance(500);
    await settle();
    assert.equal(threads.length, 5, 'a healthy life starts the backoff anew');
  });

  it('follows another window’s gateway, and leads when the thread says so', async () => {
    const { host, thread, log } = make();
    await host.start();
    assert.equal(host.endpoint, null);
    thread(0).say(following);
    assert.deepEqual(host.state, { kind: 'following', url, port: 3001, version: '0.2.0' });
    assert.deepEqual(await host.settled(0), host.state);
    assert.deepEqual(host.endpoint, { url, ...proven });
    thread(0).say({ ...listening, instance: '2222222222222222' } as FromGateway);
    assert.deepEqual(host.state, { kind: 'running', url, port: 3001 });
    assert.equal((host.endpoint as { instance: string } | null)?.instance, '2222222222222222');
    assert.ok(!log.lines.join().includes(proven.secret));
  });

  it('restarts in a follower by standing for election again', async () => {
    const { host, thread, threads } = make();
    await host.start();
    thread(0).say(following);
    await host.restart();
    assert.deepEqual(thread(0).sent, [{ type: 'close' }]);
    assert.equal(threads.length, 2);
    thread(1).say(following);
    assert.equal(host.state.kind, 'following');
  });

  for (const reason of ['port-taken', 'needs-reload'] as const) {
    it(`reports ${reason} and leaves the thread to watch the port`, async () => {
      const { host, threads, thread } = make();
      await host.start();
      thread(0).say({ type: 'failed', reason, message: 'why' });
      assert.deepEqual(host.state, { kind: 'stopped', reason, message: 'why' });
      assert.equal(host.endpoint, null);
      assert.ok(!thread(0).isTerminated);
      thread(0).say(listening);
      assert.equal(host.state.kind, 'running');
      await host.restart();
      assert.equal(threads.length, 2);
      assert.ok(thread(0).isTerminated);
    });
  }

  it('ends a thread that failed, and does not try again by itself', async () => {
    const { host, threads, thread, timers } = make();
    await host.start();
    thread(0).say({ type: 'failed', reason: 'error', message: 'no such address' });
    thread(0).emit('exit', 0);
    assert.deepEqual(host.state, { kind: 'stopped', reason: 'error', message: 'no such address' });
    assert.ok(thread(0).isTerminated);
    timers.advance(100_000);
    await settle();
    assert.equal(threads.length, 1);
  });

  it('reads the keys when the thread begins to lead, and says what hinders it', async () => {
    const { host, thread, control, saved } = make();
    saved.push([{ id: 'a', provider: 'groq', label: 'main', enabled: true, secret: 's' }]);
    await host.start();
    thread(0).say({ type: 'keys.wanted', sequence: 3 });
    await settle();
    assert.deepEqual(thread(0).sent, [{ type: 'keys', sequence: 3, keys: saved[0] }]);
    control.readError = new Error('the keyring is locked');
    thread(0).say({ type: 'keys.wanted', sequence: 4 });
    await settle();
    assert.deepEqual(thread(0).sent.at(-1), { type: 'keys.unreadable', sequence: 4, error: 'the keyring is locked' });
    host.replaceKeys([]);
    assert.deepEqual(thread(0).sent.at(-1), { type: 'keys', sequence: null, keys: [] });
  });

  it('keeps the leader’s tokens and passes notices on', async () => {
    const { host, thread, tokens, notices } = make();
    await host.start();
    thread(0).say({ type: 'identity', token: 't', adminToken: 'a' });
    const notice = { kind: 'damaged', message: 'why', file: '/x' } as const;
    thread(0).say({ type: 'notice', notice });
    assert.deepEqual([tokens, notices], [[{ token: 't', adminToken: 'a' }], [notice]]);
  });

  it('stores changed keys, then says so', async () => {
    const { host, thread, saved, control } = make();
    await host.start();
    const keys: StoredKey[] = [{ id: 'a', provider: 'groq', label: 'main', enabled: true, secret: 's' }];
    thread(0).say({ type: 'keys.changed', sequence: 7, keys });
    await settle();
    assert.deepEqual(saved, [keys]);
    assert.deepEqual(thread(0).sent, [{ type: 'keys.saved', sequence: 7, error: null }]);
    control.saveError = new Error('the keyring is locked');
    thread(0).say({ type: 'keys.changed', sequence: 8, keys });
    await settle();
    assert.deepEqual(thread(0).sent.at(-1), { type: 'keys.saved', sequence: 8, error: 'the keyring is locked' });
  });

  it('closes politely, and ends what does not close within 1.8 s', async () => {
    const polite = make();
    await polite.host.start();
    await polite.host.dispose();
    assert.deepEqual(polite.thread(0).sent, [{ type: 'close' }]);
    assert.ok(polite.thread(0).isTerminated);

    const stubborn = make();
    await stubborn.host.start();
    stubborn.thread(0).closesItself = false;
    const gone = stubborn.host.dispose();
    await settle();
    stubborn.timers.advance(1_800);
    await gone;
    assert.ok(stubborn.thread(0).isTerminated);
    await stubborn.host.start();
    assert.equal(stubborn.threads.length, 1, 'nothing starts after it');
  });

  it('a restart closes the old thread first and ignores what it still says', async () => {
    const { host, thread, threads } = make();
    await host.start();
    await host.restart();
    assert.equal(threads.length, 2);
    thread(0).say(listening);
    thread(0).emit('exit', 0);
    assert.equal(host.state.kind, 'starting');
    thread(1).say(listening);
    assert.equal(host.state.kind, 'running');
  });

  it('a start that cannot read its secrets is a state, not an exception', async () => {
    const host = new GatewayHost({
      readStart: () => Promise.reject(new Error('the keyring is locked')),
      createThread: () => assert.fail(),
      readKeys: async () => [],
      saveKeys: async () => {},
      saveTokens: async () => {},
      onNotice: () => {},
      log: silentLog(),
    });
    await host.start();
    assert.deepEqual(host.state, { kind: 'stopped', reason: 'error', message: 'the keyring is locked' });
  });
});
