import assert from 'node:assert/strict';
import { GRACE_MS, REMOVAL_MS, type Removal, Removals } from '../../../src/vscode/panels/removals.js';
import { createManualClock } from '../../support/manualClock.js';

function scene() {
  const clock = createManualClock();
  const removed: string[] = [];
  const told: Removal[][] = [];
  const removals = new Removals({
    remove: async (id) => void removed.push(id),
    onChange: (list) => told.push(list),
    now: clock.now,
    after: clock.after,
  });
  return { clock, removed, told, removals };
}

describe('removals that can be undone', () => {
  it('happen when their time is over, and are told of', async () => {
    const { clock, removed, told, removals } = scene();
    removals.begin('a');
    removals.begin('a');
    assert.deepEqual(told, [[{ keyId: 'a', until: clock.now() + REMOVAL_MS }]]);
    await clock.advance(REMOVAL_MS);
    assert.deepEqual(removed, [], 'what was pressed in the last moment is on its way');
    await clock.advance(GRACE_MS);
    assert.deepEqual([removed, removals.list, told.at(-1)], [['a'], [], []]);
  });

  it('do not happen when they are undone, or the window closes', async () => {
    const { clock, removed, removals } = scene();
    removals.begin('a');
    removals.begin('b');
    removals.undo('a');
    removals.undo('none');
    assert.deepEqual(
      removals.list.map(({ keyId }) => keyId),
      ['b'],
    );
    removals.dispose();
    await clock.advance(REMOVAL_MS + GRACE_MS);
    assert.deepEqual(removed, []);
  });

  it('cannot be undone while they happen: what would come back would go again', async () => {
    const clock = createManualClock();
    const told: string[] = [];
    let done = (): void => undefined;
    const removals = new Removals({
      remove: () => new Promise((resolve) => (done = resolve)),
      onChange: (list) => told.push(list.map(({ keyId }) => keyId).join()),
      now: clock.now,
      after: clock.after,
    });
    removals.begin('a');
    await clock.advance(REMOVAL_MS + GRACE_MS);
    removals.undo('a');
    assert.deepEqual(told, ['a']);
    done();
    await clock.advance(0);
    assert.deepEqual(told, ['a', '']);
  });
});
