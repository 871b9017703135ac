import type { IconName } from '../../components/ui/icons.js';
import type { Ability } from '../../lib/chain/rows.js';

export const abilityIcons: Readonly<Record<Ability, IconName>> = {
  tools: 'tools',
  vision: 'eye',
  reasoning: 'lightbulb',
};
