import assert from 'node:assert/strict';
import { watchLeader } from '../../../src/gateway/leadership/leaderWatch.js';
import { type FloodingLeader, startFloodingLeader } from '../../support/floodingLeader.js';
import { createManualClock } from '../../support/manualClock.js';

describe('watching a leader', () => {
  let leader: FloodingLeader;
  beforeEach(async () => {
    leader = await startFloodingLeader();
  });
  afterEach(() => leader.close());

  it('ends, once, when the leader sends an event that is too large', async () => {
    const clock = createManualClock();
    let times = 0;
    const why = await new Promise<string>((resolve) => {
      watchLeader(leader.endpoint, clock, {
        onKeys: () => undefined,
        onRemoved: () => undefined,
        onGone: (reason) => {
          times += 1;
          resolve(reason);
        },
      });
    });
    assert.match(why, /max buffer size/);
    await leader.close();
    assert.equal(times, 1);
    assert.deepEqual(clock.pending(), []);
  });
});
