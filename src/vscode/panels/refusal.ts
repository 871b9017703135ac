import type { ToPage } from '../../protocol/pages.js';

const WORDS = 'This cannot be sent: it is too long, or no such call';

/** What a page that waits for an answer is told where its message was not understood; null where none waits. */
export function refusalOf(message: unknown): ToPage | null {
  if (typeof message !== 'object' || message === null) return null;
  const { type, id } = message as { type?: unknown; id?: unknown };
  if ((type === 'call' || type === 'conversations') && typeof id === 'number') {
    return { type: 'answer', id, ok: false, error: { kind: 'rejected', message: WORDS, status: null, code: null } };
  }
  if ((type === 'chat.start' || type === 'chat.resume') && typeof id === 'string') {
    const route = { requestId: null, via: null, fallbacks: [] };
    const end = { kind: 'failed' as const, message: WORDS, status: 400, code: null, retryAfterSeconds: null };
    return { type: 'chat.end', id, end, route, firstTokenMs: null, totalMs: 0, usage: null, raw: '' };
  }
  return null;
}
