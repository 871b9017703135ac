import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { SCHEMA_VERSION, schemaVersionOf } from '../ledger/schema.js';

const HEADER_BYTES = 100;

/**
 * Whether a newer version of FreeLLM wrote the ledger: then this one must not stand for election. What cannot be read is
 * not newer; opening it says the rest.
 */
export function isLedgerNewer(dataDir: string): boolean {
  let file: number;
  try {
    file = openSync(path.join(dataDir, 'ledger.sqlite'), 'r');
  } catch {
    return false;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(file, header, 0, HEADER_BYTES, 0);
    return (schemaVersionOf(header) ?? 0) > SCHEMA_VERSION;
  } catch {
    return false;
  } finally {
    closeSync(file);
  }
}
