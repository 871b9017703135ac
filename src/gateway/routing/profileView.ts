import type { ProfileView } from '../../protocol/chain.js';
import type { Candidate, Inventory, InventoryProfile } from './inventory.js';
import { takenBy, unknownModels } from './profiles.js';

/** What a profile tells clients of its window: as set, else that of its smallest model that can be asked. */
export function contextWindowOf({ contextWindow, candidates }: InventoryProfile): number | null {
  if (contextWindow !== null) return contextWindow;
  const windows = candidates.flatMap(({ catalog }) => catalog.contextWindow ?? []);
  return windows.length > 0 ? Math.min(...windows) : null;
}

/** The profiles as the admin API shows them, by name. */
export function profileViews(inventory: Inventory, isFree: (candidate: Candidate) => boolean): ProfileView[] {
  return [...inventory.profiles.values()]
    .map((profile) => viewOf(profile, inventory, isFree, false))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The one of that name, whose warnings say what may have been meant. */
export function profileView(
  name: string,
  inventory: Inventory,
  isFree: (candidate: Candidate) => boolean,
): ProfileView | undefined {
  const profile = inventory.profiles.get(name);
  return profile && viewOf(profile, inventory, isFree, true);
}

function viewOf(
  profile: InventoryProfile,
  inventory: Inventory,
  isFree: (candidate: Candidate) => boolean,
  isSuggesting: boolean,
): ProfileView {
  const { name, chain, strategy, contextWindow, isFixed, candidates } = profile;
  return {
    name,
    chain: [...chain],
    strategy,
    contextWindow,
    effectiveContextWindow: contextWindowOf(profile),
    isFixed,
    available: candidates.some(isFree),
    warnings: profileWarnings(profile, inventory, isSuggesting),
  };
}

/**
 * What is odd about a profile, and no reason to refuse it: models come and go. With `isSuggesting` it says what may have
 * been meant by unknown names, which takes time.
 */
export function profileWarnings(
  { name, chain }: Pick<InventoryProfile, 'name' | 'chain'>,
  inventory: Inventory,
  isSuggesting: boolean,
): string[] {
  const taken = takenBy(name, inventory);
  const hidden = taken ? [`${name} is also ${taken}, which it hides`] : [];
  return [...hidden, ...unknownModels(chain, inventory, isSuggesting)];
}
