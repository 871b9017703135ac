import { createHmac } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
/** Replacing a damaged file is a matter of milliseconds. */
const REPLACING_MS = 2000;
const LOOK_EVERY_MS = 10;

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
  const found = lookAt(file);
  if (isWhole(found?.identity)) return found.identity;
  if (found && !setAside(found)) {
    const theirs = awaitWhole(file);
    if (theirs) return theirs;
  }
  const old = path.join(dataDir, OLD_FILE);
  const before = { ...seed, ...lookAt(old)?.identity, ...found?.identity };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const made = makeIdentity(before);
  const kept = found ? replace(file, made) : keep(file, made);
  rmSync(old, { force: true });
  const hasNewToken = kept.token !== before.token || kept.adminToken !== before.adminToken;
  if (found) onReplaced({ aside: found.aside, hasNewToken });
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

/** A file as it was at one moment. */
interface Found {
  bytes: Buffer;
  /** Its usable fields. */
  identity: Partial<Identity>;
  /** Where it goes if it is damaged: who found the same file has the same name for it. */
  aside: string;
}

/** null where there is no such file. @throws what hinders reading one that is there. */
function lookAt(file: string): Found | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { ino, mtime, mtimeNs } = fstatSync(descriptor, { bigint: true });
    const date = mtime.toISOString().replace(/[:.]/g, '-');
    const aside = `${file}.damaged-${date}-${ino.toString(36)}${(mtimeNs % 1_000_000n).toString(36)}`;
    const bytes = readFileSync(descriptor);
    return { bytes, identity: fieldsOf(bytes.toString('utf8')), aside };
  } finally {
    closeSync(descriptor);
  }
}

function fieldsOf(text: string): Partial<Identity> {
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

function isWhole(identity: Partial<Identity> | undefined): identity is Identity {
  return Boolean(identity?.secret && identity.token && identity.adminToken);
}

/**
 * Copies a damaged file beside itself: whoever does is the one to replace it. It stays in its place until then, since
 * somebody who found none there would make another identity. False: another one was first.
 */
function setAside({ bytes, aside }: Found): boolean {
  try {
    writeFileSync(aside, bytes, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** What another process is about to put there; null when it does not come, as when that process was killed. */
function awaitWhole(file: string): Identity | null {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < REPLACING_MS; waited += LOOK_EVERY_MS) {
    const identity = lookAt(file)?.identity;
    if (isWhole(identity)) return identity;
    Atomics.wait(sleeper, 0, 0, LOOK_EVERY_MS);
  }
  return null;
}

/** Puts the identity in the place of a damaged one, unless a whole one is there by now: then that. */
function replace(file: string, identity: Identity): Identity {
  const meanwhile = lookAt(file)?.identity;
  if (isWhole(meanwhile)) return meanwhile;
  renameSync(write(file, identity), file);
  return identity;
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
  const kept = lookAt(file)?.identity;
  return isWhole(kept) ? kept : identity;
}
