/** Rows `from` up to, but not with, `to`. */
export interface Span {
  from: number;
  to: number;
}

/** So many rows above and below what is seen are to be there, too: a scroll shows them before anything is made. */
export const AROUND = 12;
/** Spans begin and end at multiples of it, so that not every step of a scroll changes the document. */
const STEP = 8;

/**
 * The rows to have in the document where the part from `top` to `bottom` of a list is seen.
 * @param height of a row, px
 * @param extras what rows have beyond that, px by index
 * @param seen px from the list's own top; negative where the list begins further down
 * @param around rows above and below
 */
export function spanAt(
  count: number,
  height: number,
  extras: ReadonlyMap<number, number>,
  seen: { top: number; bottom: number },
  around = AROUND,
): Span {
  let first = 0;
  let y = 0;
  const heightOf = (index: number): number => height + (extras.get(index) ?? 0);
  for (; first < count && y + heightOf(first) < seen.top; first += 1) y += heightOf(first);
  let last = first;
  for (; last < count && y < seen.bottom; last += 1) y += heightOf(last);
  return {
    from: Math.max(0, Math.floor((first - around) / STEP) * STEP),
    to: Math.min(count, Math.ceil((last + around) / STEP) * STEP),
  };
}

/** A row that is in the document. */
export interface Placed<T> {
  row: T;
  /** Its place in the whole list, from 0. */
  index: number;
  /** Rows left out right before it. */
  skipped: number;
}

/**
 * The rows of the span, and those elsewhere that must not go: that have the focus, are dragged or open.
 * @returns them in order, and how many are left out behind the last
 */
export function placedRows<T>(
  rows: readonly T[],
  { from, to }: Span,
  isKept: (row: T) => boolean,
): { placed: Placed<T>[]; skippedAtEnd: number } {
  const placed: Placed<T>[] = [];
  let skipped = 0;
  for (const [index, row] of rows.entries()) {
    if ((index >= from && index < to) || isKept(row)) {
      placed.push({ row, index, skipped });
      skipped = 0;
    } else skipped += 1;
  }
  return { placed, skippedAtEnd: skipped };
}

/**
 * Gives every row that is in the document a number that it keeps while it is there. What a row is shown by goes by that
 * number: the next row takes it over, which costs far less than making one anew.
 */
export class Slots {
  private readonly held = new Map<string, number>();
  private readonly free: number[] = [];

  /** A number for each, in their order. */
  assign(ids: readonly string[]): number[] {
    const wanted = new Set(ids);
    for (const [id, slot] of this.held) {
      if (wanted.has(id)) continue;
      this.held.delete(id);
      this.free.push(slot);
    }
    return ids.map((id) => {
      const slot = this.held.get(id) ?? this.free.pop() ?? this.held.size;
      this.held.set(id, slot);
      return slot;
    });
  }
}
