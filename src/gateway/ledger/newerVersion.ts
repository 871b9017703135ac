import path from 'node:path';
import { IMAGE, journalGeneration, PREVIOUS } from './files.js';
import { decodeHeader, HEADER_BYTES } from './journal.js';
import { SCHEMA_VERSION, schemaVersionOf } from './schema.js';
import type { StoragePort } from './storage.js';

const IMAGE_HEAD_BYTES = 100;

/**
 * Whether a newer version of FreeLLM wrote the ledger in this folder. Reads a few bytes, changes nothing: such a folder is
 * not ours to touch. @throws the storage's error when it cannot be read.
 */
export async function isNewerLedger(storage: StoragePort, folder: string): Promise<boolean> {
  for (const name of await storage.list(folder)) {
    const file = path.join(folder, name);
    if (name === IMAGE || name === PREVIOUS) {
      const head = await storage.readHead(file, IMAGE_HEAD_BYTES);
      if (head && (schemaVersionOf(head) ?? 0) > SCHEMA_VERSION) return true;
    } else if (journalGeneration(name) !== null) {
      const head = await storage.readHead(file, HEADER_BYTES);
      if (head && (decodeHeader(head)?.schemaVersion ?? 0) > SCHEMA_VERSION) return true;
    }
  }
  return false;
}
