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

/** Reads a blob bucket by bucket. What is no encoding is read as far as it makes sense. */
class BlobReader {
  bucket = -1;
  count = 0;
  private at = 0;

  constructor(private readonly blob: Uint8Array) {}

  /** Moves to the next bucket; false at the end. */
  next(): boolean {
    if (this.at >= this.blob.length) return false;
    const head = this.varint();
    this.count = head & 1 ? this.varint() + 2 : 1;
    this.bucket += (head >>> 1) + 1;
    return this.bucket <= MAX_BUCKET;
  }

  private varint(): number {
    const { blob } = this;
    let byte = blob[this.at++] ?? 0;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    // Not by bit shifts: a count may be above 2^31.
    for (let unit = 128; byte & 0x80; unit *= 128) {
      byte = blob[this.at++] ?? 0;
      value += (byte & 0x7f) * unit;
    }
    return value;
  }
}

/** Writes a blob; the buckets must rise. */
class BlobWriter {
  private bytes = new Uint8Array(64);
  private size = 0;
  private last = -1;

  put(bucket: number, count: number): void {
    // Two varints of at most 8 bytes each.
    if (this.size + 16 > this.bytes.length) this.grow();
    this.varint((bucket - this.last - 1) * 2 + (count > 1 ? 1 : 0));
    if (count > 1) this.varint(count - 2);
    this.last = bucket;
  }

  end(): Uint8Array {
    return this.bytes.slice(0, this.size);
  }

  private varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.bytes[this.size++] = (rest % 128) + 0x80;
    this.bytes[this.size++] = rest;
  }

  private grow(): void {
    const bytes = new Uint8Array(this.bytes.length * 2);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

/** The blob of what `blob` counts and one more value in each of `buckets` (in any order); null while there are none. */
export function addToBlob(blob: Uint8Array | null, buckets: readonly number[]): Uint8Array | null {
  if (buckets.length === 0) return blob;
  const added = buckets.toSorted((a, b) => a - b);
  const reader = new BlobReader(blob ?? new Uint8Array());
  const writer = new BlobWriter();
  let hasOld = reader.next();
  let at = 0;
  while (at < added.length) {
    const bucket = added[at] as number;
    for (; hasOld && reader.bucket < bucket; hasOld = reader.next()) writer.put(reader.bucket, reader.count);
    let count = 0;
    for (; added[at] === bucket; at++) count += 1;
    if (hasOld && reader.bucket === bucket) {
      count += reader.count;
      hasOld = reader.next();
    }
    writer.put(bucket, count);
  }
  for (; hasOld; hasOld = reader.next()) writer.put(reader.bucket, reader.count);
  return writer.end();
}

/** A sum of blobs, to ask for percentiles. Dense, since values in use span a few thousand buckets. */
export class Histogram {
  private counts = new Uint32Array(0);
  private sum = 0;

  /** How many values it holds. */
  get count(): number {
    return this.sum;
  }

  merge(blob: Uint8Array): void {
    const reader = new BlobReader(blob);
    let { counts, sum } = this;
    while (reader.next()) {
      if (reader.bucket >= counts.length) counts = this.grow(reader.bucket);
      counts[reader.bucket] = (counts[reader.bucket] as number) + reader.count;
      sum += reader.count;
    }
    this.sum = sum;
  }

  /** One value more. */
  add(bucket: number): void {
    if (bucket >= this.counts.length) this.grow(bucket);
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += 1;
  }

  addAll(other: Histogram): void {
    const more = other.counts;
    if (more.length > this.counts.length) this.grow(more.length - 1);
    const { counts } = this;
    for (let bucket = 0; bucket < more.length; bucket++) {
      counts[bucket] = (counts[bucket] as number) + (more[bucket] as number);
    }
    this.sum += other.sum;
  }

  /**
   * Percentiles by nearest rank: for each of `percents`, which rise, the smallest value that at least so many percent of
   * all are not above. Empty without values. Percents are whole numbers, so that no rounding error moves a rank.
   */
  percentiles(percents: readonly number[]): number[] {
    if (this.sum === 0) return [];
    let bucket = -1;
    let passed = 0;
    return percents.map((percent) => {
      const rank = Math.max(1, Math.ceil((percent * this.sum) / 100));
      while (passed < rank && bucket + 1 < this.counts.length) passed += this.counts[++bucket] as number;
      return bucketValue(bucket);
    });
  }

  private grow(bucket: number): Uint32Array<ArrayBuffer> {
    const counts = new Uint32Array(Math.max(bucket + 1, EXACT, this.counts.length * 2));
    counts.set(this.counts);
    this.counts = counts;
    return counts;
  }
}
