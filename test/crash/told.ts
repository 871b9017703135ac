import assert from 'node:assert/strict';

/** What a client was told of one value that is saved: the last one that was confirmed, and one that was on its way. */
export class Register<T> {
  private confirmed: { value: T } | null;
  private pending: { value: T } | null = null;

  /** @param initial what it is before the first change; left out where it may be anything until then */
  constructor(...initial: [] | [T]) {
    this.confirmed = initial.length === 0 ? null : { value: initial[0] };
  }

  /** Runs a change; its value counts as saved once `send` has resolved. */
  async change(value: T, send: () => Promise<void>): Promise<void> {
    this.pending = { value };
    await send();
    this.confirmed = { value };
    this.pending = null;
  }

  /** After a crash the value is the confirmed one, or the one that was on its way: which, is taken from here on. */
  settle(actual: T, what: string): void {
    const { confirmed, pending } = this;
    this.pending = null;
    // Nobody was told of any value yet, and whether a first one got through cannot be seen.
    if (confirmed === null) return;
    const allowed = [confirmed, ...(pending ? [pending] : [])].map(({ value }) => JSON.stringify(value));
    const found = JSON.stringify(actual);
    assert.ok(allowed.includes(found), `${what} is ${found}, told was ${allowed.join(' or ')}`);
    this.confirmed = { value: actual };
  }
}

/** A chat that a client saw the end of. */
export interface ToldRequest {
  id: string;
  /** When its end was seen, ms since the epoch. */
  at: number;
  model: string;
  status: number;
}
