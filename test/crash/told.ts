import assert from 'node:assert/strict';

/** What a client was told of one value that is saved: the last one that was confirmed, and one that was on its way. */
export class Register<T> {
  private pending: { value: T } | null = null;

  constructor(private confirmed: T) {}

  /** Runs a change; its value counts as saved once `send` has resolved. */
  async change(value: T, send: () => Promise<void>): Promise<void> {
    this.pending = { value };
    await send();
    this.confirmed = value;
    this.pending = null;
  }

  /** After a crash the value is the confirmed one, or the one that was on its way: which, is taken from here on. */
  settle(actual: T, what: string): void {
    const allowed = this.pending ? [this.confirmed, this.pending.value] : [this.confirmed];
    const isAllowed = allowed.some((value) => JSON.stringify(value) === JSON.stringify(actual));
    assert.ok(isAllowed, `${what} is ${JSON.stringify(actual)}, told was ${JSON.stringify(allowed)}`);
    this.confirmed = actual;
    this.pending = null;
  }
}

/** A chat that a client saw the end of. */
export interface ToldRequest {
  id: string;
  /** When its end was seen, ms since the epoch. */
  at: number;
  status: number;
}
