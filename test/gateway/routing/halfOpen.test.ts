import assert from 'node:assert/strict';
import { failureOf } from '../../../src/gateway/routing/classify.js';
import { type CooldownTarget, createCooldowns } from '../../../src/gateway/routing/cooldowns.js';
import type { FailureKind } from '../../../src/gateway/routing/failure.js';
import type { Trial } from '../../../src/gateway/routing/halfOpen.js';
import { day, hour, minute, second } from '../../support/failoverScene.js';
import { createManualClock } from '../../support/manualClock.js';

const target: CooldownTarget = { provider: 'custom:lab', model: 'm', keyId: 'k', host: 'lab.test', isLocal: false };

function bed() {
  const clock = createManualClock();
  const told: string[] = [];
  const cooldowns = createCooldowns(clock, {
    onChange: (_cooldown, until) => told.push(until === null ? 'over' : 'rests'),
    onTrying: () => told.push('trying'),
    onRoom: () => told.push('room'),
  });
  const rest = (kind: FailureKind = 'rate_limit', isCounted = false) =>
    cooldowns.begin(failureOf(kind, 'their words'), target, isCounted);
  /** All who may go at this moment. */
  const goers = (): Trial[] => {
    const all: Trial[] = [];
    while (!cooldowns.check(target) && !cooldowns.held(target) && all.length < 100) {
      const trial = cooldowns.enter(target);
      if (trial) all.push(trial);
      else return Array.from({ length: 100 }, () => ({ answered() {}, end() {} }));
    }
    return all;
  };
  /** They answer, all of them. */
  const answer = (trials: readonly Trial[]) => {
    for (const trial of trials) trial.answered();
    for (const trial of trials) trial.end();
  };
  return { clock, cooldowns, told, rest, goers, answer };
}

describe('what has rested is tried by one request first', () => {
  for (const kind of ['rate_limit', 'daily_quota', 'overloaded'] as const) {
    it(`${kind}: 1, 2, 4, … as answers begin, and then all`, () => {
      const { clock, cooldowns, rest, goers, answer } = bed();
      rest(kind);
      assert.equal(goers().length, 0);
      clock.advance((cooldowns.check(target)?.until ?? 0) - clock.now());
      const counts: number[] = [];
      for (let round = 0; round < 7; round++) {
        const trials = goers();
        counts.push(trials.length);
        answer(trials);
      }
      assert.deepEqual(counts, [1, 2, 4, 8, 16, 32, 100]);
    });
  }

  for (const kind of ['network', 'slow', 'challenge', 'auth'] as const) {
    it(`${kind}: all may go at once`, () => {
      const { clock, rest, goers } = bed();
      rest(kind);
      clock.advance(hour);
      assert.equal(goers().length, 100);
    });
  }

  it('where a quota window says how many may go, all of those go at once', () => {
    const { clock, rest, goers } = bed();
    rest('rate_limit', true);
    clock.advance(minute);
    assert.equal(goers().length, 100);
  });

  it('rests again, twice as long, when the one that tries it is refused', () => {
    const { clock, cooldowns, rest, goers } = bed();
    rest();
    clock.advance(minute);
    const [trial] = goers();
    trial?.end();
    rest();
    assert.equal(cooldowns.check(target)?.until, clock.now() + 2 * minute);
    clock.advance(2 * minute);
    assert.equal(goers().length, 1);
  });

  it('is wider by those that were let in, not by those that were not', () => {
    const { clock, rest, goers, answer } = bed();
    rest();
    clock.advance(minute);
    answer(goers());
    const [one, other] = goers();
    one?.end();
    assert.equal(goers().length, 1, 'whoever left gives its place to one other');
    other?.answered();
    assert.equal(goers().length, 2);
  });

  it('is held up for 3 s at most by one that says nothing, and is told of nothing', () => {
    const { clock, cooldowns, rest, goers } = bed();
    rest();
    clock.advance(minute);
    const [silent] = goers();
    assert.equal(cooldowns.held(target)?.until, clock.now() + 3 * second);
    clock.advance(3 * second - 1);
    assert.equal(goers().length, 0);
    clock.advance(1);
    assert.equal(goers().length, 2);
    silent?.end();
    silent?.answered();
    silent?.end();
    assert.equal(goers().length, 0, 'its place is given once');
  });

  for (const [name, ms] of [
    ['back', -3 * day],
    ['forward', 3 * day],
  ] as const) {
    it(`is not stuck when the clock is set ${name}`, () => {
      const { clock, rest, goers, cooldowns } = bed();
      rest();
      clock.advance(minute);
      goers();
      const { now } = clock;
      clock.now = () => now() + ms;
      assert.ok(goers().length > 0);
      assert.ok((cooldowns.held(target)?.until ?? 0) <= clock.now() + 3 * second);
    });
  }

  it('says so: it rests, it is being tried, there is room, it is over', () => {
    const { clock, cooldowns, told, rest, goers, answer } = bed();
    rest();
    assert.deepEqual([cooldowns.list().length, cooldowns.tried().length], [1, 0]);
    clock.advance(minute);
    assert.deepEqual([cooldowns.list().length, cooldowns.tried().length], [0, 1]);
    const trials = goers();
    assert.equal(cooldowns.isTried(target), true);
    answer(trials);
    assert.deepEqual([cooldowns.list().length, cooldowns.tried().length], [0, 0]);
    assert.equal(cooldowns.isTried(target), false);
    assert.deepEqual(told, ['rests', 'trying', 'over', 'room']);
  });

  it('"Retry now" ends a rest, and one tries; then it ends the trying, and all may go', () => {
    const { clock, cooldowns, rest, goers } = bed();
    const id = rest()?.id ?? '';
    assert.equal(cooldowns.clear(id), true);
    const [first, ...others] = goers();
    assert.deepEqual(others, []);
    assert.equal(cooldowns.clear(id), true);
    assert.equal(goers().length, 100);
    first?.end();
    assert.equal(cooldowns.clear(id), false);
    clock.advance(minute);
    assert.equal(goers().length, 100);
  });

  it('a rest of before a restart is tried too; one that ended while nobody was there is not', () => {
    const { clock, cooldowns, rest } = bed();
    const before = rest();
    assert.ok(before);
    const later = (ms: number) => {
      const again = bed();
      again.clock.advance(clock.now() + ms - again.clock.now());
      again.cooldowns.restore([before]);
      again.clock.advance(minute - ms);
      return again.goers().length;
    };
    assert.equal(later(minute - 1), 1);
    const after = bed();
    after.clock.advance(minute);
    after.cooldowns.restore([before]);
    assert.equal(after.goers().length, 100);
    assert.equal(cooldowns.list().length, 1);
  });

  it('is forgotten when nobody tried it for an hour', () => {
    const { clock, cooldowns, rest, goers } = bed();
    rest();
    clock.advance(minute);
    assert.equal(cooldowns.tried().length, 1);
    clock.advance(hour + 1);
    assert.equal(cooldowns.tried().length, 0);
    assert.equal(goers().length, 100);
  });
});
