import assert from 'node:assert/strict';
import { VerifiedConnection } from '../../src/loopback/verifiedConnection.js';
import { EventStream } from '../../src/vscode/eventStream.js';
import { type FloodingLeader, startFloodingLeader } from '../support/floodingLeader.js';

describe('event stream', () => {
  let leader: FloodingLeader;
  let connection: VerifiedConnection;
  beforeEach(async () => {
    leader = await startFloodingLeader();
    connection = new VerifiedConnection(leader.endpoint);
  });
  afterEach(async () => {
    connection.dispose();
    await leader.close();
  });

  it('breaks at an event that is too large, and is opened again without asking for that one', async () => {
    const told: string[] = [];
    await new Promise<void>((resolve) => {
      const stream = new EventStream(connection, {
        onOpen: () => {
          told.push('open');
          if (told.length < 4) return;
          stream.dispose();
          resolve();
        },
        onEvent: ({ type }) => void told.push(type),
        onBroken: (why) => void told.push(why.replace(/ of .*/, '')),
      });
    });
    assert.deepEqual(told, ['open', 'gateway.changed', 'Buffered data exceeded max buffer size', 'open']);
    assert.deepEqual(leader.asked, ['', '']);
  });
});
