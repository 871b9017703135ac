import type { QuotaKind, QuotaWindowRow, RequestRow } from '../ledger/changes.js';
import type { Clock } from '../ports.js';
import type { ProviderSpec } from '../providers/spec.js';
import { quotaDay } from '../routing/dayBoundary.js';

/** What was used today of each (provider, model, key), as the provider's own day goes. */
export interface DailyUse {
  /** Counts a finished request; returns the windows that changed, with their new counts. */
  settle(row: RequestRow): QuotaWindowRow[];
  /** Counts of an earlier life of the gateway; windows that have ended are left out. */
  restore(windows: readonly QuotaWindowRow[]): void;
  /** The windows of the day that is on. */
  list(): QuotaWindowRow[];
}

export function createDailyUse(clock: Clock, boundaryOf: (provider: string) => ProviderSpec['dayBoundary']): DailyUse {
  const windows = new Map<string, QuotaWindowRow>();

  function windowOf(kind: QuotaKind, provider: string, model: string, keyId: string | null): QuotaWindowRow {
    const id = `${provider}/${model}#${keyId ?? ''}`;
    const name = `${kind} ${id}`;
    const known = windows.get(name);
    if (known && known.endsAt > clock.now()) return known;
    const window = { id, kind, provider, model, keyId, used: 0, ...quotaDay(boundaryOf(provider), clock.now()) };
    windows.set(name, window);
    return window;
  }

  return {
    settle(row) {
      const changed = new Set<QuotaWindowRow>();
      const count = (kind: QuotaKind, provider: string, model: string, keyId: string | null, amount: number) => {
        const window = windowOf(kind, provider, model, keyId);
        window.used += amount;
        changed.add(window);
      };
      // Providers count what reached them, though it failed.
      for (const { provider, model, keyId, httpStatus } of row.attempts) {
        if (httpStatus !== null) count('rpd', provider, model, keyId, 1);
      }
      const tokens = (row.promptTokens ?? 0) + (row.completionTokens ?? 0);
      if (row.provider && row.servedModel && tokens > 0) count('tpd', row.provider, row.servedModel, row.keyId, tokens);
      return [...changed].map((window) => ({ ...window }));
    },
    restore(rows) {
      for (const row of rows) if (row.endsAt > clock.now()) windows.set(`${row.kind} ${row.id}`, { ...row });
    },
    list: () => [...windows.values()].filter(({ endsAt }) => endsAt > clock.now()).map((window) => ({ ...window })),
  };
}
