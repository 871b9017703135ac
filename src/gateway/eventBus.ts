import type { GatewayEvent } from '../protocol/events.js';
import type { Clock } from './ports.js';

type WithoutTime<T> = T extends unknown ? Omit<T, 'at'> : never;
/** An event before it has its time. */
export type NewEvent = WithoutTime<GatewayEvent>;

export interface NumberedEvent {
  /** `<gateway instance>-<number>`, so that no number of an earlier gateway is taken for one of ours; null if passing. */
  id: string | null;
  event: GatewayEvent;
}

export interface EventBus {
  /** Somebody listens. */
  readonly isHeard: boolean;
  /** Stamps, numbers and hands the event to every listener. */
  emit(event: NewEvent): void;
  /** For what is out of date a moment later: neither numbered nor remembered, and free when nobody listens. */
  emitTransient(event: NewEvent): void;
  /**
   * Calls back for every event after `afterId` that is still remembered, then for new ones. Returns the unsubscriber.
   * An id that is not ours brings everything that is remembered: what came after it cannot be told.
   */
  subscribe(listener: (event: NumberedEvent) => void, afterId?: string): () => void;
}

/** Events remembered for listeners that come back with Last-Event-ID. */
const REMEMBERED = 256;

/** The gateway's live events; a listener that throws is dropped. `instance` names this gateway's life. */
export function createEventBus(clock: Clock, instance: string): EventBus {
  const listeners = new Set<(event: NumberedEvent) => void>();
  const recent: { number: number; event: GatewayEvent }[] = [];
  let last = 0;
  const idOf = (number: number) => `${instance}-${number}`;
  const tell = (numbered: NumberedEvent) => {
    for (const listener of listeners) {
      try {
        listener(numbered);
      } catch {
        listeners.delete(listener);
      }
    }
  };
  // Events are built for one call: stamping is cheaper than copying.
  const stamp = (event: NewEvent) => Object.assign(event, { at: clock.now() }) as GatewayEvent;
  return {
    get isHeard() {
      return listeners.size > 0;
    },
    emit(event) {
      last += 1;
      const stamped = stamp(event);
      recent.push({ number: last, event: stamped });
      if (recent.length > REMEMBERED * 2) recent.splice(0, REMEMBERED);
      if (listeners.size > 0) tell({ id: idOf(last), event: stamped });
    },
    emitTransient(event) {
      if (listeners.size > 0) tell({ id: null, event: stamp(event) });
    },
    subscribe(listener, afterId) {
      if (afterId !== undefined) {
        const after = afterId.startsWith(`${instance}-`) ? Number(afterId.slice(instance.length + 1)) : 0;
        for (const { number, event } of recent) if (!(number <= after)) listener({ id: idOf(number), event });
      }
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
