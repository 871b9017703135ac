import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { randomHex } from './randomIds.js';

/** The two tokens of a headless gateway. */
export interface Identity {
  token: string;
  adminToken: string;
}

/**
 * Reads the tokens kept in the data folder, or makes and keeps new ones (file mode 0600), so that clients stay
 * configured over restarts.
 * @throws the system's error when the folder cannot be written.
 */
export function loadIdentity(dataDir: string): Identity {
  const file = path.join(dataDir, 'tokens.json');
  const kept = readTokens(file);
  if (kept) return kept;
  const identity = { token: `freellmapi-${randomHex(24)}`, adminToken: randomHex(24) };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(identity)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return identity;
}

function readTokens(file: string): Identity | null {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<Identity>;
    return typeof value.token === 'string' && typeof value.adminToken === 'string'
      ? { token: value.token, adminToken: value.adminToken }
      : null;
  } catch {
    return null;
  }
}
