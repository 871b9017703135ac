import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Exchange, isStreamed } from './recordings.js';

/** Headers that belong to the recorded connection or encoding, not to the answer. */
const NOT_SERVED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  googleKey: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: bodies of many wires.
  body: any;
}

/** A server that answers as one recorded exchange did. */
export interface RecordedUpstream {
  origin: string;
  /** What was asked since the last `serve`. */
  asked: Asked[];
  /** From now on every POST gets this exchange's status, headers and exact body. */
  serve(exchange: Exchange): void;
  close(): Promise<void>;
}

/** Starts one on 127.0.0.1, on a free port. */
export async function startRecordedUpstream(): Promise<RecordedUpstream> {
  let current: Exchange | null = null;
  const asked: Asked[] = [];
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      response.socket?.setNoDelay(true);
      const text = Buffer.concat(parts).toString('utf8');
      const googleKey = incoming.headers['x-goog-api-key'];
      asked.push({
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        authorization: incoming.headers.authorization,
        googleKey: typeof googleKey === 'string' ? googleKey : undefined,
        body: text === '' ? null : JSON.parse(text),
      });
      if (!current || incoming.method !== current.request.method) {
        response.writeHead(404).end();
        return;
      }
      for (const [name, value] of Object.entries(current.response.headers)) {
        if (!NOT_SERVED.has(name.toLowerCase())) response.setHeader(name, value);
      }
      response.statusCode = current.response.status;
      if (isStreamed(current)) void writeInPieces(response, current.response.body);
      else response.end(current.response.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    serve(exchange) {
      current = exchange;
      asked.length = 0;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Bytes a write: events, lines and multi-byte characters are torn apart, as networks do. */
const PIECE = 211;

async function writeInPieces(response: ServerResponse, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length && !response.destroyed; at += PIECE) {
    response.write(bytes.subarray(at, at + PIECE));
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end();
}
