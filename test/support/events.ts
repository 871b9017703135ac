import { request } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { GatewayEvent } from '../../src/protocol/events.js';
import type { TestGateway } from './gateway.js';

export interface HeardEvent {
  /** The event's id; undefined for one that passes. */
  id: string | undefined;
  event: GatewayEvent;
}

/** A listener of `/api/events`. */
export interface Listener {
  /** Everything heard so far. */
  heard: HeardEvent[];
  /** The next event of this type that was not returned before. */
  next<Type extends GatewayEvent['type']>(type: Type): Promise<Extract<GatewayEvent, { type: Type }>>;
  close(): void;
}

/** Opens `/api/events`; resolves once the snapshot has come. */
export function listen(gateway: TestGateway, lastEventId?: string): Promise<Listener> {
  const heard: HeardEvent[] = [];
  const taken = new Set<HeardEvent>();
  let wake = () => {};
  const headers = {
    authorization: `Bearer ${gateway.adminToken}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${gateway.url}/api/events`, { headers, agent: false }, (incoming) => {
      const parser = createParser({
        onEvent({ id, data }) {
          heard.push({ id, event: JSON.parse(data) as GatewayEvent });
          wake();
          if (heard.length === 1) resolve({ heard, next, close: () => outgoing.destroy() });
        },
      });
      incoming.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
      incoming.on('error', () => undefined);
    });
    const next = async (type: GatewayEvent['type']) => {
      for (;;) {
        const found = heard.find((one) => one.event.type === type && !taken.has(one));
        if (found) {
          taken.add(found);
          return found.event as never;
        }
        await new Promise<void>((again) => {
          wake = again;
        });
      }
    };
    outgoing.on('error', reject);
    outgoing.end();
  });
}
