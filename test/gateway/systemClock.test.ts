import assert from 'node:assert/strict';
import { systemClock } from '../../src/gateway/systemClock.js';

const LONGEST = 2 ** 31 - 1;

describe('the real clock', () => {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis;
  let timers: { ms: number; run: () => void; isCleared: boolean }[] = [];

  beforeEach(() => {
    timers = [];
    const fake = (run: () => void, ms: number) => {
      const timer = { ms, run, isCleared: false, unref: () => timer };
      timers.push(timer);
      return timer;
    };
    Object.assign(globalThis, {
      setTimeout: fake,
      clearTimeout: (timer: { isCleared: boolean }) => {
        timer.isCleared = true;
      },
    });
  });
  afterEach(() => void Object.assign(globalThis, { setTimeout: realSet, clearTimeout: realClear }));

  it('waits in steps for what is longer than a timer can be: 2^31 ms would fire at once', () => {
    let fired = 0;
    systemClock.after(2 * LONGEST + 5, () => fired++);
    for (let step = 0; step < 3; step++) {
      assert.equal(fired, 0);
      timers[step]?.run();
    }
    assert.equal(fired, 1);
    assert.deepEqual(
      timers.map(({ ms }) => ms),
      [LONGEST, LONGEST, 5],
    );
  });

  it('cancels whichever step it is at', () => {
    const cancel = systemClock.after(LONGEST + 5, () => assert.fail('it was canceled'));
    timers[0]?.run();
    cancel();
    assert.deepEqual(
      timers.map(({ isCleared }) => isCleared),
      [false, true],
    );
  });
});
