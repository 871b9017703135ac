/** A number to end an axis at, not under `value`, that can be halved in round numbers: 1, 2, 3, 4, 5, 6, 8 or 10 by a power of ten. */
export function niceMax(value: number): number {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 3, 4, 5, 6, 8, 10].find((each) => each * unit >= value * (1 - 1e-12)) ?? 10;
  return step * unit;
}

/** What a line goes through: pieces of neighbouring points that have a value. */
export function pieces(values: readonly (number | null)[]): { index: number; value: number }[][] {
  const found: { index: number; value: number }[][] = [];
  let piece: { index: number; value: number }[] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) {
      if (piece.length > 0) found.push(piece);
      piece = [];
    } else piece.push({ index, value });
  }
  if (piece.length > 0) found.push(piece);
  return found;
}

/** Which of `count` columns of equal width a place (0 to 1, from the left) is in. */
export function columnAt(share: number, count: number): number {
  return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
}

/** Where the arrows of a chart lead: a point on or back, Page Up and Down six, Home and End; null for other presses. */
export function nextPoint(key: string, at: number, count: number): number | null {
  const to = (index: number): number => Math.max(0, Math.min(count - 1, index));
  switch (key) {
    case 'ArrowRight':
    case 'ArrowUp':
      return to(at + 1);
    case 'ArrowLeft':
    case 'ArrowDown':
      return to(at - 1);
    case 'PageUp':
      return to(at + 6);
    case 'PageDown':
      return to(at - 6);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
