import type { GatewayEvent } from '../../../src/protocol/events.js';

/** What our own requests call themselves. */
const OWN_CLIENT = 'FreeLLM';

/** What is being done for a step that runs. */
export interface LiveRoute {
  /** Of the gateway; null until it is known. */
  requestId: string | null;
  model: string;
  /** Who is being asked; null before the first attempt. */
  asked: string | null;
  /** Who was asked before, in order. */
  failed: string[];
  /** It waits until then at the soonest, ms since the epoch; null when it does not. */
  waitsUntil: number | null;
}

/**
 * Follows the requests of this page through the gateway's events. Until an answer begins nobody says which request is
 * whose: they are told apart by their model and by their order, and set right when the answer's headers come.
 */
export class LiveRoutes {
  private readonly routes = new Map<string, LiveRoute>();

  begin(step: string, model: string): void {
    this.routes.set(step, { requestId: null, model, asked: null, failed: [], waitsUntil: null });
  }

  end(step: string): void {
    this.routes.delete(step);
  }

  /** The answer says which request it is. */
  identify(step: string, requestId: string): void {
    const route = this.routes.get(step);
    if (route === undefined || route.requestId === requestId) return;
    // Another was taken for it: they change places.
    for (const other of this.routes.values()) if (other.requestId === requestId) other.requestId = route.requestId;
    route.requestId = requestId;
  }

  of(step: string): LiveRoute | null {
    const route = this.routes.get(step);
    return route === undefined ? null : { ...route, failed: [...route.failed] };
  }

  /** @returns whether anything of ours changed */
  take(events: readonly GatewayEvent[]): boolean {
    return events.map((event) => this.takeOne(event)).includes(true);
  }

  private takeOne(event: GatewayEvent): boolean {
    if (event.type === 'request.started') {
      if (event.client !== OWN_CLIENT) return false;
      const ours = [...this.routes.values()].find(
        ({ requestId, model }) => requestId === null && model === event.model,
      );
      if (ours !== undefined) ours.requestId = event.id;
      return false;
    }
    if (event.type !== 'request.routed' && event.type !== 'request.queued') return false;
    const route = [...this.routes.values()].find(({ requestId }) => requestId === event.id);
    if (route === undefined) return false;
    if (event.type === 'request.queued') {
      route.waitsUntil = event.until;
      return true;
    }
    route.waitsUntil = null;
    if (route.asked !== null) route.failed.push(route.asked);
    route.asked = `${event.provider}/${event.model}`;
    return true;
  }
}
