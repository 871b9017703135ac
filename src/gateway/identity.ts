import { createHmac } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { randomHex } from './randomIds.js';

/** What a gateway is known by; kept where its data lies, so that all who use this folder agree. */
export interface Identity {
  /** Proves the gateway to its followers. It never leaves this machine, nor the processes that serve this folder. */
  secret: string;
  /** What agents hold. */
  token: string;
  /** What opens the admin API. */
  adminToken: string;
}

/** What a first identity takes over, so that clients stay configured. */
export type IdentitySeed = Partial<Pick<Identity, 'token' | 'adminToken'>>;

/** A damaged `gateway.json` that was replaced. */
export interface ReplacedIdentity {
  /** Where the damaged file is now. */
  aside: string;
  /** The token, or the admin token, is another one: who has the old one is refused. */
  hasNewToken: boolean;
}

/** Where the tokens were before there was a secret. */
const OLD_FILE = 'tokens.json';

/**
 * Reads `gateway.json` in the data folder, or makes it (file mode 0600): several who start at once agree on one. A damaged
 * file is set aside beside it and made anew, with what of it can still be read; `onReplaced` is told.
 * @throws the system's error when the folder cannot be written.
 */
export function loadIdentity(
  dataDir: string,
  seed: IdentitySeed = {},
  onReplaced: (replaced: ReplacedIdentity) => void = () => undefined,
): Identity {
  const file = path.join(dataDir, 'gateway.json');
  const found = readIdentity(file);
  if (isWhole(found)) return found;
  const moved = found === null ? null : setAside(file);
  if (moved?.good) return moved.good;
  const old = path.join(dataDir, OLD_FILE);
  const before = { ...seed, ...readIdentity(old), ...found };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const kept = keep(file, makeIdentity(before));
  rmSync(old, { force: true });
  const hasNewToken = kept.token !== before.token || kept.adminToken !== before.adminToken;
  if (moved) onReplaced({ aside: moved.aside, hasNewToken });
  return kept;
}

/** A line for the log and the window. */
export function replacedText({ aside, hasNewToken }: ReplacedIdentity): string {
  const what = `gateway.json was damaged and is now ${path.basename(aside)}.`;
  return hasNewToken ? `${what} There is a new token: give it to every client.` : `${what} The tokens are the same.`;
}

/**
 * The identity where no folder can hold it: whoever has the same tokens agrees on the secret.
 */
export function unkeptIdentity(seed: IdentitySeed): Identity {
  const made = makeIdentity(seed);
  const secret = createHmac('sha256', made.adminToken).update('gateway secret').digest('hex');
  return { ...made, secret };
}

/**
 * Puts another unified token into the folder's identity, whole or not at all.
 * @throws the system's error when the folder cannot be written.
 */
export function saveToken(dataDir: string, identity: Identity, token: string): Identity {
  const file = path.join(dataDir, 'gateway.json');
  const changed: Identity = { ...identity, token };
  const temporary = write(file, changed);
  renameSync(temporary, file);
  return changed;
}

function makeIdentity(seed: Partial<Identity>): Identity {
  return {
    secret: seed.secret || randomHex(32),
    token: seed.token || `freellmapi-${randomHex(24)}`,
    adminToken: seed.adminToken || `freellm-admin-${randomHex(24)}`,
  };
}

/** The usable fields of a file; null where there is none. @throws what hinders reading a file that is there. */
function readIdentity(file: string): Partial<Identity> | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  const read: Partial<Identity> = {};
  for (const name of ['secret', 'token', 'adminToken'] as const) {
    const field = (value as Partial<Identity> | null)?.[name];
    if (typeof field === 'string' && field !== '') read[name] = field;
  }
  return read;
}

function isWhole(identity: Partial<Identity> | null): identity is Identity {
  return Boolean(identity?.secret && identity.token && identity.adminToken);
}

/**
 * Moves a damaged file away and says where; `good` is the identity if somebody had made one of it meanwhile, which is then
 * back in its place. Null: another one moved it first.
 */
function setAside(file: string): { aside: string; good: Identity | null } | null {
  const aside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}-${randomHex(2)}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
  const moved = readIdentity(aside);
  if (!isWhole(moved)) return { aside, good: null };
  const good = keep(file, moved);
  rmSync(aside, { force: true });
  return { aside, good };
}

/** Writes the identity beside the file and returns where. */
function write(file: string, identity: Identity): string {
  const temporary = `${file}.${process.pid}.${randomHex(4)}`;
  try {
    // Synced: after a power cut clients must find the tokens that they were given.
    writeFileSync(temporary, `${JSON.stringify(identity)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

/** Puts the identity there whole, unless somebody was first: then theirs. */
function keep(file: string, identity: Identity): Identity {
  const temporary = write(file, identity);
  try {
    linkSync(temporary, file);
  } catch (error) {
    // Some file systems have no links; there the last one to rename wins.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
  const kept = readIdentity(file);
  return isWhole(kept) ? kept : identity;
}
