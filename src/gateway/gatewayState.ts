import type { GatewayState } from '../protocol/events.js';
import type { ActiveRequests } from './http/activeRequests.js';
import type { KeyPool } from './keys/keyPool.js';
import type { Candidate, Inventory } from './routing/inventory.js';

/** What a state is read from. */
export interface StateSources {
  version: string;
  instance: string;
  url: string;
  startedAt: number;
  now: number;
  inventory: Inventory;
  keys: KeyPool;
  /** Whether it can be asked right now. */
  isFree(candidate: Candidate): boolean;
  /** Requests that wait for a window or a cooldown to end. */
  waiting: number;
  active: ActiveRequests;
  isDemo: boolean;
  ledger: GatewayState['ledger'];
}

/** `GET /api/state`. */
export function gatewayState(sources: StateSources): GatewayState {
  const { inventory, active } = sources;
  const available = inventory.chain.filter((candidate) => sources.isFree(candidate));
  const reason = notReadyReason(inventory, available.length);
  return {
    version: sources.version,
    instance: sources.instance,
    uptimeMs: sources.now - sources.startedAt,
    leader: true,
    url: sources.url,
    counts: {
      keys: sources.keys.all().length,
      usableKeys: new Set(available.map(({ keyId }) => keyId)).size,
      providers: inventory.keyedProviders.size,
      models: inventory.byName.size,
      availableModels: new Set(available.map(({ name }) => name)).size,
      inFlight: active.inFlight,
      waiting: sources.waiting,
      requests: active.total,
    },
    canAnswer: reason === null,
    reason,
    demo: sources.isDemo,
    lastRequest: active.last,
    active: active.list(),
    ledger: sources.ledger,
  };
}

/** A sentence for the status bar and /readyz; null when something can answer. */
function notReadyReason(inventory: Inventory, available: number): string | null {
  if (available > 0) return null;
  if (!inventory.hasProvider) return 'No provider is set up yet: add a key first';
  if (inventory.chain.length === 0) return 'The providers that are set up have no models yet';
  return 'Every provider is cooling down or at its limit';
}
