import type { KeyFilter } from '../../../src/protocol/keyGroups.js';

/** What the Keys page keeps of its view. */
export interface KeptView {
  search: string;
  filter: KeyFilter;
  closed: string[];
  open: string[];
  isMoreOpen: boolean;
  /** Pixels from the top. */
  scroll: number;
}

/** The view that was kept; what is missing or makes no sense (an older version wrote it) as at the first time. */
export function readView(state: unknown): KeptView {
  const kept = typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  const texts = (value: unknown): string[] =>
    Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
  const { search, filter, scroll } = kept;
  return {
    search: typeof search === 'string' ? search : '',
    filter: filter === 'healthy' || filter === 'attention' ? filter : 'all',
    closed: texts(kept['closed']),
    open: texts(kept['open']),
    isMoreOpen: kept['isMoreOpen'] === true,
    scroll: typeof scroll === 'number' && Number.isFinite(scroll) ? scroll : 0,
  };
}
