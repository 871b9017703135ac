import type { ChainModel, ChainView } from '../../../src/protocol/chain.js';
import type { ScorePart } from '../../../src/protocol/strategyNames.js';
import type { ChainRow } from './rows.js';

/** Where something lands: right before or right behind a name. */
export interface Landing {
  anchor: string;
  side: 'before' | 'behind';
}

/** The names with `moved` (in their own order) at the landing. The same list where that changes nothing. */
export function withMoved(order: readonly string[], moved: readonly string[], landing: Landing): readonly string[] {
  const taken = new Set(moved);
  const rest = order.filter((name) => !taken.has(name));
  // One of a row that moves as a whole may be the anchor: then it stays where it is.
  const at = rest.indexOf(landing.anchor);
  if (at < 0) return order;
  const place = landing.side === 'before' ? at : at + 1;
  const result = [...rest.slice(0, place), ...order.filter((name) => taken.has(name)), ...rest.slice(place)];
  return isSame(result, order) ? order : result;
}

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** Where a row lands when it goes one up or down among the rows that are shown; null where it cannot. */
export function stepOf(rows: readonly ChainRow[], id: string, step: 1 | -1): Landing | null {
  const movable = rows.filter(({ place }) => place !== null);
  const at = movable.findIndex((row) => row.id === id);
  const other = at < 0 ? undefined : movable[at + step];
  return other === undefined ? null : { anchor: other.head.model, side: step < 0 ? 'before' : 'behind' };
}

/** Body of `PUT /api/chain`. */
export type ChainBody = { model: string; enabled?: boolean }[] | null;

/** What keeps this order, and what is off off. */
export function bodyOf(order: readonly string[], off: readonly string[]): ChainBody {
  const out = new Set(off);
  return [
    ...order.filter((model) => !out.has(model)).map((model) => ({ model })),
    ...off.map((model) => ({ model, enabled: false })),
  ];
}

/** What was saved, as far as it can be told: to go back to it. */
export function savedBody({ hasOrder, data }: Pick<ChainView, 'hasOrder' | 'data'>, own: readonly string[]): ChainBody {
  const off = offOf(data);
  if (hasOrder) return bodyOf(own, off);
  return off.length === 0 ? null : bodyOf([], off);
}

/** What switches models on or off. An order that nobody set is not set by it, either. */
export function switchedBody(
  view: Pick<ChainView, 'hasOrder' | 'data'>,
  own: readonly string[],
  models: readonly string[],
  isOn: boolean,
): ChainBody {
  const named = new Set(models);
  const off = offOf(view.data).filter((model) => !named.has(model));
  const outs = isOn ? off : [...off, ...models];
  if (!view.hasOrder) return outs.length === 0 ? null : bodyOf([], outs);
  return bodyOf([...own, ...(isOn ? models.filter((model) => !own.includes(model)) : [])], outs);
}

function offOf(data: readonly ChainModel[]): string[] {
  return data.filter(({ enabled }) => !enabled).map(({ model }) => model);
}

export const PRESETS = [
  'intelligence',
  'speed',
  'reliability',
  'headroom',
  'context',
  'provider',
  'name',
  'catalog',
] as const;
export type Preset = (typeof PRESETS)[number];

/** The names sorted by something that is known of the models; equal ones stay as they are. null: the catalog's order. */
export function sortedBy(models: readonly ChainModel[], preset: Preset): string[] | null {
  if (preset === 'catalog') return null;
  const on = models.filter(({ enabled }) => enabled);
  return on.sort((a, b) => compare(a, b, preset)).map(({ model }) => model);
}

function compare(a: ChainModel, b: ChainModel, preset: Exclude<Preset, 'catalog'>): number {
  switch (preset) {
    case 'context':
      return (b.contextWindow ?? 0) - (a.contextWindow ?? 0);
    case 'provider':
      return a.provider.localeCompare(b.provider);
    case 'name':
      return a.name.localeCompare(b.name);
    default:
      return partOf(b, preset) - partOf(a, preset);
  }
}

function partOf({ score }: ChainModel, part: ScorePart): number {
  return score?.[part].value ?? 0;
}
