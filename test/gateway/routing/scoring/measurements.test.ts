import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FailureKind } from '../../../../src/gateway/routing/failure.js';
import { HALF_LIFE_MS, Measurements, TYPICAL_TOKENS } from '../../../../src/gateway/routing/scoring/measurements.js';
import { createManualClock } from '../../../support/manualClock.js';

const model = (speedRank = 5, name = 'groq/a') => ({ name, catalog: { speedRank } });

function scene() {
  const clock = createManualClock();
  return { clock, measured: new Measurements(clock) };
}

/** One thing that may happen to a model. */
const sample = fc.oneof(
  fc.record({
    type: fc.constant('answered' as const),
    ms: fc.integer({ min: 1, max: 120_000 }),
    firstShare: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    tokens: fc.integer({ min: 0, max: 4000 }),
  }),
  fc.record({
    type: fc.constant('failed' as const),
    kind: fc.constantFrom<FailureKind>('overloaded', 'slow', 'rate_limit', 'auth', 'bad_request'),
    ms: fc.integer({ min: 1, max: 60_000 }),
  }),
);
type Sample = typeof sample extends fc.Arbitrary<infer T> ? T : never;

function apply(measured: Measurements, one: Sample): void {
  if (one.type === 'failed') measured.failed(model(), one.kind, one.ms);
  else measured.answered(model(), one.ms, one.firstShare === null ? null : one.ms * one.firstShare, one.tokens);
}

