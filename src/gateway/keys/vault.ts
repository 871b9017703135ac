import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { StoredKey } from '../../protocol/worker.js';
import { writeFileSafely, writeNewFile } from '../safeFile.js';

/** The vault cannot be read or written; the message says what to do. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
}

/** Provider keys of a headless gateway, encrypted on disk. */
export interface Vault {
  /** @throws VaultError when it is there and cannot be opened. */
  read(): StoredKey[];
  /** On disk when it resolves. @throws the system's error. */
  save(keys: readonly StoredKey[]): Promise<void>;
}

const CIPHER = 'aes-256-gcm';
const KEY_HEX = /^[0-9a-f]{64}$/i;

interface VaultFile {
  version: 1;
  /** base64 */
  iv: string;
  tag: string;
  data: string;
}

/**
 * `vault.json` in the data folder: AES-256-GCM, mode 0600. Its key comes from `FREELLM_ENCRYPTION_KEY` (64 hexadecimal
 * characters), or from `vault.key` beside it, which is made when first needed.
 */
export function createVault(folder: string, encryptionKey: string | undefined): Vault {
  const file = path.join(folder, 'vault.json');
  let queue: Promise<unknown> = Promise.resolve();
  return {
    read() {
      const text = readIfThere(file);
      return text === null ? [] : decrypt(text, vaultKey(folder, encryptionKey, false), file);
    },
    save(keys) {
      const text = encrypt(JSON.stringify(keys), vaultKey(folder, encryptionKey, true));
      const saved = queue.then(() => writeFileSafely(file, text));
      queue = saved.catch(() => undefined);
      return saved;
    },
  };
}

function encrypt(text: string, key: Buffer): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv(CIPHER, key, iv);
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const content: VaultFile = {
    version: 1,
    iv: iv.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
  return `${JSON.stringify(content)}\n`;
}

function decrypt(text: string, key: Buffer, file: string): StoredKey[] {
  let content: VaultFile;
  try {
    content = JSON.parse(text) as VaultFile;
  } catch (cause) {
    throw new VaultError(`${file} is damaged: move it away and add the keys again`, { cause });
  }
  if (content.version !== 1) throw new VaultError(`${file} was written by a newer FreeLLM: update this one`);
  try {
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(content.iv, 'base64'));
    decipher.setAuthTag(Buffer.from(content.tag, 'base64'));
    const plain = Buffer.concat([decipher.update(Buffer.from(content.data, 'base64')), decipher.final()]);
    return JSON.parse(plain.toString('utf8')) as StoredKey[];
  } catch (cause) {
    const words = `${file} cannot be decrypted: set the FREELLM_ENCRYPTION_KEY it was written with, or bring back vault.key`;
    throw new VaultError(words, { cause });
  }
}

/** 32 bytes. @throws VaultError for a key that is none. */
function vaultKey(folder: string, encryptionKey: string | undefined, mayMake: boolean): Buffer {
  if (encryptionKey !== undefined && encryptionKey !== '') {
    if (!KEY_HEX.test(encryptionKey))
      throw new VaultError('FREELLM_ENCRYPTION_KEY: expected 64 hexadecimal characters');
    return Buffer.from(encryptionKey, 'hex');
  }
  const file = path.join(folder, 'vault.key');
  const kept = readIfThere(file)?.trim() ?? (mayMake ? writeNewFile(file, `${randomBytes(32).toString('hex')}\n`) : '');
  if (!KEY_HEX.test(kept.trim())) {
    throw new VaultError(
      `${file} is missing or damaged: bring it back, or move vault.json away and add the keys again`,
    );
  }
  return Buffer.from(kept.trim(), 'hex');
}

function readIfThere(file: string): string | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    chmodSync(file, 0o600);
  } catch {
    // A read-only folder, or another's file: it can be used as it is.
  }
  return text;
}
