import type { AdminClient } from './adminClient.js';
import { type HostState, isUp } from './gatewayHost.js';
import { describeError, type Logger } from './logger.js';
import { type DaySums, type Overview, overviewOf } from './overviewModel.js';
import type { StatusInput } from './statusModel.js';

/** How soon after a change it is read while somebody looks at it, and at most how often otherwise. */
const SEEN_MS = 1_000;
const UNSEEN_MS = 15_000;
/** The day's sums come out of the ledger. */
const DAY_MS = 15_000;

/** What of the admin API is read. */
export type OverviewSource = Pick<AdminClient, 'providers' | 'keys' | 'call'>;

export interface OverviewPorts {
  /** null: no gateway is known. */
  client(): OverviewSource | null;
  sink(overview: Overview): void;
  log: Logger;
  now?(): number;
  /** setTimeout by default; returns what cancels it. */
  after?(ms: number, run: () => void): () => void;
}

/**
 * Reads quotas, chain, keys and cooldowns after whatever may have changed them: bursts of events are one reading, and
 * what nobody looks at is read rarely.
 */
export class OverviewFeed {
  private day: { at: number; sums: DaySums } | null = null;
  private cancel: (() => void) | null = null;
  private due = Number.POSITIVE_INFINITY;
  private lastAt = Number.NEGATIVE_INFINITY;
  private isReading = false;
  private isStale = false;
  private isSeen = false;

  constructor(private readonly ports: OverviewPorts) {}

  /** To be told everything the status bar is told. */
  accept(input: StatusInput): void {
    switch (input.type) {
      case 'host.changed':
        this.hostChanged(input.state);
        break;
      case 'request.ended':
      case 'quota.changed':
      case 'cooldown.changed':
        this.changed();
        break;
      case 'key.changed':
      case 'gateway.changed':
        // Something was done by hand, and whoever did it looks whether it was.
        this.readWithin(SEEN_MS);
        break;
      case 'state.read':
        if (this.lastAt === Number.NEGATIVE_INFINITY) this.readWithin(0);
    }
  }

  /** Whether somebody looks at it right now. */
  setSeen(isSeen: boolean): void {
    this.isSeen = isSeen;
    if (isSeen) this.readWithin(0);
  }

  dispose(): void {
    this.cancel?.();
    this.cancel = null;
    this.due = Number.POSITIVE_INFINITY;
  }

  private hostChanged(state: HostState): void {
    this.dispose();
    this.lastAt = Number.NEGATIVE_INFINITY;
    this.day = null;
    if (isUp(state)) this.readWithin(0);
  }

  private changed(): void {
    this.readWithin(this.isSeen ? SEEN_MS : Math.max(SEEN_MS, this.lastAt + UNSEEN_MS - this.now()));
  }

  /** A reading that comes sooner anyway is enough. */
  private readWithin(ms: number): void {
    const due = this.now() + ms;
    if (due >= this.due) return;
    this.cancel?.();
    this.due = due;
    const { after = timeout } = this.ports;
    this.cancel = after(ms, () => void this.read());
  }

  private async read(): Promise<void> {
    this.dispose();
    if (this.isReading) {
      this.isStale = true;
      return;
    }
    const client = this.ports.client();
    if (client === null) return;
    this.isReading = true;
    try {
      const [providers, keys, quota, cooldowns, chain, day] = await Promise.all([
        client.providers(),
        client.keys(),
        client.call('GET /api/quota'),
        client.call('GET /api/cooldowns'),
        client.call('GET /api/chain', {}),
        this.readDay(client),
      ]);
      this.lastAt = this.now();
      const data = { providers, keys, quota: quota.data, cooldowns: cooldowns.data, chain, day };
      this.ports.sink(overviewOf(data, this.lastAt));
    } catch (error) {
      this.ports.log.debug('overview', `could not be read: ${describeError(error)}`);
    } finally {
      this.isReading = false;
      if (this.isStale) {
        this.isStale = false;
        this.changed();
      }
    }
  }

  /** What the ledger cannot tell just now is not known. */
  private async readDay(client: OverviewSource): Promise<DaySums | null> {
    const now = this.now();
    if (this.day !== null && now - this.day.at < DAY_MS) return this.day.sums;
    try {
      const { totals } = await client.call('GET /api/analytics', { query: { window: '24h' } });
      const { requests, promptTokens, completionTokens } = totals;
      const sums = { requests, promptTokens, completionTokens };
      // Who just begins wants to see the first.
      if (requests > 0) this.day = { at: now, sums };
      return sums;
    } catch {
      return null;
    }
  }

  private now(): number {
    return this.ports.now?.() ?? Date.now();
  }
}

function timeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
