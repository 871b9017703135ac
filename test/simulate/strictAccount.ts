import type { CatalogModel } from '../../src/gateway/providers/spec.js';
import { CalendarStrictWindow, daysOf, SlidingStrictWindow, type StrictWindow } from './strictWindow.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** How a provider counts, beyond the catalog's numbers. */
export interface AccountFacts {
  /** Where its days end; `rolling`: 24 hours after use. */
  day: 'UTC' | 'America/Los_Angeles' | 'rolling';
  /** Over all models: `rpm`, `rph`, `rpd`, `month`. */
  shared?: Readonly<Record<string, number>>;
  /** What it refuses counts as a request too. */
  countsRefusals?: boolean;
}

/** The twelve, as shared/facts/providers.md and the providers' own pages have them. */
export const ACCOUNTS: Readonly<Record<string, AccountFacts>> = {
  google: { day: 'America/Los_Angeles' },
  groq: { day: 'rolling' },
  cerebras: { day: 'UTC' },
  openrouter: { day: 'UTC', shared: { rpm: 20, rpd: 50 }, countsRefusals: true },
  mistral: { day: 'UTC' },
  nvidia: { day: 'UTC', shared: { rpm: 40 } },
  github: { day: 'UTC' },
  cohere: { day: 'UTC', shared: { month: 1000 } },
  zhipu: { day: 'UTC' },
  kilo: { day: 'UTC', shared: { rph: 200 } },
  llm7: { day: 'UTC', shared: { rph: 100 } },
  opencode: { day: 'UTC' },
};

export type Admission = { isAdmitted: true } | { isAdmitted: false; window: StrictWindow; waitMs: number };

/** One account at one provider, which takes no request over any of its limits. */
export class StrictAccount {
  private readonly ofModel = new Map<string, StrictWindow[]>();
  /** Counted for all models together. */
  readonly sharedWindows: readonly StrictWindow[];
  private readonly dayOf: (now: number) => string;
  private readonly monthOf: (now: number) => string;

  /** @param skewMs what its clock is ahead of ours */
  constructor(
    private readonly facts: AccountFacts,
    models: readonly CatalogModel[],
    skewMs: number,
  ) {
    this.dayOf = daysOf(facts.day === 'rolling' ? 'UTC' : facts.day, skewMs);
    this.monthOf = (now) => this.dayOf(now).slice(0, 7);
    this.sharedWindows = this.windows(facts.shared ?? {});
    for (const { id, limits } of models) this.ofModel.set(id, this.windows(limits));
  }

  /** All that a request to the model is counted in. */
  windowsOf(model: string): readonly StrictWindow[] {
    return [...this.modelWindows(model), ...this.sharedWindows];
  }

  modelWindows(model: string): readonly StrictWindow[] {
    return this.ofModel.get(model) ?? [];
  }

  /** A request has come in. Its prompt counts now, its answer when it ends (`answered`). */
  arrive(now: number, model: string, promptTokens: number): Admission {
    const windows = this.windowsOf(model);
    let met: { window: StrictWindow; waitMs: number } | null = null;
    for (const window of windows) {
      const waitMs = window.waitFor(now, window.countsTokens ? promptTokens : 1);
      const isFull = waitMs > 0 || (window.countsTokens && promptTokens > window.limit);
      if (isFull && (!met || waitMs > met.waitMs)) met = { window, waitMs };
    }
    for (const window of windows) {
      if (!met) window.add(now, window.countsTokens ? promptTokens : 1);
      else if (this.facts.countsRefusals && !window.countsTokens) window.add(now, 1);
    }
    return met ? { isAdmitted: false, ...met } : { isAdmitted: true };
  }

  answered(now: number, model: string, completionTokens: number): void {
    for (const window of this.windowsOf(model)) if (window.countsTokens) window.add(now, completionTokens);
  }

  private windows(limits: Readonly<Record<string, number | undefined>>): StrictWindow[] {
    return Object.entries(limits).flatMap(([kind, limit]) => (limit ? [this.window(kind, limit)] : []));
  }

  private window(kind: string, limit: number): StrictWindow {
    const facts = { kind, limit, countsTokens: kind.startsWith('t') };
    if (kind === 'rpm' || kind === 'tpm') return new SlidingStrictWindow(facts, MINUTE_MS);
    if (kind === 'rph') return new SlidingStrictWindow(facts, HOUR_MS);
    if (kind === 'month') return new CalendarStrictWindow(facts, this.monthOf);
    if (this.facts.day === 'rolling') return new SlidingStrictWindow(facts, DAY_MS);
    return new CalendarStrictWindow(facts, this.dayOf);
  }
}
