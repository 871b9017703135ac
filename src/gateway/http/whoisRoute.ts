import type { IncomingMessage, ServerResponse } from 'node:http';
import { isNonce, proofOf } from '../../loopback/proof.js';
import type { WhoisAnswer } from '../../loopback/whois.js';
import { SCHEMA_VERSION } from '../ledger/schema.js';
import { invalidRequest } from './errors.js';

export interface WhoisContext {
  instance: string;
  version: string;
  /** The gateway's own secret, which the proof is made with. */
  secret: string;
}

/** Whether a request is for `/api/whois`, the one path of the admin API that needs no token. */
export function isWhois({ method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && /^\/api\/whois(?:$|\?)/.test(url);
}

/**
 * Proves who we are: an HMAC over the nonce, the port that the connection came in on, and this instance.
 * @throws HttpError 400 for a nonce that is none.
 */
export function serveWhois(
  { instance, version, secret }: WhoisContext,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  requestId: string,
): void {
  const nonce = new URLSearchParams(incoming.url?.split('?')[1]).get('nonce');
  if (!isNonce(nonce)) throw invalidRequest('nonce: expected 16 to 128 hexadecimal digits', 'nonce');
  const proof = proofOf(secret, { nonce, port: incoming.socket.localPort ?? 0, instance });
  const answer: WhoisAnswer = { app: 'freellm', instance, version, schema: SCHEMA_VERSION, proof };
  const body = JSON.stringify(answer);
  outgoing.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-request-id': requestId,
  });
  outgoing.end(body);
}
