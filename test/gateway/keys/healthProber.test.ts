import assert from 'node:assert/strict';
import { HealthProber } from '../../../src/gateway/keys/healthProber.js';
import { createKeyPool, type KeyHealth, type KeyPool } from '../../../src/gateway/keys/keyPool.js';
import { probeTarget } from '../../../src/gateway/keys/probeTarget.js';
import { createCooldowns } from '../../../src/gateway/routing/cooldowns/cooldowns.js';
import type { KeyCheck } from '../../../src/protocol/keys.js';
import { hour, minute, second } from '../../support/failoverScene.js';
import { createManualClock } from '../../support/manualClock.js';

type Status = KeyCheck['status'];

/** A prober over real keys and cooldowns; each probe answers at once with what `verdict` says. */
function scene(random = () => 0) {
  const clock = createManualClock();
  const cooldowns = createCooldowns(clock);
  const closing = new AbortController();
  const asked: { id: string; at: number }[] = [];
  const start = clock.now();
  let verdict: (id: string) => Status | null = () => 'healthy';
  let isOn = true;
  const pool: KeyPool = createKeyPool(clock.now, (key, change) => prober.keyChanged(key, change));
  const prober: HealthProber = new HealthProber({
    pool,
    cooldowns,
    clock,
    areProbesOn: () => isOn,
    targetOf: (key) => (key.provider === 'unheard-of' ? null : probeTarget(key, () => undefined)),
    probe(id) {
      asked.push({ id, at: clock.now() - start });
      const status = verdict(id);
      if (status === null) return;
      if (status === 'healthy') {
        pool.setHealth(id, 'healthy', null, true);
        cooldowns.clearKey(id);
      } else if (status === 'invalid') pool.setHealth(id, 'invalid', 'refused', true);
      const key = pool.get(id);
      if (key) prober.probed(key, status);
    },
    random,
    signal: closing.signal,
  });
  const add = (
    id: string,
    provider = 'groq',
    more: { health?: KeyHealth; enabled?: boolean; baseUrl?: string } = {},
  ) => {
    const { health, enabled = true, ...rest } = more;
    return pool.add({ id, provider, label: '', secret: `secret-of-${id}`, enabled, ...rest }, 'stored', health);
  };
  /** Whether routing leaves the key alone. */
  const rests = (id: string) => cooldowns.list().some(({ keyId, kind }) => keyId === id && kind === 'auth');
  return {
    clock,
    cooldowns,
    closing,
    pool,
    prober,
    asked,
    add,
    rests,
    gaps: () => asked.map(({ at }, place) => at - (asked[place - 1]?.at ?? 0)),
    says: (next: typeof verdict) => {
      verdict = next;
    },
    turn(on: boolean) {
      isOn = on;
      prober.settingsChanged();
    },
  };
}

const refusedBefore: KeyHealth = { status: 'invalid', message: 'refused', checkedAt: 0, isProbed: true };

