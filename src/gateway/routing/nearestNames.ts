/** Longer than any model's name: whatever it is, it is no typo, and to lower its case alone would take long. */
const MAX_NAME = 300;
/** Names are compared up to here, which bounds the work. */
const MAX_COMPARED = 64;
/** What is further off than this many letters was not meant. */
const MAX_DISTANCE = 12;

/** A shorter text is part of too many names to say anything. */
const MIN_PART = 3;

/** The names most like a wrong one, nearest first; those that share nothing with it are left out. */
export function nearestNames(wrong: string, names: Iterable<string>, count: number): string[] {
  if (wrong.length > MAX_NAME) return [];
  const wanted = spelled(wrong);
  let limit = Math.min(Math.floor(Math.max(2, wanted.name.length / 2)), MAX_DISTANCE);
  const best: { name: string; distance: number }[] = [];
  for (const name of names) {
    const distance = distanceOf(wanted, spelled(name), limit);
    if (distance > limit) continue;
    const at = best.findIndex((other) => isNearer({ name, distance }, other));
    best.splice(at < 0 ? best.length : at, 0, { name, distance });
    if (best.length > count) best.pop();
    // Whoever is further off than all that are wanted need not be compared to the end.
    if (best.length === count) limit = Math.min(limit, best.at(-1)?.distance ?? limit);
  }
  return best.map(({ name }) => name);
}

function isNearer(one: { name: string; distance: number }, other: { name: string; distance: number }): boolean {
  return one.distance < other.distance || (one.distance === other.distance && one.name.length < other.name.length);
}

/** A name in lower case, what follows its provider, and both without punctuation, which nobody remembers. */
interface Spelled {
  name: string;
  tail: string;
  bareName: string;
  bareTail: string;
}

function spelled(text: string): Spelled {
  const name = text.toLowerCase();
  const tail = name.slice(name.lastIndexOf('/') + 1);
  return { name, tail, bareName: bare(name), bareTail: bare(tail) };
}

function bare(text: string): string {
  return text.replace(/[-_.:/@ ]+/g, '');
}

/** 0: the same but for punctuation or the provider; 1: one is a good part of the other; else the letters to change. */
function distanceOf(wanted: Spelled, candidate: Spelled, limit: number): number {
  if (wanted.bareName === candidate.bareName || wanted.bareTail === candidate.bareTail) return 0;
  if (isPart(wanted.bareName, candidate.bareName) || isPart(wanted.bareTail, candidate.bareTail)) return 1;
  if (isPart(candidate.bareTail, wanted.bareName) && candidate.bareTail.length * 2 >= wanted.bareTail.length) return 1;
  return Math.min(letters(wanted.name, candidate.name, limit), letters(wanted.name, candidate.tail, limit));
}

function isPart(part: string, whole: string): boolean {
  return part.length >= MIN_PART && whole.includes(part);
}

/** Where all letters of the shorter one would have to be others, the two share nothing. */
function letters(left: string, right: string, limit: number): number {
  const distance = editDistance(left, right, limit);
  return distance < Math.min(left.length, right.length) ? distance : Number.POSITIVE_INFINITY;
}

/** Levenshtein distance, one row at a time; Infinity as soon as it is sure to be over the limit. */
function editDistance(left: string, right: string, limit: number): number {
  const a = left.slice(0, MAX_COMPARED);
  const b = right.slice(0, MAX_COMPARED);
  if (Math.abs(a.length - b.length) > limit) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  let next = row.slice();
  for (let i = 1; i <= a.length; i++) {
    const code = a.charCodeAt(i - 1);
    let least = i;
    next[0] = i;
    // Further from the diagonal every distance is over the limit.
    const from = Math.max(1, i - limit);
    const to = Math.min(b.length, i + limit);
    if (from > 1) next[from - 1] = limit + 1;
    if (to === i + limit) row[to] = limit + 1;
    for (let j = from; j <= to; j++) {
      const substitution = (row[j - 1] ?? 0) + (code === b.charCodeAt(j - 1) ? 0 : 1);
      const distance = Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
      next[j] = distance;
      if (distance < least) least = distance;
    }
    if (least > limit) return Number.POSITIVE_INFINITY;
    [row, next] = [next, row];
  }
  return row[b.length] ?? 0;
}
