import type { RequestOutcome } from '../../protocol/events.js';

/** What the gateway remembers of its requests until the ledger comes: counts, and the last one that was answered. */
export interface RequestTally {
  readonly inFlight: number;
  readonly total: number;
  readonly last: { at: number; outcome: RequestOutcome } | null;
  begin(): void;
  /** `null` when the request failed on our own side. */
  end(outcome: RequestOutcome | null, at: number): void;
}

export function createRequestTally(): RequestTally {
  let inFlight = 0;
  let total = 0;
  let last: RequestTally['last'] = null;
  return {
    get inFlight() {
      return inFlight;
    },
    get total() {
      return total;
    },
    get last() {
      return last;
    },
    begin() {
      inFlight += 1;
      total += 1;
    },
    end(outcome, at) {
      inFlight -= 1;
      if (outcome?.status === 'success') last = { at, outcome };
    },
  };
}
