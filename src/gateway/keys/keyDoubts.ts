/** So many refusals in chats outweigh a probe. */
const DOUBTED_FROM = 2;

/** The refusals of keys in chats, each since the key was last found good by one. */
export class KeyDoubts {
  private readonly refusals = new Map<string, { count: number; at: number }>();

  /** `askedAt`: when the chat asked; `now`: when it was refused. Both in ms since the epoch. */
  refused(id: string, askedAt: number, now: number): void {
    const last = this.refusals.get(id);
    // Chats that were under way together tell of one hiccup.
    if (last && askedAt < last.at) return;
    this.refusals.set(id, { count: (last?.count ?? 0) + 1, at: now });
  }

  /** A chat's key was answered, or it is another key now, or gone. */
  clear(id: string): void {
    this.refusals.delete(id);
  }

  /** Refused often enough that a probe's word for the key is not enough. */
  isDoubted(id: string): boolean {
    return (this.refusals.get(id)?.count ?? 0) >= DOUBTED_FROM;
  }
}
