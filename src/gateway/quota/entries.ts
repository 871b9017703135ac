import type { QuotaKind } from '../ledger/changes.js';
import type { QuotaObservation } from './learn.js';
import type { LeaseWindow } from './lease.js';
import type { KnownLimit, LimitedScope } from './limits.js';
import type { QuotaTime } from './timeline.js';
import type { QuotaWindow } from './windows.js';

/** No room. */
export interface QuotaRefusal {
  ok: false;
  /**
   * When there will be room if nothing more is spent, in ms since the epoch: the windows' latest. A lease that ends
   * meanwhile may make room sooner (`onFreed`). null: never, the estimate is larger than the limit itself.
   */
  until: number | null;
  /** The window that opens last, or that it never fits. */
  kind: QuotaKind;
  id: string;
  /** It is full by the provider's word, not by our own count alone. */
  isStated: boolean;
}

/** A window and what it is limited to. */
export interface Entry extends LeaseWindow {
  readonly window: QuotaWindow;
  scope: LimitedScope;
  limit: KnownLimit | null;
  /** The limit's number; Infinity where none is known. */
  max: number;
}

/** The scope that a provider spoke of. Where it counts by address, that is everybody's behind it. */
export function scopeMeant(
  scopes: readonly LimitedScope[],
  { scope, kind }: QuotaObservation,
): LimitedScope | undefined {
  const [model, ...shared] = scopes;
  if (scope === undefined) return shared.find(({ catalog }) => catalog[kind] !== undefined) ?? model;
  const isMeant = (each: LimitedScope) => (each.model === null) === (scope === 'account');
  return scopes.filter(isMeant).at(-1);
}

/** The estimate, or the smallest limit below it that still has room for the least. */
export function within(entries: readonly Entry[], estimate: number, least: number): number {
  let tokens = estimate;
  for (const { isTokens, max } of entries) if (isTokens && max < tokens && max >= least) tokens = max;
  return tokens;
}

/** The window that opens last; one that never will comes before all. */
export function refusal(entries: readonly Entry[], tokens: number, now: QuotaTime): QuotaRefusal {
  let last: QuotaRefusal | null = null;
  for (const { window, isTokens, max } of entries) {
    const amount = isTokens ? tokens : 1;
    const { kind, id } = window;
    if (amount > max) return { ok: false, until: null, kind, id, isStated: false };
    if (window.hasRoom(amount, max, now)) continue;
    const until = window.opensAt(amount, max, now);
    if (last?.until == null || until > last.until)
      last = { ok: false, until, kind, id, isStated: window.isStated(now) };
  }
  if (!last) throw new Error('A refusal without a full window');
  return last;
}
