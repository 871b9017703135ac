import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { type AssembledStream, assemble, createSseParser, type SseFrame } from './sse.js';

export interface ClientRequest {
  method?: string;
  headers?: Record<string, string>;
  /** An object is sent as JSON. */
  body?: unknown;
  /** Ends the exchange by closing the connection. */
  signal?: AbortSignal;
}

/** An answer as it comes in, headers there already. */
export interface ClientResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** The whole body; what streamed reading has not taken yet. */
  text(): Promise<string>;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes.
  json(): Promise<any>;
  /** The next server-sent event or comment; null at the end. */
  nextFrame(): Promise<SseFrame | null>;
  /** Reads on until a frame satisfies `test`; returns it. Throws if the stream ends before. */
  until(test: (frame: SseFrame) => boolean): Promise<SseFrame>;
  /** Reads to the end and puts together every frame since the beginning. */
  stream(): Promise<AssembledStream>;
  /** Closes the connection. */
  abort(): void;
}

/**
 * One HTTP exchange on a connection of its own, resolved when the headers are there. Unlike `fetch` it can send any
 * Host, Origin and body, and reads a stream frame by frame.
 */
export function send(url: string, init: ClientRequest = {}): Promise<ClientResponse> {
  const isText = typeof init.body === 'string' || Buffer.isBuffer(init.body);
  const body = init.body === undefined || isText ? init.body : JSON.stringify(init.body);
  const method = init.method ?? (body === undefined ? 'GET' : 'POST');
  // The path as given: a URL object would tidy `//v1` and `..` away.
  const parts = /^http:\/\/([^/:]+):(\d+)(\/.*)?$/.exec(url);
  if (!parts) throw new Error(`not a test URL: ${url}`);
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const outgoing = httpRequest({
      agent,
      host: parts[1],
      port: Number(parts[2]),
      path: parts[3] ?? '/',
      method,
      headers: {
        ...(body === undefined || isText ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body as string)) }),
        ...init.headers,
      },
      ...(init.signal ? { signal: init.signal } : {}),
    });
    let answered = false;
    outgoing.on('response', (incoming) => {
      answered = true;
      resolve(wrap(incoming, () => outgoing.destroy()));
    });
    outgoing.on('error', (error) => {
      if (!answered) reject(error);
    });
    outgoing.end(body as string | Buffer | undefined);
  });
}

function wrap(incoming: IncomingMessage, abort: () => void): ClientResponse {
  const iterator = incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const parser = createSseParser();
  const seen: SseFrame[] = [];
  const ready: SseFrame[] = [];
  let hasEnded = false;
  const nextFrame = async (): Promise<SseFrame | null> => {
    while (ready.length === 0 && !hasEnded) {
      const part = await iterator.next();
      if (part.done) {
        hasEnded = true;
        parser.end();
      } else ready.push(...parser.push(part.value));
    }
    const frame = ready.shift() ?? null;
    if (frame) seen.push(frame);
    return frame;
  };
  const text = async (): Promise<string> => {
    const parts: Buffer[] = [];
    for (;;) {
      const part = await iterator.next();
      if (part.done) return Buffer.concat(parts).toString('utf8');
      parts.push(part.value);
    }
  };
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    text,
    json: async () => JSON.parse(await text()),
    nextFrame,
    async until(test) {
      for (;;) {
        const frame = await nextFrame();
        if (frame === null) throw new Error(`the stream ended; seen: ${JSON.stringify(seen)}`);
        if (test(frame)) return frame;
      }
    },
    async stream() {
      while ((await nextFrame()) !== null);
      return assemble(seen);
    },
    abort,
  };
}

/** For `until`: a data frame whose text holds `text`. */
export function dataWith(text: string): (frame: SseFrame) => boolean {
  return (frame) => frame.kind === 'data' && frame.data.includes(text);
}
