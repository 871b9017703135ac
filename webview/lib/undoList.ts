/** Something that was done and can still be taken back. */
export interface Undoable {
  id: string;
  /** What was done, in words: `“main” of Groq was removed`. */
  text: string;
  /** ms since the epoch; then it is settled. */
  until: number;
  /** Selects what has the focus once it is undone: what came back. */
  focus: string;
  /** What the page's next document undoes it with, as data. None where the editor side tells that document of it anew. */
  kept?: unknown;
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

export type KeptUndoable = Omit<Undoable, 'undo' | 'kept'> & { kept: unknown };

/** What the next document of the page offers again. */
export function keptUndoables(list: readonly Undoable[]): KeptUndoable[] {
  return list.flatMap(({ id, text, until, focus, kept }) =>
    kept === undefined ? [] : [{ id, text, until, focus, kept }],
  );
}

/** What was kept and is not over. Takes anything. */
export function readUndoables(value: unknown, now: number): KeptUndoable[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const { id, text, until, focus, kept } = (each ?? {}) as Record<string, unknown>;
    const isOne = typeof id === 'string' && typeof text === 'string' && typeof focus === 'string';
    if (!isOne || typeof until !== 'number' || until <= now) return [];
    return [{ id, text, until, focus, kept }];
  });
}
