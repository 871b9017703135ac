import type { GatewayEvent } from '../../protocol/events.js';

/** One picture of the screen: what happens within it reaches the page together. */
const FRAME_MS = 16;
/** A page that lags so far behind reads everything anew instead. */
const MAX_WAITING = 2_000;

/**
 * Collects events for the pages and hands them over once a frame. Of several that tell the same (how far an answer has
 * come, how full a window is) the last is kept.
 */
export class EventBatch {
  private waiting: GatewayEvent[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly send: (events: GatewayEvent[]) => void,
    private readonly overflow: () => void,
  ) {}

  add(event: GatewayEvent): void {
    const name = nameOf(event);
    if (name !== null) this.waiting = this.waiting.filter((other) => nameOf(other) !== name);
    this.waiting.push(event);
    if (this.waiting.length > MAX_WAITING) {
      this.clear();
      this.overflow();
      return;
    }
    this.timer ??= setTimeout(() => this.flush(), FRAME_MS);
  }

  /** Forgets what has not been handed over. */
  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = [];
  }

  private flush(): void {
    const events = this.waiting;
    this.clear();
    this.send(events);
  }
}

/** What a later event of the same name makes worthless; null for those that must all be told. */
function nameOf(event: GatewayEvent): string | null {
  if (event.type === 'request.progressed') return `progressed ${event.id}`;
  if (event.type === 'gateway.changed') return 'gateway';
  return null;
}
