import type { ConfigFile } from '../config/configFile.js';
import type { Bookkeeping } from '../ledger/bookkeeping.js';
import type { Clock, Log } from '../ports.js';
import type { Cooldown, Cooldowns } from './cooldowns.js';

export interface GoneContext {
  books: Bookkeeping;
  log: Log;
  clock: Clock;
  /** Aborted when the gateway closes. */
  signal: AbortSignal;
  config: Pick<ConfigFile, 'chain' | 'providers' | 'profiles'>;
  cooldowns(): Pick<Cooldowns, 'list' | 'clear'>;
  /** Something is off now, or back. */
  onChange(): void;
}

/** A model that is off is tried again after this, whatever its provider's lists say: who returns is found by somebody. */
export const GONE_FOR_MS = 24 * 60 * 60 * 1000;
/** Some providers list what they refuse: a list that brought a model back in vain is not believed again before this. */
const LIST_TRUST_MS = 24 * 60 * 60 * 1000;

/**
 * Models that their providers say do not exist. They are off for a day, or until something says otherwise: a list of the
 * provider that has them, or the user; those that the config file names also come back with the next start. A model that only the
 * user says there is (one of the config file's `models`, or of a custom endpoint) is never off, it rests. In the ledger.
 */
export class GoneModels {
  /** `provider/model` and when it was switched off, in ms since the epoch. */
  readonly since = new Map<string, number>();
  private readonly toldResting = new Set<string>();
  private readonly broughtBackAt = new Map<string, number>();
  private cancelTimer: () => void = () => {};

  constructor(private readonly context: GoneContext) {
    context.signal.addEventListener('abort', () => this.cancelTimer(), { once: true });
  }

  restore(rows: readonly { provider: string; model: string; since: number }[]): void {
    const now = this.context.clock.now();
    for (const { provider, model, since } of rows) {
      if (this.isNamed(provider, model) || since + GONE_FOR_MS <= now) {
        this.context.books.append({ type: 'model.back', provider, model });
        // What a clock that was ahead wrote would be off until it is there again.
      } else this.since.set(`${provider}/${model}`, Math.min(since, now));
    }
    this.arm();
  }

  /** Cooldowns of an earlier life without those that end with the start: of what the config file names. */
  restored(cooldowns: readonly Cooldown[]): Cooldown[] {
    return cooldowns.filter(({ id, kind, provider, model }) => {
      if (kind !== 'gone' || model === null || !this.isNamed(provider, model)) return true;
      this.context.books.append({ type: 'cooldown.lifted', id });
      return false;
    });
  }

  /** The provider said it for good, or twice. Its words stay out of the log: some repeat the prompt. */
  refused(provider: string, model: string): void {
    const { books, log, clock, onChange } = this.context;
    const name = `${provider}/${model}`;
    if (this.isOnlyOurs(provider, model)) {
      if (this.toldResting.has(name)) return;
      this.toldResting.add(name);
      log.log('warn', 'catalog', 'A provider says that it does not have a model; it rests and is tried again', {
        provider,
        model,
      });
      return;
    }
    const since = clock.now();
    this.since.set(name, since);
    this.arm();
    books.append({ type: 'model.gone', provider, model, since });
    const until = new Date(since + GONE_FOR_MS).toISOString();
    log.log('warn', 'catalog', 'A provider no longer has a model; it is switched off', { provider, model, until });
    onChange();
  }

  /** The provider's list of models. `isWanted`: the user asked for it. */
  listed(provider: string, ids: readonly string[], isWanted: boolean): void {
    if (this.since.size === 0 && !this.resting().some((cooldown) => cooldown.provider === provider)) return;
    const off = new Set([...this.since.keys(), ...this.resting().map(nameOf)]);
    const now = this.context.clock.now();
    for (const id of ids) {
      const name = `${provider}/${id}`;
      if (!off.has(name)) continue;
      const before = this.broughtBackAt.get(name);
      if (!isWanted && before !== undefined && now - before < LIST_TRUST_MS) continue;
      this.broughtBackAt.set(name, now);
      this.bringBack(name);
    }
  }

  /** It may be asked again, at once. False when nothing stood in its way. */
  bringBack(name: string): boolean {
    const { books, log, cooldowns, onChange } = this.context;
    const slash = name.indexOf('/');
    const [provider, model] = [name.slice(0, slash), name.slice(slash + 1)];
    const wasOff = this.since.delete(name);
    if (wasOff) books.append({ type: 'model.back', provider, model });
    const resting = this.resting().filter((cooldown) => nameOf(cooldown) === name);
    for (const { id } of resting) cooldowns().clear(id);
    this.toldResting.delete(name);
    if (!wasOff) return resting.length > 0;
    log.log('info', 'catalog', 'A model that was switched off is on again', { provider, model });
    onChange();
    return true;
  }

  /** At the start: what an earlier life switched off is easily forgotten. */
  warn(): void {
    for (const [name, since] of this.since) {
      this.context.log.log('warn', 'catalog', 'A model is switched off: its provider said that it does not exist', {
        model: name,
        since: new Date(since).toISOString(),
        until: new Date(since + GONE_FOR_MS).toISOString(),
      });
    }
  }

  /** One timer, for the one that is due first. */
  private arm(): void {
    this.cancelTimer();
    const { clock, signal } = this.context;
    if (this.since.size === 0 || signal.aborted) return;
    const first = Math.min(...this.since.values());
    this.cancelTimer = clock.after(Math.max(first + GONE_FOR_MS - clock.now(), 0), () => this.tryDue());
  }

  private tryDue(): void {
    const now = this.context.clock.now();
    for (const [name, since] of [...this.since]) if (since + GONE_FOR_MS <= now) this.bringBack(name);
    this.arm();
  }

  private resting(): Cooldown[] {
    return this.context
      .cooldowns()
      .list()
      .filter(({ kind, model }) => kind === 'gone' && model !== null);
  }

  /** Nobody but the user says that there is such a model. */
  private isOnlyOurs(provider: string, model: string): boolean {
    const { providers } = this.context.config;
    return provider.startsWith('custom:') || (providers?.[provider]?.models?.some(({ id }) => id === model) ?? false);
  }

  private isNamed(provider: string, model: string): boolean {
    const { chain, profiles } = this.context.config;
    const name = `${provider}/${model}`;
    if (this.isOnlyOurs(provider, model) || chain?.includes(name)) return true;
    return Object.values(profiles ?? {}).some((profile) => profile.chain.includes(name));
  }
}

function nameOf({ provider, model }: Cooldown): string {
  return `${provider}/${model}`;
}
