import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What a proof is bound to: who asked, over which port, and which gateway answers. */
export interface Challenge {
  nonce: string;
  /** The port that the connection came in on. */
  port: number;
  /** The gateway's id, new at every start. */
  instance: string;
}

/** The proof that whoever answers `/api/whois` holds the gateway's own secret; lower-case hex. */
export function proofOf(secret: string, { nonce, port, instance }: Challenge): string {
  return hmac(secret, `whois|${nonce}|${port}|${instance}`);
}

/** Whether a proof is right, in constant time. */
export function verifyProof(secret: string, challenge: Challenge, proof: string): boolean {
  const given = Buffer.from(proof);
  const expected = Buffer.from(proofOf(secret, challenge));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** What another window shows the admin API of this one instance, beside the admin token. */
export function credentialOf(secret: string, instance: string): string {
  return hmac(secret, `follower|${instance}`);
}

export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

export function isNonce(text: string | null | undefined): text is string {
  return typeof text === 'string' && /^[0-9a-fA-F]{16,128}$/.test(text);
}

function hmac(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex');
}