describe('health prober', () => {
  it('looks at keys within a minute of the start, spread, and then every few hours', () => {
    let place = 0;
    const chances = [0.1, 0.5, 0.9];
    const { clock, prober, asked, add } = scene(() => chances[place++ % 3] ?? 0);
    for (const id of ['a', 'b', 'c']) add(id);
    prober.start();
    clock.advance(minute);
    assert.deepEqual(asked.map(({ id }) => id).sort(), ['a', 'b', 'c']);
    assert.equal(new Set(asked.map(({ at }) => at)).size, 3, 'not in one burst');
    assert.ok(asked.every(({ at }) => at >= 5 * second));
    clock.advance(4 * hour - minute);
    assert.equal(asked.length, 3);
    clock.advance(20 * hour);
    const each = asked.filter(({ id }) => id === 'a');
    assert.ok(each.length >= 3 && each.length <= 7, `${each.length} looks at a good key in a day`);
  });

  it('asks about a refused key after 5 minutes, doubling to 6 hours, and routing leaves it alone all the while', () => {
    const { clock, prober, gaps, add, says, rests } = scene();
    says(() => 'invalid');
    add('dead');
    prober.start();
    clock.advance(5 * second);
    for (let at = 0; at < 30 * hour; at += minute) {
      clock.advance(minute);
      assert.ok(rests('dead'), `nobody may ask it after ${at / minute} minutes`);
    }
    const minutes = gaps().map((gap) => gap / minute);
    assert.deepEqual(minutes.slice(1, 8), [5, 10, 20, 40, 80, 160, 320]);
    assert.deepEqual(new Set(minutes.slice(8)), new Set([360]));
  });

  it('a key that recovers returns at once, and begins anew when it is refused again', () => {
    const { clock, prober, asked, gaps, add, says, rests } = scene();
    says(() => 'invalid');
    add('dead');
    prober.start();
    clock.advance(40 * minute);
    says(() => 'healthy');
    clock.advance(40 * minute);
    assert.equal(rests('dead'), false);
    const before = asked.length;
    says(() => 'invalid');
    clock.advance(4 * hour + 6 * minute);
    assert.equal(asked.length, before + 2);
    assert.equal((gaps().at(-1) ?? 0) / minute, 5);
  });

  it('being offline condemns nobody, frees nobody, and does not put the next look off', () => {
    const { clock, prober, gaps, pool, add, says, rests } = scene();
    add('good', 'mistral', { health: { status: 'healthy', message: null, checkedAt: 0, isProbed: true } });
    says((id) => (id === 'good' ? 'inconclusive' : 'invalid'));
    add('dead');
    prober.start();
    clock.advance(minute);
    says(() => 'inconclusive');
    clock.advance(3 * hour);
    assert.deepEqual([pool.get('good')?.health.status, pool.get('dead')?.health.status], ['healthy', 'invalid']);
    assert.deepEqual([rests('good'), rests('dead')], [false, true]);
    assert.equal((gaps().at(-1) ?? 0) / minute, 5);
  });

  it('after a restart a refused key rests until it has been asked about', () => {
    const { clock, prober, add, rests } = scene();
    add('dead', 'groq', { health: refusedBefore });
    prober.start();
    assert.equal(rests('dead'), true);
    clock.advance(4 * second);
    assert.equal(rests('dead'), true);
    clock.advance(second);
    assert.equal(rests('dead'), false, 'it was found well');
  });

  it('waits for one that takes its time, and not for ever', () => {
    const { clock, prober, add, says, rests, asked } = scene();
    says(() => null);
    add('slow', 'groq', { health: refusedBefore });
    prober.start();
    clock.advance(30 * second);
    assert.deepEqual([asked.length, rests('slow')], [1, true]);
    clock.advance(10 * hour);
    assert.deepEqual([asked.length, rests('slow')], [1, false]);
  });

  it('does nothing while probes are off, and takes up what was due when they are on again', () => {
    const { clock, prober, asked, add, turn, rests } = scene();
    turn(false);
    add('a');
    add('dead', 'mistral', { health: refusedBefore });
    prober.start();
    assert.deepEqual(clock.pending(), []);
    assert.equal(rests('dead'), false, 'nobody would ever lift it');
    clock.advance(30 * hour);
    assert.equal(asked.length, 0);
    turn(true);
    clock.advance(1);
    assert.equal(asked.length, 2);
    turn(false);
    clock.advance(30 * hour);
    assert.equal(asked.length, 2);
  });

  it('never asks about a key that is off, needs none, is of an unknown provider, or that only a chat could tell of', () => {
    const { clock, prober, asked, add, pool } = scene();
    add('off', 'groq', { enabled: false });
    add('keyless', 'kilo');
    add('chat', 'modelscope');
    add('strange', 'unheard-of');
    prober.start();
    clock.advance(30 * hour);
    assert.deepEqual(asked, []);
    pool.update('off', { enabled: true });
    clock.advance(minute);
    assert.deepEqual(
      asked.map(({ id }) => id),
      ['off'],
    );
    pool.remove('off');
    clock.advance(30 * hour);
    assert.equal(asked.length, 1);
  });

  it('a chat that a key answers puts its next look hours off', () => {
    const { clock, prober, asked, add, pool, says } = scene();
    says(() => 'invalid');
    add('a');
    prober.start();
    clock.advance(minute);
    pool.setHealth('a', 'healthy', null);
    const before = asked.length;
    clock.advance(4 * hour - second);
    assert.equal(asked.length, before);
  });

  it('on this machine or its network a refused key does not rest', () => {
    const { clock, prober, add, says, rests } = scene();
    says(() => 'invalid');
    add('lab', 'custom:lab', { baseUrl: 'http://192.168.1.5:8080/v1' });
    prober.start();
    clock.advance(minute);
    assert.equal(rests('lab'), false);
  });

  it('has no timer left once the gateway closes', () => {
    const { clock, prober, add, closing } = scene();
    add('a');
    prober.start();
    assert.equal(clock.pending().length, 1);
    closing.abort();
    assert.deepEqual(clock.pending(), []);
    prober.settingsChanged();
    assert.deepEqual(clock.pending(), []);
  });
});
