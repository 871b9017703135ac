import assert from 'node:assert/strict';
import { VerifiedConnection } from '../../src/loopback/verifiedConnection.js';
import { ApiError } from '../../src/protocol/apiClient.js';
import type { GatewayEvent } from '../../src/protocol/events.js';
import { AdminClient } from '../../src/vscode/adminClient.js';
import { EventStream } from '../../src/vscode/eventStream.js';
import { LeaderConnections } from '../../src/vscode/leaderConnections.js';
import { useBed } from '../support/bed.js';
import { testInstance, testSecret } from '../support/gateway.js';

describe('admin client', () => {
  const bed = useBed();
  let connections: VerifiedConnection[] = [];
  afterEach(() => {
    for (const connection of connections) connection.dispose();
    connections = [];
  });
  function connect(url: string, change: { instance?: string; secret?: string } = {}): VerifiedConnection {
    const connection = new VerifiedConnection({ url, instance: testInstance, secret: testSecret, ...change });
    connections.push(connection);
    return connection;
  }

  it('reads and changes by the credential alone', async () => {
    const gateway = await bed.gateway();
    const client = new AdminClient(connect(gateway.url));
    assert.deepEqual(await client.endpoint(), { baseUrl: `${gateway.url}/v1`, token: gateway.token });
    const { key } = await client.addKey({ provider: 'custom:lab', baseUrl: 'http://127.0.0.1:9/v1', label: 'mine' });
    await client.changeKey(key.id, { label: 'renamed' });
    assert.deepEqual(
      (await client.keys()).map(({ label }) => label),
      ['renamed'],
    );
    await assert.rejects(client.removeKey('none'), (error) => error instanceof ApiError && error.status === 404);
  });

  it('finds the leader that came after the one it knew, for a change too', async () => {
    const gateway = await bed.gateway();
    const reader = new AdminClient(connect(gateway.url, { instance: '0000000000000000' }));
    assert.equal((await reader.endpoint()).token, gateway.token);
    const writer = new AdminClient(connect(gateway.url, { instance: '0000000000000000' }));
    const { key } = await writer.addKey({ provider: 'custom:lab', baseUrl: 'http://127.0.0.1:9/v1' });
    assert.equal((await writer.keys())[0]?.id, key.id);
  });

  it('calls no gateway that cannot prove itself', async () => {
    const gateway = await bed.gateway();
    const client = new AdminClient(connect(gateway.url, { secret: 'another' }));
    await assert.rejects(client.state(), (error) => error instanceof ApiError && error.kind === 'unreachable');
  });

  it('is ended by its signal', async () => {
    const gateway = await bed.gateway();
    const reason = new Error('the user left');
    await assert.rejects(new AdminClient(connect(gateway.url)).state(AbortSignal.abort(reason)), reason);
  });

  it('follows the events over the same connection', async () => {
    const gateway = await bed.gateway();
    const event = await new Promise<GatewayEvent>((resolve) => {
      const stream = new EventStream(connect(gateway.url), {
        onOpen: () => {},
        onEvent: (first) => {
          stream.dispose();
          resolve(first);
        },
      });
    });
    assert.equal(event.type, 'gateway.changed');
  });

  it('is one connection as long as it leads to the same place', () => {
    let endpoint: { url: string; instance: string; secret: string } | null = null;
    const leader = new LeaderConnections(() => endpoint);
    assert.equal(leader.current(), null);
    endpoint = { url: 'http://127.0.0.1:1', instance: 'a', secret: 's' };
    const first = leader.current();
    endpoint = { ...endpoint, instance: 'b' };
    assert.equal(leader.current(), first);
    endpoint = { ...endpoint, url: 'http://127.0.0.1:2' };
    assert.notEqual(leader.current(), first);
    leader.dispose();
  });
});
