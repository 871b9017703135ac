import assert from 'node:assert/strict';
import { OverviewFeed, type OverviewSource } from '../../src/vscode/overviewFeed.js';
import type { StatusInput } from '../../src/vscode/statusModel.js';
import { createManualClock } from '../support/manualClock.js';
import { silentLog } from './support/silentLog.js';
import { gatewayState, outcome } from './support/status.js';

const ended: StatusInput = { type: 'request.ended', id: 'a', at: 1, outcome: outcome() };
const stateRead: StatusInput = { type: 'state.read', state: gatewayState() };

/** A gateway that answers everything with nothing, and counts. */
function world() {
  const clock = createManualClock();
  const asked: string[] = [];
  const log = silentLog();
  let read = 0;
  const gateway = { isThere: true, isWell: true };
  const answers: Record<string, unknown> = {
    'GET /api/chain': { strategy: 'balanced', scoredBy: 'balanced', data: [] },
    'GET /api/analytics': { totals: { requests: 1, promptTokens: 2, completionTokens: 3 } },
  };
  const source = {
    providers: async () => [],
    keys: async () => [],
    call: async (route: string) => {
      asked.push(route);
      if (!gateway.isWell) throw new Error('no answer');
      return answers[route] ?? { data: [] };
    },
  } as unknown as OverviewSource;
  const feed = new OverviewFeed({
    ...{ log, now: clock.now, after: clock.after, client: () => (gateway.isThere ? source : null) },
    sink: () => {
      read += 1;
    },
  });
  /** Moves time, and lets what was begun then come to its end. */
  const pass = async (ms: number): Promise<number> => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
    return read;
  };
  return { feed, clock, asked, log, gateway, pass };
}

describe('overview feed', () => {
  it('reads as soon as the gateway has told its state, once', async () => {
    const { feed, pass, clock } = world();
    feed.accept(stateRead);
    feed.accept(stateRead);
    assert.equal(await pass(0), 1);
    feed.accept(stateRead);
    assert.deepEqual(clock.pending(), []);
  });

  it('reads rarely while nobody looks, however much happens', async () => {
    const { feed, pass } = world();
    feed.accept(stateRead);
    await pass(0);
    for (let at = 0; at < 100; at += 1) feed.accept(ended);
    assert.equal(await pass(14_999), 1);
    assert.equal(await pass(1), 2);
    assert.equal(await pass(60_000), 2, 'nothing happened since');
  });

  it('reads at once when somebody looks, and a second after each burst from then on', async () => {
    const { feed, pass } = world();
    feed.accept(stateRead);
    await pass(0);
    feed.setSeen(true);
    assert.equal(await pass(0), 2);
    for (let at = 0; at < 100; at += 1) feed.accept(ended);
    assert.equal(await pass(999), 2);
    assert.equal(await pass(1), 3);
  });

  it('does not wait long after what was done by hand', async () => {
    const { feed, pass } = world();
    feed.accept(stateRead);
    await pass(0);
    feed.accept(ended);
    feed.accept({ type: 'key.changed', at: 1, keyId: 'k', provider: 'a', change: 'added' });
    assert.equal(await pass(1_000), 2);
    assert.equal(await pass(20_000), 2);
  });

  it('asks for the sums of the day four times a minute at most', async () => {
    const { feed, asked, pass } = world();
    feed.setSeen(true);
    for (let at = 0; at < 14; at += 1) {
      feed.accept(ended);
      await pass(1_000);
    }
    const days = () => asked.filter((route) => route === 'GET /api/analytics').length;
    assert.equal(days(), 1);
    feed.accept(ended);
    await pass(16_000);
    assert.equal(days(), 2);
  });

  it('stops with the gateway, begins anew with the next, and survives one that does not answer', async () => {
    const { feed, gateway, clock, log, pass } = world();
    feed.accept(ended);
    feed.accept({ type: 'host.changed', state: { kind: 'starting' } });
    assert.deepEqual(clock.pending(), []);
    gateway.isWell = false;
    feed.accept({ type: 'host.changed', state: { kind: 'running', url: 'http://127.0.0.1:3001', port: 3001 } });
    assert.equal(await pass(0), 0);
    assert.equal(log.lines.length, 1);
    gateway.isWell = true;
    feed.accept(ended);
    assert.equal(await pass(1_000), 1);
    gateway.isThere = false;
    feed.setSeen(true);
    assert.equal(await pass(0), 1);
    feed.dispose();
  });
});
