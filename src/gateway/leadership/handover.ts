import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { StoredKey } from '../../protocol/worker.js';

/**
 * What a leader gives its followers, so that whichever leads next has the same keys: not every editor shows all its
 * windows the same SecretStorage (a browser's tabs each hold a copy; two laptops on one remote each have their own).
 * Sealed with the gateway's secret on top of the credential that opens it: the admin token alone reads no key.
 */
export interface Handover {
  /** Base64 of iv (12 bytes), tag (16 bytes) and AES-256-GCM of the keys as JSON. */
  sealed: string;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function sealKeys(secret: string, instance: string, keys: StoredKey[]): Handover {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealKey(secret, instance), iv);
  const body = Buffer.concat([cipher.update(JSON.stringify(keys), 'utf8'), cipher.final()]);
  return { sealed: Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64') };
}

/** @throws when it was sealed by another, or changed. */
export function openKeys(secret: string, instance: string, { sealed }: Handover): StoredKey[] {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', sealKey(secret, instance), bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const body = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  return JSON.parse(body.toString('utf8')) as StoredKey[];
}

function sealKey(secret: string, instance: string): Buffer {
  return createHmac('sha256', secret).update(`handover|${instance}`).digest();
}

/** The keys that a follower would go on with. */
export interface Inheritance {
  /** What the leader holds now. */
  received(keys: StoredKey[]): void;
  removed(id: string): void;
  /** What to lead with, given what the editor has stored. `isMore`: that is not what is stored. */
  merge(stored: StoredKey[]): { keys: StoredKey[]; isMore: boolean };
}

/**
 * Remembers the last leader's keys. They win over stored ones, and what was removed stays removed; keys that only this
 * window's editor has stored are kept, too.
 */
export function createInheritance(): Inheritance {
  let handed: StoredKey[] = [];
  const removed = new Set<string>();
  return {
    received(keys) {
      handed = keys;
      for (const { id } of keys) removed.delete(id);
    },
    removed: (id) => void removed.add(id),
    merge(stored) {
      const ids = new Set(handed.map(({ id }) => id));
      const secrets = new Set(handed.map(nameOf));
      const own = stored.filter((key) => !ids.has(key.id) && !removed.has(key.id) && !secrets.has(nameOf(key)));
      const keys = [...handed, ...own];
      return { keys, isMore: JSON.stringify(keys) !== JSON.stringify(stored) };
    },
  };
}

/** The same secret of the same provider is the same key, whatever its id. */
function nameOf({ provider, secret }: StoredKey): string {
  return `${provider}\n${secret ?? ''}`;
}
