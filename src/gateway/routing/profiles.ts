import type { ConfigFile } from '../config/configFile.js';
import { HttpError, invalidRequest } from '../http/errors.js';
import type { Bookkeeping } from '../ledger/bookkeeping.js';
import type { ProfileRow } from '../ledger/changes.js';
import type { Inventory } from './inventory.js';
import { nearestNames } from './nearestNames.js';
import { isReservedName } from './reservedNames.js';

/** The user's named chains, kept in the ledger. Those of the config file are the inventory's alone. */
export class Profiles {
  private readonly rows = new Map<string, ProfileRow>();

  constructor(
    private readonly books: Bookkeeping,
    private readonly config: ConfigFile,
    private readonly onChange: () => void,
  ) {}

  all(): readonly ProfileRow[] {
    return [...this.rows.values()];
  }

  restore(profiles: readonly ProfileRow[]): void {
    for (const profile of profiles) this.rows.set(profile.name, profile);
  }

  /**
   * Makes or replaces one; saved when it resolves.
   * @throws HttpError 400 for a name that means something else, 409 for one of the config file; LedgerError `not-saved`.
   */
  async put(profile: ProfileRow, inventory: Inventory): Promise<void> {
    this.checkNotFixed(profile.name);
    const taken = takenBy(profile.name, inventory);
    if (taken) throw invalidRequest(`name: ${JSON.stringify(profile.name)} is ${taken}: choose another`, 'name');
    await this.books.save({ type: 'profile', profile });
    this.rows.set(profile.name, profile);
    this.onChange();
  }

  /** @throws HttpError 404 where there is none, 409 for one of the config file; LedgerError `not-saved`. */
  async remove(name: string): Promise<void> {
    this.checkNotFixed(name);
    if (!this.rows.has(name)) {
      throw new HttpError(404, 'invalid_request_error', 'not_found', 'There is no profile with this name');
    }
    await this.books.save({ type: 'profile.removed', name });
    this.rows.delete(name);
    this.onChange();
  }

  private checkNotFixed(name: string): void {
    if (!Object.hasOwn(this.config.profiles ?? {}, name)) return;
    const message = `The profile ${name} is in the config file: change it there`;
    throw new HttpError(409, 'invalid_request_error', 'profile_in_config', message, { param: 'name' });
  }
}

/** What a profile's name would hide, in words; null where it hides nothing. */
export function takenBy(name: string, { known, logical, byModelId }: Inventory): string | null {
  if (isReservedName(name)) return 'a word that `model` has a meaning for';
  if (known.has(name) || byModelId.has(name) || [...known.values()].some(({ id }) => id === name))
    return "a model's name";
  return logical.has(name) ? 'the name of a model at several providers' : null;
}

/** So many unknown models are said with what may have been meant: to look for that takes time. */
const MAX_SUGGESTIONS = 5;

/**
 * Of the models that a chain names, those that no catalog knows: typos, or models that are listed only later. A sentence
 * each; with `isSuggesting` the first few say what may have been meant.
 */
export function unknownModels(chain: readonly string[], { known }: Inventory, isSuggesting: boolean): string[] {
  return chain
    .filter((name) => !known.has(name))
    .map((name, position) => {
      const [nearest] = isSuggesting && position < MAX_SUGGESTIONS ? nearestNames(name, known.keys(), 1) : [];
      return `${name} is no known model (yet)${nearest ? `; did you mean ${nearest}?` : ''}`;
    });
}
