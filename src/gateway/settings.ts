import { type ApiSettings, settingsSchema } from '../protocol/settings.js';
import type { Strategy } from '../protocol/strategyNames.js';
import { HttpError } from './http/errors.js';
import type { Bookkeeping } from './ledger/bookkeeping.js';

/** Every setting, with a value; a strategy only where somebody chose one (`Router` knows what is right without). */
export type SettingValues = {
  [Name in Exclude<keyof ApiSettings, 'strategy'>]-?: Exclude<ApiSettings[Name], undefined>;
} & {
  strategy?: Strategy;
};

/** Without anybody's word. */
export const DEFAULTS: SettingValues = {
  'queue.timeoutSeconds': 60,
  stickyMinutes: 30,
  contextHandoff: true,
  healthProbes: true,
  retentionDays: 90,
  demo: false,
  strategyWeights: { reliability: 0.35, speed: 0.2, intelligence: 0.3, headroom: 0.15 },
};

/** The settings in force: the defaults, what was saved, what the front door and the config file say, in rising order. */
export class Settings {
  private saved: ApiSettings = {};
  private given: ApiSettings;
  /** Every request asks. */
  private inForce: SettingValues | null = null;

  constructor(
    private readonly books: Bookkeeping,
    private readonly config: ApiSettings,
    given: ApiSettings,
    private readonly onChange: () => void,
  ) {
    this.given = given;
  }

  get all(): SettingValues {
    this.inForce ??= { ...DEFAULTS, ...this.saved, ...this.given, ...this.config } as SettingValues;
    return this.inForce;
  }

  restore(saved: ReadonlyMap<string, unknown>): void {
    // What another version or a tool left there and is none of ours has its default.
    this.saved = Object.fromEntries(
      [...saved].filter(([name, value]) => settingsSchema.safeParse({ [name]: value }).success),
    );
    this.inForce = null;
  }

  /** From who keeps them elsewhere (the editor's settings). `undefined`: no longer set there. */
  apply(change: ApiSettings): void {
    this.given = definedFields({ ...this.given, ...change });
    this.inForce = null;
    this.onChange();
  }

  /** Saved when it resolves. @throws HttpError 409 for a setting of the config file, LedgerError `not-saved`. */
  async save(change: ApiSettings): Promise<SettingValues> {
    const fixed = Object.keys(change).find((name) => Object.hasOwn(this.config, name));
    if (fixed) {
      const message = `${fixed} is set in the config file: change it there`;
      throw new HttpError(409, 'invalid_request_error', 'setting_in_config', message, { param: fixed });
    }
    // Asked for together they are one write: all of them are saved, or none.
    const names = Object.entries(change);
    await Promise.all(names.map(([name, value]) => this.books.save({ type: 'setting', name, value })));
    for (const [name, value] of names) {
      this.saved = { ...this.saved, [name]: value };
      const { [name as keyof ApiSettings]: _replaced, ...given } = this.given;
      this.given = given;
    }
    this.inForce = null;
    this.onChange();
    return this.all;
  }
}

/** Without what is left open. */
export function definedFields(settings: ApiSettings): ApiSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
