/** The first groups that together have so many rows, or all. */
export function firstOf<T extends { rows: readonly unknown[] }>(groups: readonly T[], rows: number): T[] {
  let left = rows;
  return groups.filter((group) => {
    const isIn = left > 0;
    left -= group.rows.length + 1;
    return isIn;
  });
}
