import type { KeyGroup, KeyRow } from '../../../src/protocol/keyGroups.js';

/**
 * The groups with every row, and every group, that says what it said before as the very same object: what shows it has
 * nothing to do then. Of sixty keys an event is about one.
 */
export function withSameRows(before: readonly KeyGroup[], after: readonly KeyGroup[]): KeyGroup[] {
  const groups = new Map(before.map((group) => [group.provider.id, group]));
  return after.map((group) => {
    const known = groups.get(group.provider.id);
    if (known === undefined) return group;
    const rows = new Map(known.rows.map((row) => [row.key.id, row]));
    const kept = group.rows.map((row) => {
      const other = rows.get(row.key.id);
      return other !== undefined && isSameRow(other, row) ? other : row;
    });
    const isSame =
      known.provider === group.provider &&
      known.state === group.state &&
      isSameDay(known.day, group.day) &&
      isSameList(known.rows, kept);
    return isSame ? known : { ...group, rows: kept };
  });
}

function isSameRow(one: KeyRow, other: KeyRow): boolean {
  return (
    one.key === other.key &&
    one.state === other.state &&
    one.bench === other.bench &&
    one.tightest === other.tightest &&
    isSameList(one.cooldowns, other.cooldowns) &&
    isSameList(one.tried, other.tried) &&
    isSameList(one.windows, other.windows)
  );
}

function isSameDay(one: KeyGroup['day'], other: KeyGroup['day']): boolean {
  if (one === null || other === null) return one === other;
  return one.used === other.used && one.limit === other.limit && one.resetsAt === other.resetsAt;
}

function isSameList<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}
