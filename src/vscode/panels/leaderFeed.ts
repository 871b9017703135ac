import type { GatewayEvent } from '../../protocol/events.js';
import { EventStream } from '../eventStream.js';
import type { LeaderConnections } from '../leaderConnections.js';
import type { Logger } from '../logger.js';
import { EventBatch } from './eventBatch.js';

export interface FeedListener {
  onEvents(events: GatewayEvent[]): void;
  /** Some may have been missed. */
  onResync(): void;
}

/** One stream of the gateway's events for all pages that can be seen; none while there is no such page. */
export class LeaderFeed {
  private readonly listeners = new Set<FeedListener>();
  private readonly batch = new EventBatch(
    (events) => this.each((listener) => listener.onEvents(events)),
    () => this.each((listener) => listener.onResync()),
  );
  private stream: EventStream | undefined;
  private hasOpened = false;

  constructor(
    private readonly connections: LeaderConnections,
    private readonly log: Logger,
  ) {}

  /** Whoever listens now hears all that happens from now on. */
  get isOpen(): boolean {
    return this.hasOpened;
  }

  listen(listener: FeedListener): void {
    this.listeners.add(listener);
    if (this.stream === undefined) this.connect();
  }

  unlisten(listener: FeedListener): void {
    this.listeners.delete(listener);
    if (this.listeners.size === 0) this.disconnect();
  }

  /** To be called when the gateway came, went or is another one. */
  reconnect(): void {
    this.disconnect();
    if (this.listeners.size > 0) this.connect();
  }

  dispose(): void {
    this.listeners.clear();
    this.disconnect();
  }

  private connect(): void {
    const connection = this.connections.current();
    if (connection === null) return;
    this.stream = new EventStream(connection, {
      onOpen: () => {
        this.hasOpened = true;
        this.each((listener) => listener.onResync());
      },
      onEvent: (event) => this.batch.add(event),
      onBroken: (why) => {
        this.hasOpened = false;
        this.log.debug('pages', `stream broke: ${why}`);
      },
    });
  }

  private disconnect(): void {
    this.batch.clear();
    this.hasOpened = false;
    this.stream?.dispose();
    this.stream = undefined;
  }

  private each(tell: (listener: FeedListener) => void): void {
    for (const listener of this.listeners) tell(listener);
  }
}
