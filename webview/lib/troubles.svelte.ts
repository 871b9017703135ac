/**
 * What went wrong on a page. A reading's trouble is over with the next reading; a deed's stays until the next deed, since
 * the page reads by itself, at any moment, and who did it must have time to read why it failed.
 */
export class Troubles {
  private ofReading: string | null = $state(null);
  private ofDeed: string | null = $state(null);

  /** What there is to say; null: nothing. */
  get words(): string | null {
    return this.ofDeed ?? this.ofReading;
  }

  /** @param words null: it was read */
  reading(words: string | null): void {
    this.ofReading = words;
  }

  /** @param words null: a deed began, or was done */
  deed(words: string | null): void {
    this.ofDeed = words;
  }
}
