import { createParser } from 'eventsource-parser';
import { type LeaderEndpoint, VerifiedConnection } from '../../loopback/verifiedConnection.js';
import type { GatewayEvent } from '../../protocol/events.js';
import type { StoredKey } from '../../protocol/worker.js';
import type { Clock } from '../ports.js';
import { type Handover, openKeys } from './handover.js';

export interface LeaderWatchHandlers {
  /** All keys that the leader has, at first and after each change. */
  onKeys(keys: StoredKey[]): void;
  onRemoved(id: string): void;
  /** The leader is gone, or does not take us; once. */
  onGone(why: string): void;
}

/** The leader sends a comment every 15 s. */
const SILENCE_MS = 45_000;
const LARGEST_EVENT = 1024 * 1024;
const LARGEST_HANDOVER = 16 * 1024 * 1024;

/** Follows a leader's live events: they tell when it goes, and when its keys change. Returns what stops it. */
export function watchLeader(endpoint: LeaderEndpoint, clock: Clock, handlers: LeaderWatchHandlers): () => void {
  const connection = new VerifiedConnection(endpoint);
  let isOver = false;
  let cancelSilence = () => {};
  const stop = (): void => {
    isOver = true;
    cancelSilence();
    connection.dispose();
  };
  const gone = (why: string): void => {
    if (isOver) return;
    stop();
    handlers.onGone(why);
  };
  const heard = (): void => {
    cancelSilence();
    cancelSilence = clock.after(SILENCE_MS, () => gone('silent'));
  };
  /** One reading at a time, so that an older one never comes last. */
  let isReading = false;
  let isReadAgain = false;
  const readKeys = (): void => {
    isReadAgain = true;
    if (!isReading) void readUntilCurrent();
  };
  const readUntilCurrent = async (): Promise<void> => {
    isReading = true;
    try {
      while (isReadAgain && !isOver) {
        isReadAgain = false;
        const keys = openKeys(endpoint.secret, endpoint.instance, await readHandover(connection));
        if (!isOver) handlers.onKeys(keys);
      }
    } catch (error) {
      gone(error instanceof Error ? error.message : String(error));
    }
    isReading = false;
  };
  const receive = (event: GatewayEvent): void => {
    if (event.type !== 'key.changed' || event.change === 'health') return;
    if (event.change === 'removed') handlers.onRemoved(event.keyId);
    readKeys();
  };
  const parser = createParser({
    maxBufferSize: LARGEST_EVENT,
    onEvent: ({ data }) => receive(JSON.parse(data) as GatewayEvent),
    // A field that it does not know is no harm; after this one it reads nothing more.
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  const request = connection.request({ path: '/api/events', headers: { Accept: 'text/event-stream' } });
  request.on('error', (error) => gone(error.message));
  request.on('response', (response) => {
    if (response.statusCode !== 200) return gone(`HTTP ${response.statusCode}`);
    readKeys();
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      if (isOver) return;
      heard();
      try {
        parser.feed(text);
      } catch (error) {
        gone(error instanceof Error ? error.message : String(error));
      }
    });
    response.on('error', (error) => gone(error.message));
    response.on('close', () => gone('closed'));
  });
  heard();
  request.end();
  return stop;
}

function readHandover(connection: VerifiedConnection): Promise<Handover> {
  return new Promise((resolve, reject) => {
    const request = connection.request({ path: '/api/handover' });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
        if (text.length > LARGEST_HANDOVER) request.destroy(new Error('The handover is too large'));
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Handover);
        else reject(new Error(`HTTP ${response.statusCode}`));
      });
    });
    request.end();
  });
}
