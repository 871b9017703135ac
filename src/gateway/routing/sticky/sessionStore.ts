/** Who answered a session last. */
export interface LastAnswer {
  /** `provider/model`. */
  name: string;
  keyId: string;
}

interface Entry extends LastAnswer {
  /** ms since the epoch. */
  usedAt: number;
}

/** So many sessions are remembered; then the one that was not used for longest goes. About 1 MB. */
export const MAX_SESSIONS = 5000;

/** The sessions in use, by hash. In memory only: who leads next begins anew. */
export class SessionStore {
  /** Least recently used first. */
  private readonly entries = new Map<number, Entry>();

  constructor(private readonly now: () => number) {}

  get size(): number {
    return this.entries.size;
  }

  /** Uses a session; null where it is unknown, or was not used for `maxIdleMs`. */
  use(key: number, maxIdleMs: number): LastAnswer | null {
    const entry = this.entries.get(key);
    if (!entry) return null;
    const now = this.now();
    this.entries.delete(key);
    if (now - entry.usedAt >= maxIdleMs) return null;
    entry.usedAt = now;
    this.entries.set(key, entry);
    return entry;
  }

  /** The session was answered. */
  put(key: number, { name, keyId }: LastAnswer): void {
    this.entries.delete(key);
    this.entries.set(key, { name, keyId, usedAt: this.now() });
    if (this.entries.size <= MAX_SESSIONS) return;
    for (const oldest of this.entries.keys()) {
      this.entries.delete(oldest);
      return;
    }
  }
}
