import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayState } from '../../protocol/events.js';
import type { EventBus } from '../eventBus.js';
import { sseComment } from '../net/sse.js';
import type { Clock } from '../ports.js';

const KEEPALIVE_MS = 15_000;
/** A listener that does not read is cut off rather than remembered for. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** `GET /api/events`: the state first, then every event as it happens; after Last-Event-ID where that is given. */
export function serveEvents(
  context: { events: EventBus; clock: Clock; closing: AbortSignal; state(): GatewayState },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
): void {
  outgoing.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-request-id': requestId,
  });
  const write = (text: string) => {
    if (outgoing.writableLength > MAX_BUFFERED_BYTES) outgoing.destroy();
    else outgoing.write(text);
  };
  const snapshot = { type: 'gateway.changed', at: context.clock.now(), state: context.state() };
  write(`event: gateway.changed\ndata: ${JSON.stringify(snapshot)}\n\n`);
  const after = incoming.headers['last-event-id'];
  const unsubscribe = context.events.subscribe(
    ({ id, event }) => {
      write(`${id === null ? '' : `id: ${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    typeof after === 'string' ? after : undefined,
  );
  let cancel = () => {};
  const keepAlive = () => {
    write(sseComment('keepalive'));
    cancel = context.clock.after(KEEPALIVE_MS, keepAlive);
  };
  cancel = context.clock.after(KEEPALIVE_MS, keepAlive);
  // Else a closing gateway would wait for listeners that never go, and followers for their turn.
  const end = () => outgoing.end();
  context.closing.addEventListener('abort', end, { once: true });
  outgoing.on('close', () => {
    context.closing.removeEventListener('abort', end);
    unsubscribe();
    cancel();
  });
  outgoing.on('error', () => outgoing.destroy());
}
