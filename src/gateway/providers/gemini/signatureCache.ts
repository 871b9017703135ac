import { createHash } from 'node:crypto';

/**
 * Remembers Gemini's thought signatures, because most clients drop fields they do not know and Gemini 3 answers 400
 * when a function call comes back without one (https://ai.google.dev/gemini-api/docs/thought-signatures).
 *
 * A signature belongs to the model that made it; another model is not offered it.
 */
export interface SignatureCache {
  rememberCall(modelId: string, call: { id: string; name: string; args: string }, signature: string): void;
  /** By call id first; then by name and arguments, for clients that rewrite ids. */
  findCall(modelId: string, call: { id: string; name: string; args: string }): string | undefined;
  rememberText(modelId: string, textHash: string, signature: string): void;
  findText(modelId: string, text: string): string | undefined;
  /** True when this signature is known to have come from another model. */
  isForeign(modelId: string, signature: string): boolean;
  readonly size: number;
}

const defaultCapacity = 5000;
/** A conversation picked up again after lunch still works; memory is bounded by the capacity anyway. */
const defaultTtlMs = 6 * 60 * 60 * 1000;

interface Entry {
  modelId: string;
  signature: string;
  expiresAt: number;
}

/** `now` in ms since the epoch. Least recently used entries go first when `capacity` (entries, not calls) is reached. */
export function createSignatureCache(
  now: () => number = Date.now,
  capacity = defaultCapacity,
  ttlMs = defaultTtlMs,
): SignatureCache {
  const entries = new Map<string, Entry>();

  function put(key: string, modelId: string, signature: string): void {
    entries.delete(key);
    entries.set(key, { modelId, signature, expiresAt: now() + ttlMs });
    for (const oldest of entries.keys()) {
      if (entries.size <= capacity) break;
      entries.delete(oldest);
    }
  }

  function get(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (!entry) return undefined;
    entries.delete(key);
    if (entry.expiresAt <= now()) return undefined;
    entries.set(key, entry);
    return entry;
  }

  function find(key: string, modelId: string): string | undefined {
    const entry = get(key);
    return entry?.modelId === modelId ? entry.signature : undefined;
  }

  return {
    rememberCall(modelId, call, signature) {
      put(`id:${call.id}`, modelId, signature);
      put(contentKey(modelId, call), modelId, signature);
      put(`owner:${hashText(signature)}`, modelId, '');
    },
    findCall(modelId, call) {
      return find(`id:${call.id}`, modelId) ?? find(contentKey(modelId, call), modelId);
    },
    rememberText(modelId, textHash, signature) {
      put(`text:${modelId}:${textHash}`, modelId, signature);
    },
    findText(modelId, text) {
      return find(`text:${modelId}:${hashText(text)}`, modelId);
    },
    isForeign(modelId, signature) {
      const owner = get(`owner:${hashText(signature)}`);
      return owner !== undefined && owner.modelId !== modelId;
    },
    get size() {
      return entries.size;
    },
  };
}

/** The hash under which a text's signature is kept; hex SHA-256, so that prompts are not held in memory. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function contentKey(modelId: string, call: { name: string; args: string }): string {
  return `call:${modelId}:${hashText(`${call.name}\n${canonicalJson(call.args)}`)}`;
}

/** The same arguments give the same text whatever the order of keys or the white space. */
function canonicalJson(text: string): string {
  try {
    return JSON.stringify(sortKeys(JSON.parse(text)));
  } catch {
    return text;
  }
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sortKeys(member)]);
}
