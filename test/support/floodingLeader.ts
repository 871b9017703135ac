import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { proofOf } from '../../src/loopback/proof.js';
import type { LeaderEndpoint } from '../../src/loopback/verifiedConnection.js';

const secret = 'the-gateway-secret-0123456789abcdef0123456789';
const instance = '1111111111111111';

export interface FloodingLeader {
  endpoint: LeaderEndpoint;
  /** The `Last-Event-ID` of each time that the events were asked for; empty without one. */
  asked: string[];
  close(): Promise<void>;
}

/** Proves itself, then sends an event and after it a line that never ends. */
export async function startFloodingLeader(): Promise<FloodingLeader> {
  const asked: string[] = [];
  const server = createServer(({ url = '', headers, socket }, response) => {
    if (url.startsWith('/api/whois')) {
      const nonce = new URL(url, 'http://x').searchParams.get('nonce') ?? '';
      const proof = proofOf(secret, { nonce, port: socket.localPort ?? 0, instance });
      const text = JSON.stringify({ app: 'freellm', instance, version: '1.2.3', schema: 1, proof });
      response.writeHead(200, { 'content-length': text.length }).end(text);
    } else if (url === '/api/events') {
      asked.push(String(headers['last-event-id'] ?? ''));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: 7\ndata: {"type":"gateway.changed"}\n\ndata: ');
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(64 * 1024), more);
      };
      more();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: { url: `http://127.0.0.1:${port}`, instance, secret },
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
