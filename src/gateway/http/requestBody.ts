import type { IncomingMessage } from 'node:http';
import { type HttpError, invalidRequest, requestTooLarge } from './errors.js';

/** The largest body we read (contract.md). */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** So much of a body over the limit is read and thrown away, so that its sender gets to read our answer. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;

/**
 * Reads a JSON body from Node's own request.
 * @throws HttpError 413 over the limit; 400 when it is not JSON or broke off.
 */
export async function readJsonBody(incoming: IncomingMessage): Promise<unknown> {
  const text = (await readBody(incoming)).toString('utf8');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw invalidRequest(text === '' ? 'The body is empty; it should be a JSON object' : 'The body is not valid JSON');
  }
}

function readBody(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const declared = Number(incoming.headers['content-length'] ?? 0);
    if (declared > MAX_BODY_BYTES) {
      drain(incoming);
      return reject(requestTooLarge(MAX_BODY_BYTES));
    }
    const encoding = incoming.headers['content-encoding'];
    if (encoding && encoding !== 'identity') {
      drain(incoming);
      return reject(invalidRequest(`The body is compressed (${encoding.slice(0, 20)}); send it as it is`));
    }
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else {
        incoming.removeAllListeners('data');
        drain(incoming);
        reject(requestTooLarge(MAX_BODY_BYTES));
      }
    });
    incoming.on('end', () => resolve(chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)));
    incoming.on('error', () => reject(brokenOff()));
    incoming.on('close', () => {
      // Every request closes; an error with its stack is built only for one that did not end before.
      if (!incoming.readableEnded) reject(brokenOff());
    });
  });
}

function brokenOff(): HttpError {
  return invalidRequest('The body broke off');
}

function drain(incoming: IncomingMessage): void {
  let size = 0;
  incoming.on('error', () => {});
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DRAINED_BYTES) incoming.destroy();
  });
  incoming.resume();
}
