import type { LedgerChange } from './changes.js';
import { type ChangeAt, decodeChange, type JournalContents } from './journal.js';

/** A journal as it was found. */
export interface FoundJournal {
  name: string;
  contents: JournalContents;
}

/** What the journals hold beyond an image. */
export interface ReplayPlan {
  changes: { journal: JournalContents; at: ChangeAt }[];
  /** The last number that is taken, by a change or by one that is lost. */
  seq: number;
  /** Journals with a part that cannot be read. */
  damaged: string[];
  /** Journals that tell not where they belong and do not continue what is there: not replayed. */
  unplaced: string[];
  /** Whether the journals begin only after the image ends: what lies between is nowhere. */
  isApart: boolean;
}

/**
 * Finds the changes after `seq`. `journals` are those of the image's database, oldest first. A journal's header says after
 * which change it begins: what an older one holds beyond that was refused and does not count. A number that is missing
 * means damage; what comes after it is taken all the same, since every change stands for itself. But of a journal that
 * lost its header only what continues the rest is taken: it may be another database's.
 */
export function planReplay(found: readonly FoundJournal[], seq: number): ReplayPlan {
  const plan: ReplayPlan = { changes: [], seq, damaged: [], unplaced: [], isApart: false };
  const isEarlier = ({ contents }: FoundJournal) => contents.isHeaderLost && contents.header.after < seq;
  const journals = found.filter((journal) => !isEarlier(journal));
  plan.unplaced = found.filter(isEarlier).map(({ name }) => name);
  const starts = journals.map(({ contents }) => contents.header.after);
  plan.isApart = journals.some(({ contents }) => !contents.isHeaderLost) && Math.min(...starts) > seq;
  for (const [index, { name, contents }] of journals.entries()) {
    const bound = Math.min(...starts.slice(index + 1));
    const { isHeaderLost } = contents;
    const after = contents.header.after;
    // Without an image there is nothing to continue.
    if (isHeaderLost && after > plan.seq && plan.seq > 0) {
      plan.unplaced.push(name);
      continue;
    }
    if (after > plan.seq) {
      const before = journals[index - 1];
      if (before && !plan.damaged.includes(before.name)) plan.damaged.push(before.name);
      plan.seq = after;
    }
    let isDamaged = false;
    for (const at of contents.changes) {
      if (at.seq <= plan.seq || at.seq > bound) continue;
      if (at.seq !== plan.seq + 1) isDamaged = true;
      if (isDamaged && isHeaderLost) break;
      plan.changes.push({ journal: contents, at });
      plan.seq = at.seq;
    }
    if (isDamaged || isHeaderLost) plan.damaged.push(name);
  }
  return plan;
}

/** Decodes the changes one by one; what is not a change is left out. */
export function* plannedChanges(plan: ReplayPlan): Generator<LedgerChange> {
  for (const { journal, at } of plan.changes) {
    try {
      yield decodeChange(journal, at);
    } catch {
      // Its checksum is right, so it was written like that: nothing of it can be had.
    }
  }
}
