import { randomBytes } from 'node:crypto';

/** Random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

/**
 * Ids that cannot collide between gateways and cost almost nothing: one random prefix a process, then a counter.
 */
export function createIdSource(hex: (bytes: number) => string = randomHex): (prefix: string) => string {
  const seed = hex(8);
  let count = 0;
  return (prefix) => `${prefix}${seed}${(count++).toString(36).padStart(6, '0')}`;
}
