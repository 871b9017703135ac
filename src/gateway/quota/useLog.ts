const FIRST_CAPACITY = 16;
/** From here on entries are joined two by two, so that no window grows without bound (64 KB). */
const MAX_ENTRIES = 4096;

/**
 * Amounts by the time they were spent, oldest first, in a ring. Adding at the end and dropping the oldest cost next to
 * nothing. Up to 4,096 entries are exact; beyond that neighbours are joined at the later one's time, so that an amount
 * may count longer than it must, never shorter.
 */
export class UseLog {
  private times = new Float64Array(FIRST_CAPACITY);
  private amounts = new Float64Array(FIRST_CAPACITY);
  private head = 0;
  size = 0;
  total = 0;

  /** Times mostly rise; a late one is put where it belongs. */
  add(time: number, amount: number): void {
    if (amount === 0) return;
    this.total += amount;
    if (this.size > 0 && this.times[this.at(this.size - 1)] === time) {
      this.grow(this.at(this.size - 1), amount);
      return;
    }
    if (this.size === this.times.length) this.makeRoom();
    let place = this.size++;
    while (place > 0 && (this.times[this.at(place - 1)] ?? 0) > time) {
      this.copy(place - 1, place);
      place--;
    }
    this.times[this.at(place)] = time;
    this.amounts[this.at(place)] = amount;
  }

  /** Takes back what was added at that time; false where it has been joined with others or dropped. */
  remove(time: number, amount: number): boolean {
    for (let place = this.size - 1; place >= 0; place--) {
      const found = this.times[this.at(place)] ?? 0;
      if (found < time) return false;
      if (found !== time || (this.amounts[this.at(place)] ?? 0) < amount) continue;
      this.grow(this.at(place), -amount);
      this.total -= amount;
      return true;
    }
    return false;
  }

  /** Drops what was spent at or before `time`. */
  expire(time: number): void {
    while (this.size > 0 && (this.times[this.head] ?? 0) <= time) {
      this.total -= this.amounts[this.head] ?? 0;
      this.head = (this.head + 1) & (this.times.length - 1);
      this.size--;
    }
    // Sums of fractions would drift.
    if (this.size === 0) this.total = 0;
  }

  /** The time up to which entries must be dropped to free `amount`; null when dropping all does not. */
  timeFreeing(amount: number): number | null {
    let freed = 0;
    for (let place = 0; place < this.size; place++) {
      freed += this.amounts[this.at(place)] ?? 0;
      if (freed >= amount) return this.times[this.at(place)] ?? null;
    }
    return null;
  }

  get newest(): number | null {
    return this.size === 0 ? null : (this.times[this.at(this.size - 1)] ?? null);
  }

  forEach(visit: (time: number, amount: number) => void): void {
    for (let place = 0; place < this.size; place++) {
      const at = this.at(place);
      visit(this.times[at] ?? 0, this.amounts[at] ?? 0);
    }
  }

  private at(place: number): number {
    return (this.head + place) & (this.times.length - 1);
  }

  private grow(at: number, amount: number): void {
    this.amounts[at] = (this.amounts[at] ?? 0) + amount;
  }

  private copy(from: number, to: number): void {
    this.times[this.at(to)] = this.times[this.at(from)] ?? 0;
    this.amounts[this.at(to)] = this.amounts[this.at(from)] ?? 0;
  }

  private makeRoom(): void {
    if (this.size < MAX_ENTRIES) {
      const times = new Float64Array(this.size * 2);
      const amounts = new Float64Array(this.size * 2);
      for (let place = 0; place < this.size; place++) {
        times[place] = this.times[this.at(place)] ?? 0;
        amounts[place] = this.amounts[this.at(place)] ?? 0;
      }
      this.times = times;
      this.amounts = amounts;
      this.head = 0;
      return;
    }
    const half = this.size / 2;
    for (let place = 0; place < half; place++) {
      const later = this.at(2 * place + 1);
      const amount = (this.amounts[this.at(2 * place)] ?? 0) + (this.amounts[later] ?? 0);
      this.times[this.at(place)] = this.times[later] ?? 0;
      this.amounts[this.at(place)] = amount;
    }
    this.size = half;
  }
}