describe('measurements', () => {
  it('begin at what the catalog lets expect, slower with each rank', () => {
    const { clock, measured } = scene();
    assert.deepEqual(measured.reliability(model(), clock.now()), { value: 0.9, samples: 0 });
    const times = [1, 2, 9, 15].map((rank) => measured.answerMs(model(rank), clock.now()).value);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
    assert.equal(
      measured.answerMs(model(1000), clock.now()).value,
      measured.answerMs(model(9), clock.now()).value,
      'unknown models are taken for the usual',
    );
  });

  it('move little by one answer and wholly by many', () => {
    const { clock, measured } = scene();
    const before = measured.answerMs(model(), clock.now()).value;
    const truth = 100 + (TYPICAL_TOKENS * 1000) / 1000;
    measured.answered(model(), 1100, 100, 1000);
    const once = measured.answerMs(model(), clock.now()).value;
    assert.ok(once < before && once > truth * 1.5, `${before} ${once}`);
    for (let n = 0; n < 50; n++) measured.answered(model(), 1100, 100, 1000);
    assert.ok(Math.abs(measured.answerMs(model(), clock.now()).value / truth - 1) < 0.1);
    assert.ok(measured.reliability(model(), clock.now()).value > 0.99);
  });

  it('learn the speed of answers that come whole', () => {
    const { clock, measured } = scene();
    for (let n = 0; n < 30; n++) {
      measured.answered(model(5, 'a/quick'), 400, null, 100);
      measured.answered(model(5, 'a/slow'), 8000, null, 100);
    }
    const ratio =
      measured.answerMs(model(5, 'a/slow'), clock.now()).value /
      measured.answerMs(model(5, 'a/quick'), clock.now()).value;
    assert.ok(ratio > 12 && ratio <= 20, String(ratio));
  });

  it('do not let one answer of a minute outweigh ten quick ones', () => {
    const { clock, measured } = scene();
    for (let n = 0; n < 10; n++) measured.answered(model(), 1500, 500, 300);
    const before = measured.answerMs(model(), clock.now()).value;
    measured.answered(model(), 61_000, 60_000, 300);
    assert.ok(measured.answerMs(model(), clock.now()).value < before * 2);
  });

  it('blame the model for what is its own, a limit by a quarter, and nobody for the client and for a key', () => {
    const { clock, measured } = scene();
    const after = (kind: FailureKind) => {
      measured.failed(model(5, `x/${kind}`), kind, 10);
      return measured.reliability(model(5, `x/${kind}`), clock.now());
    };
    for (const kind of ['bad_request', 'too_large', 'auth', 'credit', 'forbidden'] as const) {
      assert.deepEqual(after(kind), { value: 0.9, samples: 0 }, kind);
    }
    assert.deepEqual(after('overloaded'), { value: 3.6 / 5, samples: 1 });
    assert.deepEqual(after('rate_limit'), { value: 3.6 / 4.25, samples: 0.25 });
    const slowest = measured.answerMs(model(5, 'x/none'), clock.now()).value;
    measured.failed(model(5, 'x/slow'), 'slow', 30_000);
    assert.ok(measured.answerMs(model(5, 'x/slow'), clock.now()).value > slowest);
  });

  it('count half after the half-life, and are forgotten in a day', () => {
    const { clock, measured } = scene();
    for (let n = 0; n < 8; n++) measured.failed(model(), 'overloaded', 10);
    clock.advance(HALF_LIFE_MS);
    assert.ok(Math.abs(measured.reliability(model(), clock.now()).samples - 4) < 1e-9);
    clock.advance(24 * 60 * 60 * 1000);
    assert.ok(measured.reliability(model(), clock.now()).value > 0.899);
  });

  it('are worse after a failure and better after a success, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(sample, fc.integer({ min: 0, max: HALF_LIFE_MS })), { maxLength: 30 }),
        (samples) => {
          const { clock, measured } = scene();
          for (const [one, pause] of samples) {
            apply(measured, one);
            clock.advance(pause);
          }
          const reliability = () => measured.reliability(model(), clock.now()).value;
          const before = reliability();
          measured.failed(model(), 'overloaded', 1);
          const failed = reliability();
          assert.ok(failed < before, `${failed} ${before}`);
          measured.answered(model(), 100, 50, 10);
          assert.ok(reliability() > failed);
          assert.ok(before > 0 && before < 1);
        },
      ),
    );
  });

  it('are never better for an answer that took longer', () => {
    const times = fc.tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 0, max: 60_000 }));
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), times, fc.boolean(), (samples, [ms, more], isStream) => {
        const answerMs = (last: number) => {
          const { clock, measured } = scene();
          for (const one of samples) apply(measured, one);
          measured.answered(model(), last + 500, isStream ? last : null, 100);
          return measured.answerMs(model(), clock.now()).value;
        };
        assert.ok(answerMs(ms) <= answerMs(ms + more) * (1 + 1e-12));
      }),
    );
  });

  it('are the same after a restart', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 30 }), (samples) => {
        const { clock, measured } = scene();
        for (const one of samples) apply(measured, one);
        const again = new Measurements(clock);
        again.restore(JSON.parse(JSON.stringify(measured.takeChanged())));
        clock.advance(1000);
        assert.deepEqual(again.reliability(model(), clock.now()), measured.reliability(model(), clock.now()));
        assert.deepEqual(again.answerMs(model(), clock.now()), measured.answerMs(model(), clock.now()));
      }),
    );
  });

  it('take nothing from rows that somebody broke, nor a time to come for news', () => {
    const { clock, measured } = scene();
    const row = { at: clock.now(), good: 1, bad: 0, firstLog: 1, firstWeight: 1, rateLog: 1, rateWeight: 1 };
    measured.restore([
      { ...row, model: 'x/a', good: Number.NaN },
      { ...row, model: 'x/b', bad: -1 },
      { ...row, model: 'x/c', at: clock.now() + 10 * HALF_LIFE_MS, good: 8 },
    ]);
    assert.equal(measured.reliability(model(5, 'x/a'), clock.now()).samples, 0);
    assert.equal(measured.reliability(model(5, 'x/b'), clock.now()).samples, 0);
    clock.advance(HALF_LIFE_MS);
    assert.equal(measured.reliability(model(5, 'x/c'), clock.now()).samples, 4);
  });

  it('tell the ledger only what changed', () => {
    const { measured } = scene();
    measured.answered(model(), 100, 50, 10);
    assert.deepEqual(
      measured.takeChanged().map((row) => row.model),
      ['groq/a'],
    );
    assert.deepEqual(measured.takeChanged(), []);
  });
});
