import assert from 'node:assert/strict';
import { failureOf } from '../../../src/gateway/routing/classify.js';
import { type CooldownTarget, createCooldowns } from '../../../src/gateway/routing/cooldowns.js';
import type { Failure, FailureKind } from '../../../src/gateway/routing/failure.js';
import { FAILURE_POLICY } from '../../../src/gateway/routing/failurePolicy.js';
import { createManualClock } from '../../support/manualClock.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function target(change: Partial<CooldownTarget> = {}): CooldownTarget {
  return { provider: 'groq', model: 'm1', keyId: 'k1', host: 'api.groq.com', isLocal: false, ...change };
}
function failure(kind: FailureKind, change: Partial<Failure> = {}): Failure {
  return { ...failureOf(kind, 'their words'), ...change };
}
function bed() {
  const clock = createManualClock();
  const changes: [string, number | null][] = [];
  const gone: string[] = [];
  const cooldowns = createCooldowns(clock, {
    onChange: (cooldown, until) => changes.push([cooldown.kind, until === null ? null : until - clock.now()]),
    onGone: (provider, model) => gone.push(`${provider}/${model}`),
  });
  const leftMs = (of: CooldownTarget = target()) => (cooldowns.check(of)?.until ?? clock.now()) - clock.now();
  return { clock, cooldowns, changes, gone, leftMs };
}

