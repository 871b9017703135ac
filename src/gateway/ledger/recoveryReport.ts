import type { LedgerNotice } from './ledger.js';

/** A file that recovery gave another name. */
export interface SetAside {
  /** Its name now. */
  aside: string;
  /** `copy`: a damaged journal of which a copy was kept. */
  what: 'image' | 'journal' | 'copy';
}

/** What recovery met. */
export interface RecoveryFacts {
  aside: readonly SetAside[];
  /** Whether an image could be opened. */
  hasImage: boolean;
  /** An older image was put in the place of ours. */
  isReplaced: boolean;
  /** The journals begin only after the image, or after the first change where there is none. */
  isApart: boolean;
  /** Changes that the journals brought. */
  replayed: number;
}

/** What the user should know of it, in one notice; null where nothing is amiss. */
export function recoveryReport(facts: RecoveryFacts): Omit<LedgerNotice, 'file'> | null {
  const named = (what: SetAside['what']) => facts.aside.filter((one) => one.what === what).map(({ aside }) => aside);
  const [journals, copies] = [named('journal'), named('copy')];
  const sentences = facts.isReplaced ? replacedText(facts) : imageTexts(named('image'), facts);
  if (!facts.isReplaced) {
    if (journals.length > 0) sentences.push(`Journals that could not be used are now ${listed(journals)}.`);
    if (copies.length > 0) {
      sentences.push(`Journals were damaged (copies are ${listed(copies)}): FreeLLM kept what it could read of them.`);
    }
  }
  if (sentences.length === 0) return null;
  const isLost = facts.isReplaced || facts.isApart || (!facts.hasImage && facts.replayed === 0);
  return { kind: isLost ? 'lost' : 'damaged', message: sentences.join(' ') };
}

function replacedText({ aside }: RecoveryFacts): string[] {
  const names = listed(aside.map((one) => one.aside));
  return [`An older database file was put in place, and FreeLLM goes on from it. What came after it is now ${names}.`];
}

function imageTexts(images: readonly string[], facts: RecoveryFacts): string[] {
  const { hasImage, isApart, replayed } = facts;
  const sentences: string[] = [];
  if (images.length > 1) {
    sentences.push(`The database file and the one before it were damaged and are now ${listed(images)}.`);
  } else if (images.length === 1) sentences.push(`The database file was damaged and is now ${listed(images)}.`);
  if (hasImage && isApart) {
    sentences.push('Changes are missing from the database: a journal file is gone. FreeLLM kept what it could read.');
  } else if (hasImage && images.length > 0) {
    sentences.push('FreeLLM rebuilt it from the one before and the journals.');
  } else if (!hasImage && (isApart || images.length > 0)) {
    // A gateway that was killed before its first image left journals that begin at the first change: nothing is amiss.
    if (images.length === 0) sentences.push('The database file and the one before it are gone.');
    if (!isApart && replayed > 0) sentences.push('FreeLLM rebuilt it from the journals.');
    else sentences.push(`What was in it is lost: requests, chain, settings and counts. ${restText(replayed)}`);
  }
  return sentences;
}

function restText(replayed: number): string {
  return replayed > 0 ? 'FreeLLM kept only what the journals beside it held.' : 'FreeLLM begins anew.';
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
