import { STRATEGIES, type Strategy } from '../../../src/protocol/strategyNames.js';
import { ABILITIES, type Ability, type StateFilter } from './rows.js';

/** What the chain's page keeps of its view. */
export interface KeptView {
  search: string;
  state: StateFilter;
  can: Ability[];
  provider: string | null;
  isGrouped: boolean;
  /** Rows whose score is shown. */
  open: string[];
  /** The order that is looked at; null: the one in force. */
  preview: Strategy | null;
  /** null: the chain itself. */
  profile: string | null;
  isBudgetOpen: boolean;
  /** Pixels from the top. */
  scroll: number;
}

/** The view that was kept; what is missing or makes no sense (an older version wrote it) as at the first time. */
export function readView(state: unknown): KeptView {
  const kept = typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const { scroll } = kept;
  const filter = kept['state'];
  return {
    search: text(kept['search']) ?? '',
    state: filter === 'now' || filter === 'off' ? filter : 'all',
    can: ABILITIES.filter((ability) => list(kept['can']).includes(ability)),
    provider: text(kept['provider']),
    isGrouped: kept['isGrouped'] !== false,
    open: list(kept['open']).filter((item): item is string => typeof item === 'string'),
    preview: STRATEGIES.find((strategy) => strategy === kept['preview']) ?? null,
    profile: text(kept['profile']),
    isBudgetOpen: kept['isBudgetOpen'] === true,
    scroll: typeof scroll === 'number' && Number.isFinite(scroll) ? scroll : 0,
  };
}
