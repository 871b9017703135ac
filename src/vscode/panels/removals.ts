/** A key that will be removed unless the user takes it back. */
export interface Removal {
  keyId: string;
  /** ms since the epoch. */
  until: number;
}

/** So long a removal can be taken back. */
export const REMOVAL_MS = 10_000;
/** What is pressed in the last moment still comes in time: a page's clock goes by seconds. */
export const GRACE_MS = 2_000;

export interface RemovalPorts {
  /** Removes the key for good. Tells the user itself when it cannot. */
  remove(keyId: string): Promise<void>;
  onChange(removals: Removal[]): void;
  now?(): number;
  /** setTimeout by default; returns what cancels it. */
  after?(ms: number, run: () => void): () => void;
}

/**
 * Keys that the user removed, for as long as that can be undone. The editor side waits, not the page, which may be hidden
 * meanwhile; a window that is closed before removes nothing.
 */
export class Removals {
  private readonly waiting = new Map<string, { removal: Removal; cancel(): void }>();
  /** Those that are being removed: too late. */
  private readonly ending = new Set<string>();

  constructor(private readonly ports: RemovalPorts) {}

  get list(): Removal[] {
    return [...this.waiting.values()].map(({ removal }) => removal);
  }

  begin(keyId: string): void {
    if (this.waiting.has(keyId)) return;
    const { now = Date.now, after = timeout } = this.ports;
    const removal = { keyId, until: now() + REMOVAL_MS };
    this.waiting.set(keyId, { removal, cancel: after(REMOVAL_MS + GRACE_MS, () => void this.end(keyId)) });
    this.ports.onChange(this.list);
  }

  undo(keyId: string): void {
    const found = this.waiting.get(keyId);
    if (found === undefined || this.ending.has(keyId)) return;
    found.cancel();
    this.forget(keyId);
  }

  dispose(): void {
    for (const { cancel } of this.waiting.values()) cancel();
    this.waiting.clear();
  }

  /** It stays hidden until it is gone, and is back when it could not be removed. */
  private async end(keyId: string): Promise<void> {
    this.ending.add(keyId);
    await this.ports.remove(keyId);
    this.ending.delete(keyId);
    this.forget(keyId);
  }

  private forget(keyId: string): void {
    this.waiting.delete(keyId);
    this.ports.onChange(this.list);
  }
}

function timeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
