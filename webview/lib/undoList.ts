/** Something that was done and can still be taken back. */
export interface Undoable {
  id: string;
  /** What was done, in words: `“main” of Groq was removed`. */
  text: string;
  /** ms since the epoch; then it is settled. */
  until: number;
  undo(): void;
}

/** So long can be undone what was done. */
export const UNDO_MS = 10_000;

/** Those that can still be undone, newest last, with one more; the same id is the same deed. */
export function withUndoable(list: readonly Undoable[], added: Undoable): Undoable[] {
  return [...list.filter(({ id }) => id !== added.id), added];
}

/** Without those whose time is over. The same list when none is. */
export function stillUndoable(list: readonly Undoable[], now: number): readonly Undoable[] {
  return list.some(({ until }) => until <= now) ? list.filter(({ until }) => until > now) : list;
}