describe('cooldowns', () => {
  const others = {
    'another model': target({ model: 'm2' }),
    'another key': target({ keyId: 'k2' }),
    'another provider, same host': target({ provider: 'custom:x', keyId: 'k3' }),
    'all else': target({ provider: 'google', keyId: 'k4', host: 'google.com' }),
  };
  const scopes: [FailureKind, number, (keyof typeof others)[]][] = [
    ['auth', 5 * MINUTE, ['another model']],
    ['credit', 24 * HOUR, ['another model']],
    ['forbidden', 24 * HOUR, []],
    ['challenge', 90 * SECOND, ['another model', 'another key']],
    ['gone', HOUR, ['another key']],
    ['daily_quota', 24 * HOUR, []],
    ['rate_limit', MINUTE, []],
    ['overloaded', 30 * SECOND, ['another key']],
    ['network', 15 * SECOND, ['another model', 'another key', 'another provider, same host']],
    ['slow', 30 * SECOND, ['another key']],
    ['too_large', 0, []],
    ['bad_request', 0, []],
    ['empty', 0, []],
  ];
  for (const [kind, ms, alsoOn] of scopes) {
    it(`${kind}: ${ms} ms, also on ${alsoOn.join(', ') || 'nothing else'}`, () => {
      const { clock, cooldowns, leftMs } = bed();
      cooldowns.begin(failure(kind), target());
      assert.equal(leftMs(), ms);
      for (const [name, other] of Object.entries(others)) {
        assert.equal(leftMs(other), alsoOn.includes(name as keyof typeof others) ? ms : 0, name);
      }
      clock.advance(ms);
      assert.equal(cooldowns.check(target()), null);
      assert.deepEqual(cooldowns.list(), []);
    });
  }
  it('the table above has every kind', () => assert.equal(scopes.length, Object.keys(FAILURE_POLICY).length));

  it('doubles to the cap, and starts over after a success', () => {
    const { clock, cooldowns, leftMs } = bed();
    const seen: number[] = [];
    for (let round = 0; round < 6; round++) {
      cooldowns.begin(failure('rate_limit'), target());
      seen.push(leftMs() / SECOND);
      clock.advance(leftMs());
    }
    assert.deepEqual(seen, [60, 120, 240, 480, 600, 600]);
    cooldowns.success(target());
    cooldowns.begin(failure('rate_limit'), target());
    assert.equal(leftMs(), MINUTE);
  });

  it('takes what the provider stated, at most 24 h; it does not double', () => {
    const { clock, cooldowns, leftMs } = bed();
    for (let round = 0; round < 3; round++) {
      cooldowns.begin(failure('rate_limit', { retryAfterMs: 2000 }), target());
      assert.equal(leftMs(), 2000);
      clock.advance(2000);
    }
    cooldowns.begin(failure('rate_limit'), target());
    assert.equal(leftMs(), MINUTE);
    cooldowns.begin(failure('credit', { retryAfterMs: 10 * 24 * HOUR }), target());
    assert.equal(leftMs(), 24 * HOUR);
  });

  it('a failure beside another does not double, a longer stated wait prolongs', () => {
    const { clock, cooldowns, leftMs, changes } = bed();
    const first = cooldowns.begin(failure('rate_limit'), target());
    clock.advance(SECOND);
    assert.equal(cooldowns.begin(failure('rate_limit'), target()), first);
    cooldowns.begin(failure('rate_limit', { retryAfterMs: 5 * MINUTE }), target());
    assert.equal(leftMs(), 5 * MINUTE);
    assert.equal(cooldowns.list()[0]?.id, first?.id);
    assert.equal(cooldowns.list().length, 1);
    cooldowns.begin(failure('rate_limit', { retryAfterMs: SECOND }), target());
    assert.equal(leftMs(), 5 * MINUTE);
    assert.deepEqual(changes, [
      ['rate_limit', MINUTE],
      ['rate_limit', 5 * MINUTE],
    ]);
  });

  it('a local endpoint rests 5 s at most, whatever the kind', () => {
    for (const kind of Object.keys(FAILURE_POLICY) as FailureKind[]) {
      const { cooldowns, leftMs } = bed();
      const local = target({ isLocal: true });
      cooldowns.begin(failure(kind, { retryAfterMs: HOUR }), local);
      assert.ok(leftMs(local) <= 5 * SECOND, kind);
    }
  });

  it('a shared day lies on the whole key', () => {
    const { cooldowns, leftMs } = bed();
    cooldowns.begin(failure('daily_quota', { retryAfterMs: HOUR }), target({ hasSharedQuota: true }));
    assert.equal(leftMs(target({ model: 'm2' })), HOUR);
    assert.equal(leftMs(target({ keyId: 'k2' })), 0);
  });

  it('empty only from the third in a row', () => {
    const { cooldowns, leftMs } = bed();
    const empty = () => cooldowns.begin(failure('empty'), target());
    assert.deepEqual([empty(), empty()], [null, null]);
    cooldowns.success(target());
    assert.deepEqual([empty(), empty()], [null, null]);
    assert.equal(empty()?.kind, 'empty');
    assert.equal(leftMs(), 30 * SECOND);
  });

  it('gone: disabled at the second strike, or at once when final; never for a web page', () => {
    const { clock, cooldowns, gone } = bed();
    cooldowns.begin(failure('gone'), target());
    cooldowns.begin(failure('gone'), target());
    assert.deepEqual(gone, [], 'two at the same moment are one');
    clock.advance(HOUR);
    cooldowns.begin(failure('gone'), target({ keyId: 'k2' }));
    assert.deepEqual(gone, ['groq/m1']);
    cooldowns.begin(failure('gone', { isFinal: true }), target({ model: 'm2' }));
    assert.deepEqual(gone, ['groq/m1', 'groq/m2']);
    for (let round = 0; round < 5; round++)
      cooldowns.begin(failure('gone', { isFinal: false }), target({ model: 'm3' }));
    cooldowns.begin(failure('gone'), target({ model: 'm4' }));
    cooldowns.success(target({ model: 'm4' }));
    cooldowns.begin(failure('gone'), target({ model: 'm4' }));
    assert.equal(gone.length, 2);
  });

  it('a success lifts what it disproves, not what began after it', () => {
    const { clock, cooldowns, leftMs, changes } = bed();
    const startedAt = clock.now();
    clock.advance(SECOND);
    cooldowns.begin(failure('rate_limit'), target());
    cooldowns.success(target(), startedAt);
    assert.equal(leftMs(), MINUTE);
    cooldowns.begin(failure('network'), target());
    cooldowns.begin(failure('auth'), target({ keyId: 'k2' }));
    cooldowns.success(target());
    assert.equal(leftMs(), 0);
    assert.equal(leftMs(target({ keyId: 'k2' })), 5 * MINUTE);
    assert.equal(changes.filter(([, left]) => left === null).length, 2);
  });

  for (const stated of [0, -5000]) {
    it(`a wait of ${stated} ms is none: the own length holds`, () => {
      const { cooldowns, leftMs } = bed();
      cooldowns.begin(failure('rate_limit', { retryAfterMs: stated }), target());
      assert.equal(leftMs(), MINUTE);
      const other = target({ keyId: 'k2' });
      cooldowns.begin(failure('daily_quota', { retryAfterMs: stated }), other);
      assert.equal(leftMs(other), 24 * HOUR);
    });
  }

  describe('made while the clock was three years ahead', () => {
    const YEARS = 3 * 365 * 24 * HOUR;
    const wrong = () => {
      const ahead = createManualClock(Date.UTC(2026, 10, 21, 12) + YEARS);
      const made = createCooldowns(ahead);
      made.begin(failure('auth'), target());
      return made.list();
    };

    it('last no longer than they were made for once it is right, and the next one is not doubled', () => {
      const { clock } = bed();
      let offset = YEARS;
      const own = createCooldowns({ ...clock, now: () => clock.now() + offset });
      own.begin(failure('network'), target());
      offset = 0;
      assert.equal((own.check(target())?.until ?? 0) - clock.now(), 15 * SECOND);
      clock.advance(15 * SECOND);
      assert.equal(own.check(target()), null);
      own.begin(failure('network'), target());
      assert.equal((own.check(target())?.until ?? 0) - clock.now(), 15 * SECOND);
    });

    it('are cut when they are restored, and the ledger is told', () => {
      const { clock, cooldowns, changes, leftMs } = bed();
      cooldowns.restore(wrong());
      assert.equal(leftMs(), 5 * MINUTE);
      assert.deepEqual(changes, [['auth', 5 * MINUTE]]);
      clock.advance(5 * MINUTE);
      assert.equal(leftMs(), 0);
    });

    it('never last over a day', () => {
      const { cooldowns, leftMs } = bed();
      cooldowns.restore(wrong().map((cooldown) => ({ ...cooldown, until: cooldown.until + YEARS })));
      assert.equal(leftMs(), 24 * HOUR);
    });
  });

  it('clear by id and by key', () => {
    const { cooldowns, leftMs } = bed();
    const begun = cooldowns.begin(failure('overloaded'), target());
    cooldowns.begin(failure('auth'), target());
    cooldowns.begin(failure('rate_limit'), target());
    cooldowns.clearKey('k1');
    assert.deepEqual(
      cooldowns.list().map((cooldown) => cooldown.kind),
      ['overloaded'],
    );
    assert.equal(cooldowns.clear('nonsense'), false);
    assert.equal(cooldowns.clear(begun?.id ?? ''), true);
    assert.equal(leftMs(), 0);
  });

  it('keyless providers do not share a key', () => {
    const { cooldowns, leftMs } = bed();
    const kilo = target({ provider: 'kilo', keyId: null, host: 'kilo' });
    cooldowns.begin(failure('credit'), kilo);
    assert.equal(leftMs(kilo), 24 * HOUR);
    assert.equal(leftMs(target({ provider: 'ovh', keyId: null, host: 'ovh' })), 0);
  });
});
