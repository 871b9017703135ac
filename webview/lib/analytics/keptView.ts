import type { AnalyticsWindow, RequestView } from '../../../src/protocol/analytics.js';

/** What the Analytics page keeps of its view. */
export interface KeptView {
  window: AnalyticsWindow;
  /** null: all. A client may be empty: those that did not say who they are. */
  provider: string | null;
  model: string | null;
  client: string | null;
  status: RequestView['status'] | null;
  /** Charts that are shown as a table. */
  tables: string[];
  /** The request whose details are shown. */
  open: string | null;
  /** Pixels from the top. */
  scroll: number;
  /** When the page was opened, ms since the epoch; null: now. */
  openedAt: number | null;
}

export const WINDOWS: readonly AnalyticsWindow[] = ['24h', '7d', '30d', '90d'];
export const STATUSES: readonly RequestView['status'][] = ['success', 'error', 'canceled'];

/** The view that was kept; what is missing or makes no sense (an older version wrote it) as at the first time. */
export function readView(state: unknown): KeptView {
  const kept = typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const { scroll, tables, openedAt } = kept;
  return {
    window: WINDOWS.find((window) => window === kept['window']) ?? '24h',
    provider: text(kept['provider']),
    model: text(kept['model']),
    client: text(kept['client']),
    status: STATUSES.find((status) => status === kept['status']) ?? null,
    tables: Array.isArray(tables) ? tables.filter((item): item is string => typeof item === 'string') : [],
    open: text(kept['open']),
    scroll: typeof scroll === 'number' && Number.isFinite(scroll) ? scroll : 0,
    openedAt: typeof openedAt === 'number' && Number.isFinite(openedAt) ? openedAt : null,
  };
}

const HOUR = 3_600_000;
const DAYS: Record<AnalyticsWindow, number> = { '24h': 1, '7d': 7, '30d': 30, '90d': 90 };

/** When a window begins that ends with the hour of `now`, as the gateway has it. */
export function startOf(window: AnalyticsWindow, now: number): number {
  return Math.floor(now / HOUR) * HOUR + HOUR - DAYS[window] * 24 * HOUR;
}
