/**
 * The upstream of the benchmark: an OpenAI-compatible provider on bare sockets, so that it takes as little as possible of
 * the two cores that it shares with the target. Prints `{"event":"listening","url"}`.
 */
import { createServer, type Socket } from 'node:net';
import { FIRST, INSTANT_CHUNKS, MODELS, PACE, streamEvents, wholeAnswer } from './payloads.js';

const HEADER_END = Buffer.from('\r\n\r\n');
const whole = wholeAnswer();
const WHOLE = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(whole)}\r\n\r\n${whole}`,
);
const MODEL_LIST = JSON.stringify({
  object: 'list',
  data: Object.values(MODELS).map((id) => ({ id, object: 'model', created: 0, owned_by: 'bench' })),
});
const MODELS_ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${MODEL_LIST.length}\r\n\r\n${MODEL_LIST}`,
);
const STREAM_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n',
);
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const toFrames = (events: string[]) =>
  events.map((text) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`));
const INSTANT = toFrames(streamEvents(MODELS.instant, INSTANT_CHUNKS));
const FIRST_ALONE = toFrames(streamEvents(MODELS.first, FIRST.chunks));
const PACED = toFrames(streamEvents(MODELS.paced, PACE.tokens));

function answer(socket: Socket, head: string, request: Buffer): void {
  if (head.startsWith('GET')) socket.write(MODELS_ANSWER);
  else if (request.includes(MODELS.instant)) {
    socket.write(STREAM_HEAD);
    // One write each, as providers send them.
    for (const frame of INSTANT) socket.write(frame);
    socket.write(LAST_CHUNK);
  } else if (request.includes(MODELS.first)) {
    socket.write(Buffer.concat([STREAM_HEAD, FIRST_ALONE[0]!]));
    setTimeout(() => socket.write(Buffer.concat([...FIRST_ALONE.slice(1), LAST_CHUNK])), FIRST.restAfterMs);
  } else if (request.includes(MODELS.paced)) pace(socket);
  else socket.write(WHOLE);
}

/** Each token at its own time from the request on, so that a late timer does not delay all that follow. */
function pace(socket: Socket): void {
  const startedAt = performance.now();
  let sent = 0;
  const step = (): void => {
    if (socket.destroyed) return;
    // A timer may fire a little early.
    const due = Math.floor((performance.now() - startedAt + 1 - PACE.firstMs) / PACE.everyMs) + 1;
    if (sent === 0 && due > 0) socket.write(STREAM_HEAD);
    for (; sent < Math.min(due, PACED.length); sent++) socket.write(PACED[sent]!);
    if (sent === PACED.length) socket.write(LAST_CHUNK);
    else setTimeout(step, startedAt + PACE.firstMs + sent * PACE.everyMs - performance.now());
  };
  setTimeout(step, PACE.firstMs);
}

function serve(socket: Socket): void {
  let held: Buffer | null = null;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    held = held ? Buffer.concat([held, chunk]) : chunk;
    const end = held.indexOf(HEADER_END);
    if (end < 0) return;
    const head = held.toString('latin1', 0, end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (held.length < end + HEADER_END.length + length) return;
    const request = held;
    held = null;
    answer(socket, head, request);
  });
}

const server = createServer(serve).listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  process.stdout.write(`${JSON.stringify({ event: 'listening', url: `http://127.0.0.1:${port}` })}\n`);
});
