import { StringDecoder } from 'node:string_decoder';
import { createParser } from 'eventsource-parser';
import type { SseEvent } from '../providers/adapter.js';

/** An upstream event was larger than we hold. */
export class SseOverflowError extends Error {
  override readonly name = 'SseOverflowError';
}

export interface SseReaderOptions {
  /** How many characters of one unfinished event are held; 8 Mi by default. */
  maxBufferSize?: number;
  /** Called once when an event is larger; nothing is read after it. Without it `push` throws the error. */
  onError?(error: SseOverflowError): void;
}

const MAX_BUFFER_SIZE = 8 * 1024 * 1024;

/**
 * Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from bytes that are cut
 * anywhere. Unlike the specification, an event that the end of the body cuts off before its blank line still counts:
 * providers leave it out after `[DONE]`.
 */
export function createSseReader(
  onEvent: (event: SseEvent) => void,
  onComment?: (() => void) | undefined,
  options: SseReaderOptions = {},
): { push(chunk: Buffer): void; end(): void } {
  // Half the cost of a TextDecoder for pieces this small; the byte order mark is left to us.
  const decoder = new StringDecoder('utf8');
  let isAtStart = true;
  const maxBufferSize = options.maxBufferSize ?? MAX_BUFFER_SIZE;
  let overflow: SseOverflowError | null = null;
  const parser = createParser({
    onEvent: (event) => onEvent({ event: event.event, data: event.data }),
    ...(onComment ? { onComment: () => onComment() } : {}),
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') {
        overflow = new SseOverflowError(`An event is over ${maxBufferSize} characters`);
      }
    },
    maxBufferSize,
  });

  function feed(text: string): void {
    if (text === '' || overflow) return;
    parser.feed(isAtStart && text.startsWith('\uFEFF') ? text.slice(1) : text);
    isAtStart = false;
    if (!overflow) return;
    if (!options.onError) throw overflow;
    options.onError(overflow);
  }

  return {
    push(chunk) {
      feed(decoder.write(chunk));
    },
    end() {
      feed(decoder.end());
      // Ends the last line and the last event, whichever of the two the body left open; more blank lines mean nothing.
      feed('\n\n');
    },
  };
}

/** One event with this data; every line of it gets its own `data:`. */
export function sseData(data: string): string {
  if (!data.includes('\n') && !data.includes('\r')) return `data: ${data}\n\n`;
  return `${data
    .split(/\r\n|\n|\r/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`;
}

/** A comment: keeps a connection alive and is ignored by every reader. */
export function sseComment(text: string): string {
  return `: ${text.replace(/[\r\n]+/g, ' ')}\n\n`;
}
