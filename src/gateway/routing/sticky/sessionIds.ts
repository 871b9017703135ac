import type { IncomingHttpHeaders } from 'node:http';
import { isRecord } from '../../surfaces/looseParts.js';

/** After the body's `session_id` and before what else the body may say. */
const HEADERS = ['x-session-id', 'x-claude-code-session-id', 'session-id'] as const;
/** Longer ones are no ids. */
const LONGEST_ID = 1000;

/**
 * The id that a client gave its session (design.md, Routing; facts/real-clients.md says who sends which), of any parsed
 * body and its headers; null where there is none.
 */
export function readSessionId(body: unknown, headers: IncomingHttpHeaders): string | null {
  const fields = isRecord(body) ? body : {};
  const own = idOf(fields['session_id']);
  if (own !== null) return own;
  for (const name of HEADERS) {
    const id = idOf(headers[name]);
    if (id !== null) return id;
  }
  return idOf(fields['prompt_cache_key']) ?? metadataId(fields['metadata']);
}

function idOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string' || value.length > LONGEST_ID) return null;
  return value.trim() || null;
}

/** `session_id`, or Claude Code's `user_id`: a JSON text with one in it, formerly `user_…_account_…_session_<uuid>`. */
function metadataId(metadata: unknown): string | null {
  if (!isRecord(metadata)) return null;
  const own = idOf(metadata['session_id']);
  if (own !== null) return own;
  const user = idOf(metadata['user_id']);
  if (user === null) return null;
  if (!user.startsWith('{')) return /_session_([\w-]+)$/.exec(user)?.[1] ?? null;
  try {
    const parsed: unknown = JSON.parse(user);
    return isRecord(parsed) ? idOf(parsed['session_id']) : null;
  } catch {
    return null;
  }
}
