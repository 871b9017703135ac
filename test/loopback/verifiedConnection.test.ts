import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { credentialOf, proofOf } from '../../src/loopback/proof.js';
import { connectHost, VerifiedConnection } from '../../src/loopback/verifiedConnection.js';
import { WhoisError } from '../../src/loopback/whois.js';

const secret = 'the-gateway-secret-0123456789abcdef0123456789';
const first = '1111111111111111';
const second = '2222222222222222';

interface Place {
  port: number;
  /** Every byte that came. */
  received(): string;
  connections(): number;
  close(): Promise<void>;
}

/** A server that keeps what it is sent. */
async function listen(server: Server | net.Server, port = 0): Promise<Place> {
  let received = '';
  let connections = 0;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received: () => received,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface WhoisChange {
  instance?: string;
  port?: number;
  nonce?: string;
  proof?: string;
}

/** Answers whois as a gateway with this secret would, with something changed, and all else with its instance. */
function gateway(change: WhoisChange = {}, by = secret): RequestListener {
  return ({ url = '', headers, socket }, response) => {
    const instance = change.instance ?? first;
    const nonce = change.nonce ?? new URL(url, 'http://x').searchParams.get('nonce') ?? '';
    const port = change.port ?? socket.localPort ?? 0;
    const proof = change.proof ?? proofOf(by, { nonce, port, instance });
    const body = url.startsWith('/api/whois')
      ? { app: 'freellm', instance, version: '1.2.3', schema: 1, proof }
      : { instance, isAllowed: headers.authorization === `Bearer ${credentialOf(secret, instance)}` };
    const text = JSON.stringify(body);
    response.writeHead(200, { 'content-length': text.length, 'x-filler': 'x' }).end(text);
  };
}

describe('verified connection', () => {
  let places: Place[] = [];
  let made: VerifiedConnection[] = [];
  afterEach(async () => {
    for (const connection of made) connection.dispose();
    await Promise.all(places.map((place) => place.close()));
    places = [];
    made = [];
  });

  async function serve(listener: RequestListener, port = 0): Promise<Place> {
    const place = await listen(createServer(listener), port);
    places.push(place);
    return place;
  }
  function connectTo({ port }: Place): VerifiedConnection {
    const connection = new VerifiedConnection({ url: `http://127.0.0.1:${port}`, instance: first, secret });
    made.push(connection);
    return connection;
  }
  function call(connection: VerifiedConnection, method = 'GET'): Promise<{ instance: string; isAllowed: boolean }> {
    return new Promise((resolve, reject) => {
      const request = connection.request({ method, path: '/api/state' });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve(JSON.parse(text)));
      });
      request.end();
    });
  }
  async function assertRefused(
    connection: VerifiedConnection,
    kind: WhoisError['kind'],
    method = 'GET',
  ): Promise<void> {
    await assert.rejects(call(connection, method), (error) => error instanceof WhoisError && error.kind === kind);
  }
  /** Nothing of ours ever came there but questions. */
  function assertNothingSecret(place: Place): void {
    const text = place.received();
    assert.match(text, /^GET \/api\/whois\?nonce=[0-9a-f]{32} HTTP\/1\.1\r\n/);
    assert.doesNotMatch(text, /authorization|bearer|\/api\/state/i);
    for (const instance of [first, second]) assert.ok(!text.includes(credentialOf(secret, instance)));
    assert.ok(!text.includes(secret));
  }

  it('asks who is there once a connection, then calls', async () => {
    const place = await serve(gateway());
    const connection = connectTo(place);
    assert.deepEqual(await call(connection), { instance: first, isAllowed: true });
    assert.deepEqual(await call(connection), { instance: first, isAllowed: true });
    assert.equal(place.connections(), 1);
    assert.equal(place.received().match(/\/api\/whois/g)?.length, 1);
  });

  const strangers: [string, RequestListener][] = [
    ['answers 200 to everything', (_, response) => void response.end('{"status":"ok"}')],
    ['answers 404', (_, response) => void response.writeHead(404).end()],
    ['answers without end', (_, response) => void response.write('x'.repeat(20_000))],
    ['holds another secret', gateway({}, 'another secret')],
    ['replays the proof of another nonce', gateway({ nonce: '0'.repeat(32) })],
    [
      'replays the proof of another instance',
      (incoming, response) => {
        const nonce = new URL(incoming.url ?? '', 'http://x').searchParams.get('nonce') ?? '';
        const port = incoming.socket.localPort ?? 0;
        gateway({ instance: second, proof: proofOf(secret, { nonce, port, instance: first }) })(
          incoming,
          response as never,
        );
      },
    ],
    ['relays the proof of our gateway on another port', gateway({ port: 1 })],
  ];
  for (const [title, listener] of strangers) {
    it(`gives nothing away to a stranger that ${title}`, async () => {
      const place = await serve(listener);
      const connection = connectTo(place);
      await assertRefused(connection, 'stranger');
      await assertRefused(connection, 'stranger');
      assertNothingSecret(place);
    });
  }

  it('takes nothing that came before it was asked for', async () => {
    const place = await listen(
      net.createServer((socket) => {
        socket.once('data', (bytes) => {
          const nonce = /nonce=([0-9a-f]+)/.exec(String(bytes))?.[1] ?? '';
          const proof = proofOf(secret, { nonce, port: socket.localPort ?? 0, instance: first });
          const body = JSON.stringify({ app: 'freellm', instance: first, version: '1', schema: 1, proof });
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}HTTP/1.1 200 OK\r\n\r\n`);
        });
      }),
    );
    places.push(place);
    await assertRefused(connectTo(place), 'stranger');
    assertNothingSecret(place);
  });

  it('says when nobody is there', async () => {
    const place = await serve(gateway());
    await place.close();
    places = [];
    const error = await call(connectTo(place)).catch((cause: unknown) => cause);
    assert.ok(error instanceof WhoisError);
    assert.deepEqual([error.kind, error.code], ['gone', 'ECONNREFUSED']);
    const mute = await listen(net.createServer((socket) => socket.end()));
    places.push(mute);
    await assertRefused(connectTo(mute), 'gone');
  });

  it('goes on with a leader that replaced ours, and not with a stranger that did', async () => {
    // Each change has a connection of its own.
    const place = await serve(gateway());
    const connection = connectTo(place);
    assert.equal((await call(connection, 'POST')).instance, first);
    await place.close();
    const next = await serve(gateway({ instance: second }), place.port);
    await assertRefused(connection, 'replaced', 'POST');
    assert.ok(!next.received().includes('authorization'), 'the credential of the first is not for the second');
    assert.deepEqual(await call(connection, 'POST'), { instance: second, isAllowed: true });
    await next.close();
    const stranger = await serve((_, response) => void response.end('{}'), place.port);
    places = [stranger];
    await assertRefused(connection, 'stranger', 'POST');
    assertNothingSecret(stranger);
  });

  it('knows where a gateway is reached that is bound wide', () => {
    assert.deepEqual(['0.0.0.0', '[::]', '::', '[::1]', '127.0.0.1', 'box'].map(connectHost), [
      '127.0.0.1',
      '::1',
      '::1',
      '::1',
      '127.0.0.1',
      'box',
    ]);
  });
});
