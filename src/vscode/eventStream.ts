import type { ClientRequest } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { VerifiedConnection } from '../loopback/verifiedConnection.js';
import type { GatewayEvent } from '../protocol/events.js';

export interface EventStreamHandlers {
  /** The stream is open, for the first time or again: whoever keeps state should read it anew. */
  onOpen(): void;
  onEvent(event: GatewayEvent): void;
  /** It broke and will be tried again by itself. */
  onBroken?(why: string): void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
const LARGEST_EVENT = 1024 * 1024;

/**
 * Follows `/api/events` until disposed: reconnects with backoff and `Last-Event-ID`, so that nothing the
 * gateway still remembers is missed. One gateway, one stream: ids start anew when the gateway does.
 */
export class EventStream {
  private request: ClientRequest | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastId: string | undefined;
  private wait = FIRST_WAIT_MS;
  private isDisposed = false;

  constructor(
    private readonly connection: VerifiedConnection,
    private readonly handlers: EventStreamHandlers,
  ) {
    this.connect();
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    this.request?.destroy();
  }

  private connect(): void {
    const request = this.connection.request({
      path: '/api/events',
      headers: {
        Accept: 'text/event-stream',
        ...(this.lastId === undefined ? {} : { 'Last-Event-ID': this.lastId }),
      },
    });
    this.request = request;
    let isOver = false;
    const over = (why: string): void => {
      if (isOver) return;
      isOver = true;
      request.destroy();
      this.retry(why);
    };
    request.on('error', (error) => over(error.message));
    request.on('response', (response) => {
      if (response.statusCode !== 200) return over(`HTTP ${response.statusCode}`);
      this.wait = FIRST_WAIT_MS;
      if (!this.isDisposed) this.handlers.onOpen();
      const parser = createParser({
        maxBufferSize: LARGEST_EVENT,
        onEvent: ({ id, data }) => {
          if (id !== undefined) this.lastId = id;
          const event = decode(data);
          if (event !== null && !this.isDisposed) this.handlers.onEvent(event);
        },
        // A field that it does not know is no harm; after this one it reads nothing more.
        onError: (error) => {
          if (error.type === 'max-buffer-size-exceeded') throw error;
        },
      });
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        if (isOver) return;
        try {
          parser.feed(text);
        } catch (error) {
          // Asked to go on from here, it would send the same again.
          this.lastId = undefined;
          over(error instanceof Error ? error.message : String(error));
        }
      });
      response.on('error', (error) => over(error.message));
      response.on('close', () => over('closed'));
    });
    request.end();
  }

  private retry(why: string): void {
    if (this.isDisposed) return;
    this.handlers.onBroken?.(why);
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.timer.unref();
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }
}

/** Events of types we do not know come through as they are; what is no event at all is dropped. */
function decode(data: string): GatewayEvent | null {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== 'object' || value === null || !('type' in value)) return null;
    return value as GatewayEvent;
  } catch {
    return null;
  }
}
