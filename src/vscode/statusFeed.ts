import type { GatewayEvent } from '../protocol/events.js';
import { AdminClient } from './adminClient.js';
import { EventStream } from './eventStream.js';
import type { HostState } from './gatewayHost.js';
import type { LeaderConnections } from './leaderConnections.js';
import { describeError, type Logger } from './logger.js';
import type { StatusInput } from './statusModel.js';

/** Changes come in bursts; one reading of the state after them is enough. */
const READ_AFTER_MS = 150;
/** While nothing can answer, time alone may end it (a cooldown). */
const READ_WHILE_STUCK_MS = 5_000;

/** Follows whatever gateway runs, and hands its events and state to the status bar. */
export class StatusFeed {
  private stream: EventStream | undefined;
  private client: AdminClient | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connections: LeaderConnections,
    private readonly sink: (input: StatusInput) => void,
    private readonly log: Logger,
  ) {}

  /** To be called at every change of the host's state. */
  follow(state: HostState): void {
    this.dispose();
    this.sink({ type: 'host.changed', state });
    const connection = this.connections.current();
    if (connection === null) return;
    this.client = new AdminClient(connection);
    this.stream = new EventStream(connection, {
      onOpen: () => this.readSoon(0),
      onEvent: (event) => this.receive(event),
      onBroken: (why) => this.log.debug('events', `stream broke: ${why}`),
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.stream?.dispose();
    this.stream = undefined;
    this.client = undefined;
  }

  private receive(event: GatewayEvent): void {
    this.sink(event);
    const isTelling =
      event.type === 'key.changed' ||
      event.type === 'cooldown.changed' ||
      (event.type === 'request.ended' && event.outcome.status === 'error');
    if (isTelling) this.readSoon(READ_AFTER_MS);
  }

  private readSoon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), ms);
  }

  private async read(): Promise<void> {
    const client = this.client;
    try {
      const state = await client?.state();
      if (state === undefined || client !== this.client) return;
      this.sink({ type: 'state.read', state });
      if (!state.canAnswer) this.readSoon(READ_WHILE_STUCK_MS);
    } catch (error) {
      this.log.debug('events', `state could not be read: ${describeError(error)}`);
    }
  }
}
