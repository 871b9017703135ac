import type { QuotaLimitRow, QuotaWindowRow } from '../../../src/gateway/ledger/changes.js';
import type { Clock } from '../../../src/gateway/ports.js';
import type { ProviderSpec } from '../../../src/gateway/providers/spec.js';
import type { QuotaEngine } from '../../../src/gateway/quota/engine.js';
import type { QuotaRefusal } from '../../../src/gateway/quota/entries.js';
import { countsAgainstQuota, type LeaseOutcome, type QuotaLease } from '../../../src/gateway/quota/lease.js';
import type { Limits, QuotaSources, QuotaTarget } from '../../../src/gateway/quota/limits.js';

/** True time, and a machine whose clock can be set and that can sleep. */
export class WorldClock implements Clock {
  private offset = 0;
  private slept = 0;

  /** @param time true time, ms since the epoch */
  constructor(public time: number) {}

  now = () => this.time + this.offset;
  monotonic = () => this.time - this.slept;
  after = () => () => {};

  advance(ms: number): void {
    this.time += ms;
  }

  /** The wall clock is now so much ahead of the truth. */
  setOffset(ms: number): void {
    this.offset = ms;
  }

  /** Time passes that the monotonic clock does not count. */
  sleep(ms: number): void {
    this.time += ms;
    this.slept += ms;
  }
}

export const TARGET: QuotaTarget = { provider: 'p', model: 'm', keyId: 'k' };

/** Sources of one provider with the same limits for each model. */
export function sourcesOf(
  catalog: Limits,
  spec: Pick<ProviderSpec, 'dayBoundary' | 'accountLimits'> = { dayBoundary: 'utc' },
  user: { ofModel?: Limits; ofKey?: Limits } = {},
): QuotaSources {
  return {
    spec: () => spec,
    catalog: () => catalog as Record<string, number>,
    ofModel: () => user.ofModel,
    ofKey: () => user.ofKey,
  };
}

/** What the ledger would hold: the newest of each row and limit. */
export class Disk {
  private readonly rows = new Map<string, QuotaWindowRow>();
  private readonly limits = new Map<string, QuotaLimitRow>();

  save(engine: QuotaEngine): void {
    const { rows, limits } = engine.changed();
    for (const row of rows) this.rows.set(`${row.kind} ${row.id} ${row.startsAt}`, JSON.parse(JSON.stringify(row)));
    for (const change of limits) {
      if (change.type === 'quota.limit') this.limits.set(`${change.limit.kind} ${change.limit.id}`, change.limit);
      if (change.type === 'quota.limit.removed') this.limits.delete(`${change.kind} ${change.id}`);
    }
  }

  load(engine: QuotaEngine, wall: number): void {
    const running = [...this.rows.values()].filter(({ endsAt }) => endsAt > wall);
    engine.restore(running, [...this.limits.values()]);
  }
}

export function mustLease(engine: QuotaEngine, target: QuotaTarget = TARGET, tokens = 10): QuotaLease {
  const taken = engine.lease(target, tokens);
  if (!taken.ok) throw new Error(`No room in ${taken.kind} ${taken.id}`);
  return taken.lease;
}

export function mustRefuse(engine: QuotaEngine, target: QuotaTarget = TARGET, tokens = 10): QuotaRefusal {
  const taken = engine.lease(target, tokens);
  if (taken.ok) throw new Error('There was room');
  return taken;
}

export const done = (tokens = 10): LeaseOutcome => ({ tokens, countsAgainstQuota: countsAgainstQuota({}, 200) });
