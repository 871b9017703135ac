/** Rows of equal height, one of which may be open with details of any height below it. */
export interface RowsLayout {
  count: number;
  rowHeight: number;
  /** null: none is open. */
  openIndex: number | null;
  openHeight: number;
}

/** Rows drawn above and below what is seen, so that scrolling does not show them come. */
const SPARE = 8;

/** Where a row begins, in pixels from the first. */
export function topOf({ rowHeight, openIndex, openHeight }: RowsLayout, index: number): number {
  return index * rowHeight + (openIndex !== null && index > openIndex ? openHeight : 0);
}

export function heightOf(layout: RowsLayout): number {
  return layout.count * layout.rowHeight + (layout.openIndex === null ? 0 : layout.openHeight);
}

/** The rows to draw: those seen and a few more; `last` is not one of them. */
export function drawnRows(layout: RowsLayout, scrollTop: number, height: number): { first: number; last: number } {
  const first = Math.max(0, rowAt(layout, scrollTop) - SPARE);
  const last = Math.min(layout.count, rowAt(layout, scrollTop + height) + 1 + SPARE);
  return { first, last: Math.max(first, last) };
}

/** The row at this height; details belong to the row above them. */
export function rowAt({ count, rowHeight, openIndex, openHeight }: RowsLayout, y: number): number {
  const index = Math.floor(y / rowHeight);
  const at =
    openIndex === null || index <= openIndex ? index : Math.max(openIndex, Math.floor((y - openHeight) / rowHeight));
  return Math.max(0, Math.min(count - 1, at));
}

/** How far to scroll so that the row is seen as a whole. */
export function scrollToRow(layout: RowsLayout, index: number, scrollTop: number, height: number): number {
  const top = topOf(layout, index);
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + layout.rowHeight - height);
}
