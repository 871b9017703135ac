import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UseLog } from '../../../src/gateway/quota/useLog.js';

type Step =
  | { type: 'add'; time: number; amount: number }
  | { type: 'remove'; number: number }
  | { type: 'expire'; time: number };

describe('use log', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({
        type: fc.constant('add' as const),
        time: fc.integer({ min: 0, max: 60 }),
        amount: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({ type: fc.constant('remove' as const), number: fc.nat(30) }),
      fc.record({ type: fc.constant('expire' as const), time: fc.integer({ min: 0, max: 60 }) }),
    ),
    { maxLength: 80 },
  );

  it('holds what a plain list holds', () => {
    fc.assert(
      fc.property(steps, (all: Step[]) => {
        const log = new UseLog();
        let plain: { time: number; amount: number }[] = [];
        for (const step of all) {
          if (step.type === 'add') {
            log.add(step.time, step.amount);
            plain.push({ time: step.time, amount: step.amount });
          } else if (step.type === 'expire') {
            log.expire(step.time);
            plain = plain.filter(({ time }) => time > step.time);
          } else {
            const [some] = plain.slice(step.number, step.number + 1);
            if (some) {
              assert.equal(log.remove(some.time, some.amount), true);
              plain.splice(step.number, 1);
            } else assert.equal(log.remove(1000, 1), false);
          }
          plain.sort((a, b) => a.time - b.time);
          const total = plain.reduce((sum, { amount }) => sum + amount, 0);
          assert.equal(log.total, total);
          assert.equal(log.timeFreeing(total + 1), null);
          let freed = 0;
          for (const { time, amount } of plain) {
            freed += amount;
            assert.ok((log.timeFreeing(freed) ?? 0) <= time);
          }
        }
      }),
    );
  });

  it('keeps 4,096 entries exactly, and joins more so that none counts shorter', () => {
    const log = new UseLog();
    for (let time = 1; time <= 20_000; time++) {
      log.add(time, 1);
      assert.ok(log.size <= 4096);
    }
    assert.equal(log.total, 20_000);
    log.expire(10_000);
    assert.ok(log.total >= 10_000 && log.total < 10_020, `${log.total}`);
    log.expire(20_000);
    assert.deepEqual([log.total, log.size, log.newest], [0, 0, null]);
  });
});
