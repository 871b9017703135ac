import type { KeyCheck } from '../../protocol/keys.js';
import type { Clock } from '../ports.js';
import { isLocalHost } from '../providers/resolveBaseUrl.js';
import type { Cooldowns } from '../routing/cooldowns/cooldowns.js';
import type { KeyChange, KeyPool, PoolKey } from './keyPool.js';
import type { ProbeTarget } from './probe.js';

export interface HealthProberContext {
  pool: Pick<KeyPool, 'all' | 'get'>;
  cooldowns: Pick<Cooldowns, 'hold'>;
  clock: Clock;
  areProbesOn(): boolean;
  /** Where a key is asked about; null where its provider is unknown. */
  targetOf(key: PoolKey): ProbeTarget | null;
  /** Asks about the key in the background; `probed` is told what came of it. */
  probe(id: string): void;
  /** A number in [0, 1). */
  random(): number;
  /** After it nothing is asked any more. */
  signal: AbortSignal;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** First looks at keys are spread over this stretch after the start. */
const SOON_MS = { least: 5 * SECOND, most: MINUTE };
/** Between two looks at a key that is well. */
const WELL_MS = { least: 4 * HOUR, most: 8 * HOUR };
/** Between two looks at one that is not, doubling; up to a tenth is added. */
const UNWELL_MS = { first: 5 * MINUTE, cap: 6 * HOUR };
/** A refused key rests until its next probe is over: it may wait for others, and take its time. */
const REST_SLACK_MS = 2 * MINUTE;

interface Plan {
  /** ms since the epoch; Infinity while it is being asked. */
  dueAt: number;
  /** Looks in a row that did not find it well. */
  failures: number;
}

/**
 * Decides when keys are asked about: those that are well every few hours, those that are not after 5 minutes, doubling to
 * 6 hours, all of it spread by chance. Probes cost no quota (probe.ts) and run through `ProbeLanes`.
 *
 * It also keeps refused keys out of the routing: their `auth` cooldown is prolonged from probe to probe, after a restart
 * too, until one finds the key well (or the user says "Retry now"). Only where a probe itself has refused the key:
 * elsewhere the policy's own cooldown holds, since no probe could ever lift it.
 */
export class HealthProber {
  private readonly plans = new Map<string, Plan>();
  private cancelTimer: () => void = () => {};
  private isRunning = false;

  constructor(private readonly context: HealthProberContext) {
    context.signal.addEventListener('abort', () => this.cancelTimer(), { once: true });
  }

  /** Once the keys are there. */
  start(): void {
    this.isRunning = true;
    for (const key of this.context.pool.all()) this.planFirst(key);
    this.arm();
  }

  /** A key came, changed or went; or its health did, which chats tell of too. */
  keyChanged(key: PoolKey, change: KeyChange): void {
    if (!this.isRunning) return;
    if (change === 'removed') this.plans.delete(key.id);
    else if (change !== 'health') this.planFirst(key);
    else if (key.health.status === 'healthy') this.planWell(key.id);
    this.arm();
  }

  /** Probes may have been switched on or off. */
  settingsChanged(): void {
    if (this.isRunning) this.arm();
  }

  /** What a probe found, whoever asked for it. To be called once the key's health says so. */
  probed(key: PoolKey, status: KeyCheck['status']): void {
    if (!this.isRunning || !this.isAskable(key)) return;
    if (key.health.status === 'healthy') this.planWell(key.id);
    else {
      const plan = this.plans.get(key.id) ?? { dueAt: 0, failures: 0 };
      // Being offline is no further refusal.
      if (status === 'invalid' || plan.failures === 0 || key.health.status !== 'invalid') plan.failures += 1;
      const length = Math.min(UNWELL_MS.first * 2 ** (plan.failures - 1), UNWELL_MS.cap);
      plan.dueAt = this.context.clock.now() + length * (1 + this.context.random() / 10);
      this.plans.set(key.id, plan);
      this.letRest(key, plan);
    }
    this.arm();
  }

  private planFirst(key: PoolKey): void {
    if (!this.isAskable(key)) {
      this.plans.delete(key.id);
      return;
    }
    const soon = this.context.clock.now() + this.between(SOON_MS);
    const { status, checkedAt } = key.health;
    const isWell = status === 'healthy' && checkedAt !== null;
    const plan = { dueAt: isWell ? Math.max(soon, checkedAt + this.between(WELL_MS)) : soon, failures: 0 };
    this.plans.set(key.id, plan);
    this.letRest(key, plan);
  }

  private planWell(id: string): void {
    this.plans.set(id, { dueAt: this.context.clock.now() + this.between(WELL_MS), failures: 0 });
  }

  private letRest(key: PoolKey, { dueAt }: Plan): void {
    const { cooldowns, targetOf, areProbesOn } = this.context;
    if (key.health.status !== 'invalid' || !key.health.isProbed || !areProbesOn()) return;
    const target = targetOf(key);
    // Whatever runs on this machine or its network is asked again within seconds (failurePolicy.ts).
    if (!target || (key.provider.startsWith('custom:') && isLocalHost(target.baseUrl))) return;
    cooldowns.hold(key, key.health.message ?? 'The provider refuses the key', dueAt + REST_SLACK_MS);
  }

  /** Whether asking can tell anything: where only a chat would, nobody is asked. */
  private isAskable(key: PoolKey): boolean {
    const kind = this.context.targetOf(key)?.spec.probe.kind;
    return key.enabled && kind !== undefined && kind !== 'none' && kind !== 'chat';
  }

  private between({ least, most }: { least: number; most: number }): number {
    return least + this.context.random() * (most - least);
  }

  /** One timer, for the plan that is due first. */
  private arm(): void {
    this.cancelTimer();
    const { clock, signal, areProbesOn } = this.context;
    if (signal.aborted || !areProbesOn()) return;
    let next = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.plans.values()) next = Math.min(next, dueAt);
    if (next !== Number.POSITIVE_INFINITY) this.cancelTimer = clock.after(next - clock.now(), () => this.probeDue());
  }

  private probeDue(): void {
    const { clock, pool, probe } = this.context;
    const now = clock.now();
    for (const [id, plan] of this.plans) {
      if (plan.dueAt > now) continue;
      if (pool.get(id)) {
        plan.dueAt = Number.POSITIVE_INFINITY;
        probe(id);
      } else this.plans.delete(id);
    }
    this.arm();
  }
}
