import assert from 'node:assert/strict';
import { REMOVAL_MS, type Removal, Removals } from '../../../src/vscode/panels/removals.js';
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
    await clock.advance(REMOVAL_MS - 1);
    assert.deepEqual(removed, []);
    await clock.advance(1);
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
    await clock.advance(REMOVAL_MS);
    assert.deepEqual(removed, []);
  });
});
