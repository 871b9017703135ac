import assert from 'node:assert/strict';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import { EventBatch } from '../../../src/vscode/panels/eventBatch.js';

const progressed = (id: string, completionTokens: number): GatewayEvent => ({
  type: 'request.progressed',
  id,
  at: 0,
  provider: 'p',
  model: 'm',
  completionTokens,
});
const started = (id: string): GatewayEvent => ({
  type: 'request.started',
  id,
  at: 0,
  model: 'auto',
  stream: true,
  client: null,
});

describe('the batch of events', () => {
  it('hands over together what happens within a frame, of the same the last', async () => {
    const events = await new Promise<GatewayEvent[]>((resolve, reject) => {
      const batch = new EventBatch(resolve, reject);
      batch.add(started('a'));
      batch.add(progressed('a', 1));
      batch.add(progressed('b', 1));
      batch.add(progressed('a', 2));
    });
    assert.deepEqual(events, [started('a'), progressed('b', 1), progressed('a', 2)]);
  });

  it('gives up telling each when there are too many', async () => {
    await new Promise<void>((resolve, reject) => {
      const batch = new EventBatch(reject, resolve);
      for (let index = 0; index <= 2_000; index += 1) batch.add(started(String(index)));
    });
  });
});
