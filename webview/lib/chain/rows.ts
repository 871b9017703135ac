import type { ChainModel } from '../../../src/protocol/chain.js';

/** A line of the chain: a model, or the same model at several providers. */
export interface ChainRow {
  /** The group's name, or `provider/model`: stays the same while copies change places. */
  id: string;
  /** In the order they are tried, those that are off last. At least one. */
  members: readonly ChainModel[];
  head: ChainModel;
  /** Display name; of several copies without the provider that the first one's names in brackets. */
  name: string;
  /** From 1, of the first member; null where all are off. */
  place: number | null;
}

/** Which of the rows are shown. */
export interface RowFilter {
  search: string;
  state: StateFilter;
  /** Of all that is named here a row must have a copy. */
  can: readonly Ability[];
  /** null: of all. */
  provider: string | null;
}
export type StateFilter = 'all' | 'now' | 'off';
export const ABILITIES = ['tools', 'vision', 'reasoning'] as const;
export type Ability = (typeof ABILITIES)[number];

/**
 * The models in an order of names; those that it does not name follow as they come, those that are off come last.
 * @param order `provider/model`
 */
export function inOrder(models: readonly ChainModel[], order: readonly string[]): ChainModel[] {
  const places = new Map(order.map((name, index) => [name, index]));
  const placeOf = ({ model, enabled }: ChainModel): number =>
    enabled ? (places.get(model) ?? order.length) : order.length + 1;
  return [...models].sort((a, b) => placeOf(a) - placeOf(b));
}

/** The rows of models that are in order. Grouped, a row stands where the first of its copies is tried. */
export function rowsOf(models: readonly ChainModel[], isGrouped: boolean): ChainRow[] {
  const members = new Map<string, ChainModel[]>();
  for (const model of models) {
    const id = isGrouped ? (model.group ?? model.model) : model.model;
    const known = members.get(id);
    if (known === undefined) members.set(id, [model]);
    else known.push(model);
  }
  const places = new Map(models.filter(({ enabled }) => enabled).map(({ model }, index) => [model, index + 1]));
  return [...members].flatMap(([id, all]) => {
    const [head] = all;
    if (head === undefined) return [];
    const name = all.length > 1 ? head.name.replace(/ \([^()]*\)$/, '') : head.name;
    return [{ id, members: all, head, name, place: places.get(head.model) ?? null }];
  });
}

/** The rows that fit; every word must be found somewhere in what a row says. */
export function filteredRows(
  rows: readonly ChainRow[],
  { search, state, can, provider }: RowFilter,
  nameOf: (provider: string) => string,
): ChainRow[] {
  const words = search.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(
    ({ id, members }) =>
      members.some(
        (model) =>
          isInState(model, state) &&
          can.every((ability) => model[ability]) &&
          (provider === null || model.provider === provider),
      ) && hasWords(words, id, members, nameOf),
  );
}

function isInState({ enabled, available }: ChainModel, state: StateFilter): boolean {
  return state === 'all' || (state === 'now' ? enabled && available : !enabled);
}

function hasWords(
  words: readonly string[],
  id: string,
  members: readonly ChainModel[],
  nameOf: (provider: string) => string,
): boolean {
  if (words.length === 0) return true;
  const texts = members.flatMap(({ model, name, provider }) => [model, name, nameOf(provider)]);
  const text = [id, ...texts].join(' ').toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

/** In, out, or of several copies some. */
export function inOut({ members }: ChainRow): 'in' | 'out' | 'mixed' {
  const on = members.filter(({ enabled }) => enabled).length;
  return on === 0 ? 'out' : on === members.length ? 'in' : 'mixed';
}

/** 0 to 1: what its best copy has left of the day; null where no limit is known, or all are off. */
export function leftOf({ members }: ChainRow): number | null {
  const known = members.flatMap(({ today }) => (today !== null && hasLimit(today) ? [today.left] : []));
  return known.length === 0 ? null : Math.max(...known);
}

/** Whether what is left is known at all. */
export function hasLimit({ left, requests, tokens }: NonNullable<ChainModel['today']>): boolean {
  return left < 1 || requests.limit !== null || tokens.limit !== null;
}
