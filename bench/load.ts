/** The load generator: prepared requests on bare sockets, one at a time on each, so that it costs little itself. */
import { connect, type Socket } from 'node:net';
import { type BenchModel, requestBody, TOKEN } from './payloads.js';

const HEADER_END = Buffer.from('\r\n\r\n');
const CHUNKED_END = Buffer.from('\r\n0\r\n\r\n');
const DATA = Buffer.from('data: ');

/** How one request went, in ms from its first byte out. `events` is null where the answer is no stream. */
export interface Timing {
  /** Until the first bytes of the body. */
  firstMs: number;
  totalMs: number;
  body: Buffer;
}

/** One kept-alive connection to a target. */
export class Connection {
  private pending: { startedAt: number; firstMs: number; parts: Buffer[]; done: (timing: Timing) => void } | null =
    null;
  private fail: (error: Error) => void = () => {};
  private bodyStart = -1;
  /** Bytes of the whole answer, head included; -1 while it is chunked or unknown. */
  private expected = -1;
  private received = 0;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('The target closed the connection')));
  }

  static open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
      socket.once('error', reject);
    });
  }

  /** Sends and waits for the whole answer. @throws when it is no 200. */
  send(request: Buffer): Promise<Timing> {
    return new Promise((done, reject) => {
      this.fail = reject;
      this.bodyStart = -1;
      this.expected = -1;
      this.received = 0;
      this.pending = { startedAt: performance.now(), firstMs: -1, parts: [], done };
      this.socket.write(request);
    });
  }

  close(): void {
    this.fail = () => {};
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    const { pending } = this;
    if (!pending) return;
    pending.parts.push(chunk);
    this.received += chunk.length;
    if (this.bodyStart < 0 && !this.readHead(pending.parts)) return;
    if (pending.firstMs < 0 && this.received > this.bodyStart) {
      pending.firstMs = performance.now() - pending.startedAt;
    }
    const isComplete = this.expected >= 0 ? this.received >= this.expected : endsWith(pending.parts, CHUNKED_END);
    if (!isComplete) return;
    this.pending = null;
    const totalMs = performance.now() - pending.startedAt;
    const whole = pending.parts.length === 1 ? chunk : Buffer.concat(pending.parts);
    pending.done({ firstMs: pending.firstMs, totalMs, body: whole.subarray(this.bodyStart) });
  }

  private readHead(parts: Buffer[]): boolean {
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    const end = bytes.indexOf(HEADER_END);
    if (end < 0) return false;
    const head = bytes.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 200')) {
      this.fail(new Error(`The target answered ${bytes.toString('utf8').slice(0, 600)}`));
      return false;
    }
    this.bodyStart = end + HEADER_END.length;
    const length = /content-length: *(\d+)/i.exec(head)?.[1];
    this.expected = length === undefined ? -1 : this.bodyStart + Number(length);
    return true;
  }
}

function endsWith(parts: Buffer[], tail: Buffer): boolean {
  const last = parts.at(-1)!;
  const bytes = last.length >= tail.length ? last : Buffer.concat(parts.slice(-8));
  return bytes.length >= tail.length && bytes.subarray(bytes.length - tail.length).equals(tail);
}

/** The bytes of one request. */
export function requestBytes(url: string, model: BenchModel): Buffer {
  const body = requestBody(model);
  return Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: ${new URL(url).host}\r\nauthorization: Bearer ${TOKEN}\r\n` +
      'content-type: application/json\r\naccept: application/json\r\nuser-agent: OpenAI/JS 6.49.0\r\n' +
      `x-stainless-lang: js\r\nx-stainless-retry-count: 0\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Server-sent events in a body. */
export function countEvents(body: Buffer): number {
  let count = 0;
  for (let at = body.indexOf(DATA); at >= 0; at = body.indexOf(DATA, at + DATA.length)) count++;
  return count;
}

export interface LoadResult {
  requests: number;
  seconds: number;
  timings: Timing[];
}

/** Keeps so many connections busy for so long, each with one request after the other. Bodies are let go of. */
export async function run(url: string, model: BenchModel, connections: number, ms: number): Promise<LoadResult> {
  const request = requestBytes(url, model);
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(url)));
  const timings: Timing[] = [];
  const empty = Buffer.alloc(0);
  const startedAt = performance.now();
  await Promise.all(
    open.map(async (connection) => {
      while (performance.now() - startedAt < ms) {
        const timing = await connection.send(request);
        timing.body = empty;
        timings.push(timing);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of open) connection.close();
  return { requests: timings.length, seconds, timings };
}

/** One stream on each of so many connections, started evenly over `spreadMs`. */
export async function runOnce(url: string, model: BenchModel, streams: number, spreadMs: number): Promise<Timing[]> {
  const request = requestBytes(url, model);
  const open = await Promise.all(Array.from({ length: streams }, () => Connection.open(url)));
  const timings = await Promise.all(
    open.map(async (connection, at) => {
      await new Promise((resolve) => setTimeout(resolve, (spreadMs * at) / streams));
      return connection.send(request);
    }),
  );
  for (const connection of open) connection.close();
  return timings;
}
