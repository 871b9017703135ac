import type { GatewayEvent } from '../protocol/events.js';
import type { Clock } from './ports.js';

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;
/** An event before it has its time. */
export type NewEvent = WithoutTime<GatewayEvent>;

export interface NumberedEvent {
  id: number;
  event: GatewayEvent;
}

export interface EventBus {
  /** Stamps, numbers and hands the event to every listener. Free when nobody listens. */
  emit(event: NewEvent): void;
  /** Calls back for every event after `afterId` that is still remembered, then for new ones. Returns the unsubscriber. */
  subscribe(listener: (event: NumberedEvent) => void, afterId?: number): () => void;
}

/** Events remembered for listeners that come back with Last-Event-ID. */
const REMEMBERED = 256;

/** The gateway's live events; a listener that throws is dropped. */
export function createEventBus(clock: Clock): EventBus {
  const listeners = new Set<(event: NumberedEvent) => void>();
  const recent: NumberedEvent[] = [];
  let last = 0;
  return {
    emit(event) {
      last += 1;
      // Events are built for this call: stamping is cheaper than copying.
      const numbered: NumberedEvent = { id: last, event: Object.assign(event, { at: clock.now() }) as GatewayEvent };
      recent.push(numbered);
      if (recent.length > REMEMBERED * 2) recent.splice(0, REMEMBERED);
      for (const listener of listeners) {
        try {
          listener(numbered);
        } catch {
          listeners.delete(listener);
        }
      }
    },
    subscribe(listener, afterId) {
      if (afterId !== undefined) for (const numbered of recent) if (numbered.id > afterId) listener(numbered);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
