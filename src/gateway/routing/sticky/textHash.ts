/**
 * A fast 53-bit hash of texts that come in pieces, blind to white space: clients trim and re-wrap what they send back.
 * How a text is cut into pieces does not matter. The mixing is cyrb53's (https://github.com/bryc/code, public domain);
 * it is no cryptographic hash, and nothing depends on that: two conversations that collide share an affinity.
 */
export class TextHash {
  private low = 0xdeadbeef;
  private high = 0x41c6ce57;
  /** Characters hashed, white space not counted. */
  length = 0;

  /** Nothing after `limit` characters changes the hash. */
  constructor(private readonly limit = Number.POSITIVE_INFINITY) {}

  text(piece: string): void {
    const { limit } = this;
    let { low, high, length } = this;
    for (let at = 0; at < piece.length && length < limit; at++) {
      const code = piece.charCodeAt(at);
      if (code <= 0x20 || code === 0xa0 || code === 0xfeff) continue;
      low = Math.imul(low ^ code, 2654435761);
      high = Math.imul(high ^ code, 1597334677);
      length++;
    }
    this.low = low;
    this.high = high;
    this.length = length;
  }

  /** Sets what follows apart from what came before; takes another hash's value too. */
  number(value: number): void {
    for (const part of [value >>> 0, Math.floor(value / 2 ** 32)]) {
      // Other factors than a character's: no text hashes like a number.
      this.low = Math.imul(this.low ^ part, 2246822507);
      this.high = Math.imul(this.high ^ part, 3266489909);
    }
  }

  /** Of what was hashed so far. */
  get value(): number {
    const { length } = this;
    const low = mix(this.low ^ length, this.high);
    const high = mix(this.high ^ length, this.low);
    return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
  }
}

function mix(one: number, other: number): number {
  return Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(other ^ (other >>> 13), 3266489909);
}
