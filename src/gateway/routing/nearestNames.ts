/** The names most like a wrong one, nearest first; those that share nothing with it are left out. */
export function nearestNames(wrong: string, names: Iterable<string>, count: number): string[] {
  const wanted = wrong.toLowerCase();
  const scored: { name: string; distance: number }[] = [];
  for (const name of names) {
    const candidate = name.toLowerCase();
    const tail = candidate.slice(candidate.lastIndexOf('/') + 1);
    const distance =
      candidate.includes(wanted) || wanted.includes(tail)
        ? 1
        : Math.min(editDistance(wanted, candidate), editDistance(wanted, tail));
    if (distance <= Math.max(2, wanted.length / 2)) scored.push({ name, distance });
  }
  return scored
    .sort((a, b) => a.distance - b.distance || a.name.length - b.name.length)
    .slice(0, count)
    .map((entry) => entry.name);
}

/** Levenshtein distance, one row at a time; names are cut at 64 characters to bound the work. */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 64);
  const b = right.slice(0, 64);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
