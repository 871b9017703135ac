import assert from 'node:assert/strict';
import { MAX_SESSIONS, SessionStore } from '../../../../src/gateway/routing/sticky/sessionStore.js';
import { minute } from '../../../support/failoverScene.js';
import { createManualClock } from '../../../support/manualClock.js';

describe('SessionStore', () => {
  const idle = 30 * minute;

  it('forgets a session that was not used for so long, and no sooner', () => {
    const clock = createManualClock();
    const store = new SessionStore(clock.now);
    store.put(1, { name: 'a/x', keyId: 'k' });
    clock.advance(idle - 1);
    assert.equal(store.use(1, idle)?.name, 'a/x');
    clock.advance(idle - 1);
    assert.equal(store.use(1, idle)?.name, 'a/x', 'each use counts');
    clock.advance(idle);
    assert.equal(store.use(1, idle), null);
    assert.equal(store.size, 0);
  });

  it('follows the setting at once, and survives a clock that goes back', () => {
    const clock = createManualClock();
    const store = new SessionStore(clock.now);
    store.put(1, { name: 'a/x', keyId: 'k' });
    clock.advance(-minute);
    assert.equal(store.use(1, idle)?.keyId, 'k');
    clock.advance(5 * minute);
    assert.equal(store.use(1, 5 * minute), null);
  });

  it('keeps the sessions used last when there are too many', () => {
    const store = new SessionStore(createManualClock().now);
    for (let key = 0; key < MAX_SESSIONS; key++) store.put(key, { name: `a/${key}`, keyId: 'k' });
    store.use(0, idle);
    store.put(1, { name: 'b/1', keyId: 'k' });
    store.put(MAX_SESSIONS, { name: 'a/new', keyId: 'k' });
    store.put(MAX_SESSIONS + 1, { name: 'a/newer', keyId: 'k' });
    assert.equal(store.size, MAX_SESSIONS);
    assert.equal(store.use(0, idle)?.name, 'a/0');
    assert.equal(store.use(1, idle)?.name, 'b/1');
    assert.equal(store.use(2, idle), null);
    assert.equal(store.use(3, idle), null);
    assert.equal(store.use(4, idle)?.name, 'a/4');
  });
});
