/** A press as far as lists care. */
export interface ListPress {
  key: string;
  ctrlKey?: boolean;
  altKey?: boolean;
  metaKey?: boolean;
}

/**
 * Where the focus of a list goes: arrows, Home, End, Page Up and Down (ten rows). null when the press is none of these.
 * @param count how many rows there are
 */
export function nextRow(press: ListPress, at: number, count: number): number | null {
  if (count === 0 || press.ctrlKey === true || press.altKey === true || press.metaKey === true) return null;
  const to = (row: number): number => Math.min(count - 1, Math.max(0, row));
  switch (press.key) {
    case 'ArrowDown':
      return to(at + 1);
    case 'ArrowUp':
      return to(at - 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    case 'PageDown':
      return to(at + 10);
    case 'PageUp':
      return to(at - 10);
    default:
      return null;
  }
}

/** How long a pause ends a word that is typed. */
const PAUSE_MS = 700;

/** Finds rows by what is typed: letters in quick succession make one word; one letter again goes to its next row. */
export class TypeAhead {
  private typed = '';
  private last = 0;

  /**
   * The row that the press leads to, from `at`; null when it is no letter, or nothing fits.
   * @param now ms, of any clock
   */
  find(press: ListPress, labels: readonly string[], at: number, now: number): number | null {
    const { key } = press;
    // `/` leads to the search.
    if ([...key].length !== 1 || key === ' ' || key === '/' || press.ctrlKey || press.altKey || press.metaKey)
      return null;
    this.typed = now - this.last > PAUSE_MS ? key : this.typed + key;
    this.last = now;
    const isRepeat = [...this.typed].every((letter) => letter === key);
    const wanted = (isRepeat ? key : this.typed).toLocaleLowerCase();
    const first = isRepeat ? at + 1 : at;
    for (let step = 0; step < labels.length; step += 1) {
      const row = (first + step) % labels.length;
      if (labels[row]?.toLocaleLowerCase().startsWith(wanted)) return row;
    }
    // What fits nothing begins no word.
    this.typed = '';
    return null;
  }
}
