/**
 * How often each value was seen, for values quantised to three significant digits. A figure shown with three digits
 * needs no more, and rounding keeps the order: the percentile of the rounded values is the rounded percentile.
 *
 * Bucket numbers are small and rise with the value: 0 to 999 are themselves, then 900 buckets for each power of ten.
 * A blob lists the buckets that hold something, in order, each as one varint (LEB128) of twice the distance to the one
 * before, plus 1 when a second varint follows with the count less 2; most counts are 1.
 */

const EXACT = 1000;
const BUCKETS_PER_DECADE = 900;
const MAX_BUCKET = bucketOf(Number.MAX_SAFE_INTEGER);

/** The bucket of a value. Less than nothing, or no number, counts as 0. */
export function bucketOf(value: number): number {
  const whole = Math.round(Math.min(value, Number.MAX_SAFE_INTEGER));
  if (!(whole > 0)) return 0;
  if (whole < EXACT) return whole;
  let unit = 10;
  let first = EXACT;
  for (; whole >= unit * EXACT; unit *= 10) first += BUCKETS_PER_DECADE;
  // 9,996 rounds up to 1,000 tens: that is the first bucket of the next power of ten.
  return first + Math.round(whole / unit) - 100;
}

/** The value that stands for a bucket. */
export function bucketValue(bucket: number): number {
  if (bucket < EXACT) return bucket;
  const above = bucket - EXACT;
  return ((above % BUCKETS_PER_DECADE) + 100) * 10 ** (Math.floor(above / BUCKETS_PER_DECADE) + 1);
}

/** A value as a histogram gives it back: three significant digits, whole numbers under 1,000. */
export function quantise(value: number): number {
  return bucketValue(bucketOf(value));
}

/** Counts by bucket, dense in memory (values in use span a few thousand buckets) and sparse when encoded. */
export class Histogram {
  private counts = new Uint32Array(EXACT);
  /** One more than the highest bucket in use. */
  private end = 0;
  private used = 0;
  private sum = 0;

  /** How many values it holds. */
  get count(): number {
    return this.sum;
  }

  add(value: number): void {
    this.addBucket(bucketOf(value), 1);
  }

  addBucket(bucket: number, count: number): void {
    if (bucket >= this.end) this.grow(bucket + 1);
    const before = this.counts[bucket] ?? 0;
    if (before === 0) this.used += 1;
    this.counts[bucket] = before + count;
    this.sum += count;
  }

  /** Adds an encoded histogram. What is no encoding of one is read as far as it makes sense. */
  merge(blob: Uint8Array): void {
    const size = blob.length;
    let at = 0;
    let bucket = -1;
    while (at < size) {
      let byte = blob[at++] as number;
      let head = byte & 0x7f;
      for (let shift = 7; byte & 0x80 && at < size; shift += 7) {
        byte = blob[at++] as number;
        head += (byte & 0x7f) << shift;
      }
      let count = 1;
      if (head & 1) {
        byte = 0x80;
        count = 2;
        for (let unit = 1; byte & 0x80 && at < size; unit *= 128) {
          byte = blob[at++] as number;
          count += (byte & 0x7f) * unit;
        }
      }
      bucket += (head >>> 1) + 1;
      if (bucket > MAX_BUCKET || bucket < 0) return;
      this.addBucket(bucket, count);
    }
  }

  /** As `merge` takes it; null when it holds nothing. */
  encode(): Uint8Array | null {
    if (this.sum === 0) return null;
    // At most 3 bytes for a distance and 5 for a count.
    const bytes = new Uint8Array(this.used * 8);
    let size = 0;
    const put = (value: number) => {
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes[size++] = (rest % 128) + 0x80;
      bytes[size++] = rest;
    };
    let last = -1;
    for (let bucket = 0; bucket < this.end; bucket++) {
      const count = this.counts[bucket] as number;
      if (count === 0) continue;
      put((bucket - last - 1) * 2 + (count > 1 ? 1 : 0));
      if (count > 1) put(count - 2);
      last = bucket;
    }
    return bytes.slice(0, size);
  }

  /**
   * The percentile by nearest rank: the smallest value that at least `percent` of all are not above; null without values.
   * `percent` is a whole number, so that no rounding error moves the rank.
   */
  percentile(percent: number): number | null {
    if (this.sum === 0) return null;
    let left = Math.max(1, Math.ceil((percent * this.sum) / 100));
    for (let bucket = 0; bucket < this.end; bucket++) {
      left -= this.counts[bucket] as number;
      if (left <= 0) return bucketValue(bucket);
    }
    return null;
  }

  /** Empties it, to be used again. */
  clear(): void {
    this.counts.fill(0, 0, this.end);
    this.end = 0;
    this.used = 0;
    this.sum = 0;
  }

  private grow(end: number): void {
    if (end > this.counts.length) {
      const counts = new Uint32Array(Math.max(end, this.counts.length * 2));
      counts.set(this.counts);
      this.counts = counts;
    }
    this.end = end;
  }
}
