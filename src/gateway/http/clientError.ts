import type { Socket } from 'node:net';
import { HttpError } from './errors.js';

/** What Node's parser refuses before any handler sees it: headers too large, requests that are no HTTP. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const [status, reason] = isTooLarge ? [431, 'Request Header Fields Too Large'] : [400, 'Bad Request'];
  const message = isTooLarge ? 'The request headers are too large' : 'This is no request that can be read';
  const body = JSON.stringify(new HttpError(status, 'invalid_request_error', 'invalid_request', message).toBody());
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
