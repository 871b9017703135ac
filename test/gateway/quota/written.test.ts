import assert from 'node:assert/strict';
import { MINUTE_MS, TRANSIT_MS } from '../../../src/gateway/quota/windows.js';
import { engineOf } from './engines.js';
import { done, mustLease, mustRefuse, TARGET } from './world.js';

const SECOND_MS = 1000;
/** A minute and the thousandth that clocks may differ by. */
const CYCLE_MS = MINUTE_MS * 1.001;

describe('a request whose answer takes long', () => {
  it('gives its slot back a minute after it was written, not after its headers', () => {
    const { clock, engine } = engineOf({ rpm: 1 });
    const lease = mustLease(engine);
    lease.sent();
    clock.advance(40 * SECOND_MS);
    lease.arrived();
    lease.settle(done());
    assert.equal(mustRefuse(engine).until, clock.now() - 40 * SECOND_MS + TRANSIT_MS + CYCLE_MS);
    clock.advance(22 * SECOND_MS + 60);
    mustLease(engine);
  });

  it('counts for longer where a slow line needs longer for its bytes', () => {
    const { clock, engine } = engineOf({ rpm: 1 });
    mustLease(engine).sent(400_000);
    assert.equal(mustRefuse(engine).until, clock.now() + TRANSIT_MS + 4 * SECOND_MS + CYCLE_MS);
  });

  it('counts twice when it was sent again, since both may have arrived', () => {
    const { clock, engine } = engineOf({ rpm: 3, rpd: 10 });
    const lease = mustLease(engine);
    lease.sent();
    clock.advance(30 * SECOND_MS);
    lease.sent();
    lease.arrived();
    lease.settle(done());
    const used = (kind: string) => engine.list().find((window) => window.kind === kind)?.used;
    assert.deepEqual([used('rpm'), used('rpd')], [2, 2]);
    clock.advance(32 * SECOND_MS + 60);
    assert.equal(used('rpm'), 1, 'the first copy has run out, the second has not');
  });
});

describe('nothing remaining on an answer', () => {
  const header = { kind: 'rpm', limit: 2, remaining: 0, source: 'header' } as const;

  it('closes nothing where our own count explains it', () => {
    const { clock, engine } = engineOf({ rpm: 2 });
    for (let count = 0; count < 2; count++) mustLease(engine).settle(done());
    clock.advance(30 * SECOND_MS);
    engine.observe(TARGET, [header]);
    assert.equal(mustRefuse(engine).until, clock.now() - 30 * SECOND_MS + CYCLE_MS);
  });

  it('holds what others spent for a whole minute', () => {
    const { clock, engine } = engineOf({ rpm: 2 });
    mustLease(engine).settle(done());
    clock.advance(30 * SECOND_MS);
    engine.observe(TARGET, [header]);
    clock.advance(31 * SECOND_MS);
    mustLease(engine).settle(done());
    assert.equal(mustRefuse(engine).until, clock.now() - 31 * SECOND_MS + CYCLE_MS);
  });

  it('closes the window until the stated time, or for its length where no limit is known', () => {
    const stated = engineOf({ rpm: 2 });
    stated.engine.observe(TARGET, [{ ...header, resetMs: 5 * SECOND_MS }]);
    assert.ok(mustRefuse(stated.engine).until! >= stated.clock.now() + 5 * SECOND_MS);
    const unknown = engineOf({});
    unknown.engine.observe(TARGET, [{ kind: 'rpm', remaining: 0, source: 'header' }]);
    assert.equal(mustRefuse(unknown.engine).until, unknown.clock.now() + CYCLE_MS);
  });
});
