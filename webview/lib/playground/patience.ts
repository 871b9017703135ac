/** What takes longer is felt. */
const SLOW_MS = 50;
/** So much of that is borne. */
const MOST_MS = 400;

/** Ends work on an answer that was written to take long: the parsers can take the square of its length. */
export class Patience {
  private lost = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** What `work` makes; null, without it, once too much time was lost. */
  spend<T>(work: () => T): T | null {
    if (this.lost > MOST_MS) return null;
    const begun = this.now();
    const made = work();
    const took = this.now() - begun;
    if (took > SLOW_MS) this.lost += took;
    return made;
  }
}
