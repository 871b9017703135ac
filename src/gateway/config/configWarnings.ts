import type { Inventory } from '../routing/inventory.js';
import { unknownModels } from '../routing/profiles.js';
import { profileWarnings } from '../routing/profileView.js';
import type { ConfigFile } from './configFile.js';

/** What the config file's chain, limits and profiles name that no catalog knows, each with its place: `limits: …`. */
export function configWarnings({ chain = [], limits = {} }: ConfigFile, inventory: Inventory): string[] {
  const at = (place: string, warnings: readonly string[]) => warnings.map((text) => `${place}: ${text}`);
  const profiles = [...inventory.profiles.values()].filter(({ isFixed }) => isFixed);
  return [
    ...at('chain', unknownModels(chain, inventory, true)),
    ...at('limits', unknownModels(Object.keys(limits), inventory, true)),
    ...profiles.flatMap((profile) => at(`profiles.${profile.name}`, profileWarnings(profile, inventory, true))),
  ];
}
