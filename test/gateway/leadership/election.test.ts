import assert from 'node:assert/strict';
import {
  type Election,
  type ElectionEvent,
  type ElectionPorts,
  type Finding,
  startElection,
} from '../../../src/gateway/leadership/election.js';
import { LedgerError } from '../../../src/gateway/ledger/ledger.js';
import { createManualClock, type ManualClock } from '../../support/manualClock.js';

/** One port of one machine, and who holds it. */
class FakePort {
  holder: string | null = null;
  /** What a holder that is no candidate is found to be. */
  finding: Finding | null = null;
  readonly watchers = new Map<string, Set<() => void>>();

  /** The holder dies: whoever watched it is told. */
  release(): void {
    const gone = [...(this.watchers.get(this.holder ?? '') ?? [])];
    this.holder = null;
    this.finding = null;
    for (const tell of gone) tell();
  }

  hold(name: string, finding: Finding | null = null): void {
    this.holder = name;
    this.finding = finding;
  }
}

interface Standing {
  name: string;
  events: ElectionEvent<string>[];
  /** The types of what happened, in order. */
  told(): string[];
  binds: number;
  bindError: Error | null;
  isLedgerNewer: boolean;
  election: Election;
}

const stranger: Finding = { kind: 'stranger', why: 'not FreeLLM' };
const silent: Finding = { kind: 'silent', why: 'no answer' };
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('election', () => {
  let clock: ManualClock;
  let port: FakePort;
  let all: Standing[] = [];
  beforeEach(() => {
    clock = createManualClock();
    port = new FakePort();
    all = [];
  });
  afterEach(() => {
    for (const { election } of all) election.stop();
  });

  function stand(name: string, change: Partial<Standing> = {}, random = 0.5): Standing {
    const events: ElectionEvent<string>[] = [];
    const standing: Standing = {
      name,
      events,
      told: () => events.map(({ type }) => type),
      binds: 0,
      bindError: null,
      isLedgerNewer: false,
      election: { stop: () => {} },
      ...change,
    };
    const ports: ElectionPorts<string> = {
      async bind() {
        standing.binds += 1;
        await null;
        if (port.holder !== null) throw Object.assign(new Error('taken'), { code: 'EADDRINUSE' });
        if (standing.bindError) throw standing.bindError;
        port.hold(name);
        return name;
      },
      async whois() {
        await null;
        if (port.holder === null) return { kind: 'gone', why: 'refused' };
        return port.finding ?? { kind: 'ours', leader: { instance: port.holder, version: '1.0.0', schema: 1 } };
      },
      watch({ instance }, gone) {
        const watchers = port.watchers.get(instance) ?? new Set();
        port.watchers.set(instance, watchers.add(gone));
        return () => watchers.delete(gone);
      },
      isLedgerNewer: async () => standing.isLedgerNewer,
      clock,
      random: () => random,
      on: (event) => void events.push(event),
    };
    standing.election = startElection(ports);
    all.push(standing);
    return standing;
  }

  /** Lets time pass in small steps, with everything that follows from each. */
  async function pass(ms: number): Promise<void> {
    await settle();
    for (let left = ms; left > 0; left -= 10) {
      clock.advance(Math.min(10, left));
      await settle();
    }
  }
  const leaders = () => all.filter(({ events }) => events.some(({ type }) => type === 'leading'));

  it('leads where the port is free, and asks no more', async () => {
    const a = stand('a');
    await pass(20_000);
    assert.deepEqual(a.told(), ['leading']);
    assert.equal(a.binds, 1);
    assert.deepEqual(clock.pending(), []);
  });

  for (const count of [2, 3]) {
    it(`has one leader when ${count} start at once, and all others follow it`, async () => {
      const names = ['a', 'b', 'c'].slice(0, count);
      for (const name of names) stand(name);
      await pass(100);
      assert.equal(leaders().length, 1);
      const [leader] = leaders();
      for (const other of all.filter((one) => one !== leader)) {
        assert.deepEqual(other.events, [
          { type: 'following', leader: { instance: leader?.name, version: '1.0.0', schema: 1 } },
        ]);
      }
    });
  }

  it('elects a new leader within the jitter when the old one dies, and the third follows it', async () => {
    stand('a');
    await pass(0);
    const b = stand('b', {}, 0.9);
    const c = stand('c', {}, 0.1);
    await pass(2_000);
    port.release();
    await pass(14);
    assert.deepEqual(c.told(), ['following']);
    await pass(6);
    assert.deepEqual(c.told(), ['following', 'leading']);
    await pass(150);
    assert.deepEqual(b.told(), ['following', 'following']);
    assert.equal((b.events[1] as { leader: { instance: string } }).leader.instance, 'c');
    await pass(2_000);
    port.release();
    await pass(200);
    assert.deepEqual(b.told(), ['following', 'following', 'leading']);
  });

  it('has one leader when followers bind at the same instant', async () => {
    stand('a');
    await pass(0);
    for (const name of ['b', 'c', 'd']) stand(name);
    await pass(2_000);
    port.release();
    await pass(500);
    assert.equal(leaders().length, 2, 'the dead one and one more');
    assert.deepEqual(all.map((one) => one.told().at(-1)).sort(), ['following', 'following', 'leading', 'leading']);
  });

  it('waits for a port that is about to be free', async () => {
    port.hold('old', silent);
    const a = stand('a');
    await pass(3_000);
    port.release();
    await pass(300);
    assert.deepEqual(a.told(), ['leading']);
  });

  for (const finding of [stranger, silent]) {
    it(`tells of somebody ${finding.kind} once, after 5 s, and takes the port quietly when it is free`, async () => {
      port.hold('somebody', finding);
      const a = stand('a');
      await pass(4_900);
      assert.deepEqual(a.told(), []);
      await pass(400);
      assert.deepEqual(a.told(), ['stranger']);
      const binds = a.binds;
      await pass(60_000);
      assert.deepEqual(a.told(), ['stranger']);
      assert.ok(a.binds - binds <= 12, `${a.binds - binds} tries in a minute`);
      port.release();
      await pass(5_100);
      assert.deepEqual(a.told(), ['stranger', 'leading']);
    });
  }

  it('follows one of ours that took the port from a stranger, and tells of the next stranger again', async () => {
    port.hold('somebody', stranger);
    const a = stand('a');
    await pass(5_500);
    port.hold('ours');
    await pass(5_100);
    assert.deepEqual(a.told(), ['stranger', 'following']);
    await pass(2_000);
    port.hold('ours', null);
    port.release();
    port.hold('somebody', stranger);
    await pass(6_000);
    assert.deepEqual(a.told(), ['stranger', 'following', 'stranger']);
  });

  it('does not spin with a leader that answers whois and nothing else', async () => {
    port.hold('broken');
    const a = stand('a');
    for (let n = 0; n < 100; n += 1) {
      await pass(20);
      const watchers = port.watchers.get('broken') ?? new Set();
      for (const gone of [...watchers]) {
        watchers.delete(gone);
        gone();
      }
    }
    assert.ok(a.binds <= 8, `${a.binds} tries in 2 s`);
  });

  it('follows, but never binds, where a newer version wrote the ledger', async () => {
    port.hold('newer');
    const a = stand('a', { isLedgerNewer: true });
    await pass(2_000);
    assert.deepEqual(a.told(), ['following']);
    port.release();
    await pass(4_000);
    assert.deepEqual(a.told(), ['following']);
    await pass(1_500);
    assert.deepEqual(a.told(), ['following', 'needs-reload']);
    port.hold('newer again');
    await pass(5_100);
    assert.deepEqual(a.told(), ['following', 'needs-reload', 'following']);
    assert.equal(a.binds, 0);
  });

  it('finds that out from the ledger itself, too', async () => {
    const a = stand('a', { bindError: new LedgerError('newer', 'a newer version wrote it') });
    await pass(6_000);
    assert.deepEqual(a.told(), ['needs-reload']);
  });

  it('waits for a ledger that is locked, then says so', async () => {
    const a = stand('a', { bindError: new LedgerError('locked', 'in use') });
    await pass(2_000);
    a.bindError = null;
    await pass(300);
    assert.deepEqual(a.told(), ['leading']);
    port.release();
    const b = stand('b', { bindError: new LedgerError('locked', 'in use') });
    await pass(19_000);
    assert.deepEqual(b.told(), []);
    await pass(2_000);
    assert.deepEqual(b.told(), ['failed']);
    assert.deepEqual(clock.pending(), []);
  });

  it('fails at once where waiting does not help', async () => {
    const a = stand('a', { bindError: Object.assign(new Error('no such address'), { code: 'EADDRNOTAVAIL' }) });
    await pass(0);
    assert.deepEqual(a.told(), ['failed']);
    await pass(20_000);
    assert.equal(a.binds, 1);
  });

  it('is silent after it was stopped, wherever that finds it', async () => {
    port.hold('other');
    const following = stand('a');
    await pass(10);
    following.election.stop();
    const binding = stand('b');
    binding.election.stop();
    port.release();
    await pass(10);
    // It bound all the same: that is its owner's to close.
    port.release();
    const waiting = stand('c', { bindError: new LedgerError('locked', 'in use') });
    await pass(10);
    waiting.election.stop();
    await pass(10_000);
    assert.deepEqual(following.told(), ['following']);
    assert.deepEqual(binding.told(), []);
    assert.deepEqual(waiting.told(), []);
    assert.deepEqual(clock.pending(), []);
  });
});
