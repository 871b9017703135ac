import path from 'node:path';
import type * as bundle from '../bundle.js';
import { loadBundle } from './codeCache.js';

/** By then a start is over, and what it and the first requests need has been compiled. */
const KEEP_AFTER_MS = 5_000;

/**
 * The gateway's bundle, which lies beside the program.
 * @param folder where the program lies
 * @param dataDir where compiled code is kept; it need not be there yet
 */
export function loadGateway(folder: string, dataDir: string): typeof bundle {
  const { exports, keep } = loadBundle(path.join(folder, 'gateway.js'), dataDir);
  setTimeout(keep, KEEP_AFTER_MS).unref();
  return exports as typeof bundle;
}
