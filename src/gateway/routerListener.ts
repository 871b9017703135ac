import type { CountKeeper } from './countKeeper.js';
import type { EventBus } from './eventBus.js';
import type { ActiveRequests } from './http/activeRequests.js';
import type { KeyService } from './keys/keyService.js';
import type { Bookkeeping } from './ledger/bookkeeping.js';
import type { Log } from './ports.js';
import { toCooldownRow } from './restoreState.js';
import type { Failure } from './routing/failure.js';
import { RATE_KINDS } from './routing/failurePolicy.js';
import type { GoneModels } from './routing/goneModels.js';
import type { Candidate } from './routing/inventory.js';
import type { RouterListener } from './routing/router.js';

export interface RouterListenerParts {
  books: Bookkeeping;
  events: EventBus;
  active: ActiveRequests;
  gone: GoneModels;
  log: Log;
  /** Made after the router. */
  counts(): CountKeeper;
  keyService(): KeyService;
}

/** What the rest of the gateway makes of what the router meets: kept, told, and drawn conclusions from. */
export function createRouterListener(parts: RouterListenerParts): RouterListener {
  const { books, events, active, gone } = parts;
  return {
    onCooldown: (cooldown, until) => {
      const { id, provider, model, keyId, kind } = cooldown;
      books.append(
        until === null ? { type: 'cooldown.lifted', id } : { type: 'cooldown', cooldown: toCooldownRow(cooldown) },
      );
      events.emit({ type: 'cooldown.changed', id, provider, model, kind, until });
      if (keyId !== null && RATE_KINDS.has(kind)) {
        events.emit({ type: 'key.changed', keyId, provider, change: 'health' });
      }
    },
    onTrying: ({ id, provider, model, kind, until }) =>
      events.emit({ type: 'cooldown.changed', id, provider, model, kind, until }),
    onGone: (provider, model) => gone.refused(provider, model),
    onWaiting: (id, until) => active.waits(id, until),
    onAttempt: (id, { provider, model }, attempt) => {
      active.routed(id, provider, model, attempt);
      parts.counts().keepSoon();
    },
    onFailure: (failure, candidate, askedAt, requestId) => attemptFailed(parts, failure, candidate, askedAt, requestId),
    onSuccess: ({ keyId }) => parts.keyService().foundGood(keyId),
  };
}

/** The provider's words stay out of the log: some repeat the prompt. */
function attemptFailed(
  { log, keyService }: RouterListenerParts,
  { kind, status, message }: Failure,
  { name, keyId }: Candidate,
  askedAt: number,
  requestId: string,
): void {
  log.log('info', 'routing', 'An attempt failed', { requestId, candidate: name, keyId, kind, status });
  if (kind === 'auth') keyService().refused(keyId, message, askedAt);
  else if (RATE_KINDS.has(kind)) keyService().foundGood(keyId);
}
