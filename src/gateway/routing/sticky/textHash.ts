/**
 * A fast 53-bit hash of texts and numbers, blind to white space: clients trim and re-wrap what they send back. The mixing
 * is cyrb53's (https://github.com/bryc/code, public domain). It is no cryptographic hash, and nothing depends on that:
 * two conversations that collide share an affinity.
 */
export class TextHash {
  private low = 0xdeadbeef | 0;
  private high = 0x41c6ce57;
  /** Bytes hashed, white space not counted. */
  private length = 0;

  get isEmpty(): boolean {
    return this.length === 0;
  }

  /** Nothing after the first `limit` bytes, white space not counted, changes the hash. */
  text(text: string, limit = 0x7fffffff): void {
    let { low, high } = this;
    let length = 0;
    // Several times as fast as asking the string for each character.
    const bytes = Buffer.from(text, 'utf8');
    for (let at = 0; at < bytes.length && length < limit; at++) {
      const byte = bytes[at] as number;
      if (byte <= 0x20) continue;
      low = Math.imul(low ^ byte, -1640531535);
      high = Math.imul(high ^ byte, 1597334677);
      length++;
    }
    this.low = low;
    this.high = high;
    this.length += length;
  }

  /** Sets what follows apart from what came before; takes another hash's value too. */
  number(value: number): void {
    for (const part of [value >>> 0, Math.floor(value / 2 ** 32)]) {
      // Other factors than a text's: none hashes like a number.
      this.low = Math.imul(this.low ^ part, -2048144789);
      this.high = Math.imul(this.high ^ part, -1028477387);
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
  return Math.imul(one ^ (one >>> 16), -2048144789) ^ Math.imul(other ^ (other >>> 13), -1028477387);
}
