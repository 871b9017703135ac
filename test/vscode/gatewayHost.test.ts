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
  const control = { saveError: null as Error | null };
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
    log,
    after: timers.after,
    now: () => timers.time,
  });
  host.onDidChangeState((state) => states.push(state));
  const thread = (index: number): FakeThread => threads[index] ?? assert.fail(`no thread ${index}`);
  return { host, threads, thread, timers, states, saved, control, log };
}

const listening: FromGateway = { type: 'listening', url: 'http://127.0.0.1:3001', port: 3001 };

describe('gateway host', () => {
  it('starts one thread and tells where it listens', async () => {
    const { host, threads, thread } = make();
    await Promise.all([host.start(), host.start()]);
    assert.equal(threads.length, 1);
    assert.equal(host.state.kind, 'starting');
    const settled = host.settled(1000);
    thread(0).say(listening);
    assert.deepEqual(await settled, { kind: 'running', url: 'http://127.0.0.1:3001', port: 3001 });
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

  it('reports a taken port and does not try again by itself', async () => {
    const { host, threads, thread, timers } = make();
    await host.start();
    thread(0).say({ type: 'failed', reason: 'port-taken', message: 'port 3001 is taken' });
    thread(0).emit('exit', 0);
    assert.deepEqual(host.state, { kind: 'stopped', reason: 'port-taken', message: 'port 3001 is taken' });
    assert.ok(thread(0).isTerminated);
    timers.advance(100_000);
    await settle();
    assert.equal(threads.length, 1);
    await host.restart();
    assert.equal(threads.length, 2);
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
      saveKeys: async () => {},
      log: silentLog(),
    });
    await host.start();
    assert.deepEqual(host.state, { kind: 'stopped', reason: 'error', message: 'the keyring is locked' });
  });
});
