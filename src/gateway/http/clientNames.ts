import type { IncomingMessage } from 'node:http';
import { redact } from '../../protocol/redact.js';

/** Sums are kept of each client for ever: one that has a new name every time must not make the ledger grow. */
const MOST_CLIENTS = 200;
/** What all others are called. */
const OTHER = 'other';
/** Keys are longer than this, and hardly any product's name is. */
const PLAIN_NAME = 15;

/** Names the client applications of one gateway. */
export class ClientNames {
  private readonly known = new Set<string>();

  /** The product name of the caller's User-Agent: `cline`, `OpenAI`, … A key that got there by mistake is not kept. */
  nameOf(incoming: IncomingMessage): string | null {
    const agent = incoming.headers['user-agent'];
    const name = agent ? /^[\w@./-]{1,60}/.exec(agent)?.[0].split('/')[0] : undefined;
    if (name === undefined) return null;
    if (this.known.has(name)) return name;
    const safe = name.length > PLAIN_NAME ? redact(name) : name;
    if (this.known.size >= MOST_CLIENTS && !this.known.has(safe)) return OTHER;
    this.known.add(safe);
    return safe;
  }
}
