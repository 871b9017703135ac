/**
 * The floor: the least that a gateway of our kind can cost. Hono in front, undici's `Pool.dispatch` behind, bytes as they
 * come onto Node's own response; no tokens, no parsing, no routing. `node forwarder.js <upstream>`; prints
 * `{"event":"listening","url"}`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { Pool } from 'undici';

const pool = new Pool(process.argv[2] ?? '', {
  connections: null,
  pipelining: 1,
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 30_000,
});

function readBody(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    incoming.on('error', reject);
  });
}

function forward(body: Buffer, outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const finish = (status?: number) => {
      if (status) outgoing.writeHead(status);
      outgoing.end();
      resolve();
    };
    pool.dispatch(
      {
        path: '/v1/chat/completions',
        method: 'POST',
        headers: ['content-type', 'application/json', 'authorization', 'Bearer upstream-key'],
        body,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          const { connection: _connection, 'transfer-encoding': _encoding, ...rest } = headers;
          outgoing.writeHead(status, rest as Record<string, string>);
        },
        onResponseData(_controller, chunk) {
          outgoing.write(chunk);
        },
        onResponseEnd: () => finish(),
        onResponseError: () => finish(outgoing.headersSent ? undefined : 502),
      },
    );
  });
}

const app = new Hono<{ Bindings: HttpBindings }>();
app.post('/v1/chat/completions', async (c) => {
  await forward(await readBody(c.env.incoming as IncomingMessage), c.env.outgoing as ServerResponse);
  return RESPONSE_ALREADY_SENT;
});

const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`);
});
