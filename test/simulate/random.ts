/** Seeded random numbers (sfc32): the same seed gives the same day, on every machine. */
export class Random {
  private readonly state: Uint32Array;

  /** @param seed any text: `7`, `7/traffic` */
  constructor(seed: string) {
    let hash = 2166136261;
    for (let at = 0; at < seed.length; at++) hash = Math.imul(hash ^ seed.charCodeAt(at), 16777619);
    this.state = Uint32Array.of(hash, hash ^ 0x9e3779b9, Math.imul(hash, 0x85ebca6b), 1);
    for (let turn = 0; turn < 20; turn++) this.next();
  }

  /** 0 to 1, 1 excluded. */
  next(): number {
    const { state } = this;
    const [a = 0, b = 0, c = 0, d = 0] = state;
    const sum = (a + b + d) | 0;
    state[3] = d + 1;
    state[0] = b ^ (b >>> 9);
    state[1] = c + (c << 3);
    state[2] = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 4294967296;
  }

  between(min: number, max: number): number {
    return min + (max - min) * this.next();
  }

  /** Whole, both ends included. */
  whole(min: number, max: number): number {
    return Math.floor(this.between(min, max + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Waiting times of what comes at random. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Most near the median, few far above it. `spread`: the standard deviation of the logarithm. */
  skewed(median: number, spread: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return median * Math.exp(spread * normal);
  }
}
