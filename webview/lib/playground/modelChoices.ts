import type { ChainModel, ProfileView } from '../../../src/protocol/chain.js';
import { STRATEGIES } from '../../../src/protocol/strategyNames.js';
import { t } from '../l10n.js';

export interface ModelChoice {
  value: string;
  label: string;
}

export interface ChoiceGroup {
  label: string;
  choices: ModelChoice[];
}

/**
 * What can be asked for: the chain under any strategy, a profile, a model wherever it is served, a model of one provider.
 * @param kept what is chosen: it is in the list even where nobody has it any more
 */
export function modelChoices(
  models: readonly ChainModel[],
  profiles: readonly ProfileView[],
  nameOf: (provider: string) => string,
  kept: readonly string[],
): ChoiceGroup[] {
  const on = models.filter(({ enabled }) => enabled);
  const shared = new Map<string, string>();
  for (const { group, name, providers } of on) if (group !== null && providers.length > 1) shared.set(group, name);
  const groups: ChoiceGroup[] = [
    {
      label: t('The chain'),
      choices: [
        { value: 'auto', label: t('auto: the first that can answer') },
        ...STRATEGIES.map((name) => ({ value: `auto:${name}`, label: `auto:${name}` })),
      ],
    },
    { label: t('Profiles'), choices: profiles.map(({ name }) => ({ value: name, label: name })) },
    {
      label: t('Models, wherever they are served'),
      choices: [...shared].map(([value, name]) => ({ value, label: value === name ? name : `${name} (${value})` })),
    },
  ];
  for (const provider of [...new Set(on.map((model) => model.provider))].sort()) {
    const own = on.filter((model) => model.provider === provider);
    const label = t('Only {0}', nameOf(provider));
    groups.push({ label, choices: own.map(({ model }) => ({ value: model, label: model })) });
  }
  const known = new Set(groups.flatMap(({ choices }) => choices.map(({ value }) => value)));
  const gone = kept.filter((value) => !known.has(value));
  if (gone.length > 0)
    groups.push({ label: t('No longer there'), choices: gone.map((value) => ({ value, label: value })) });
  return groups.filter(({ choices }) => choices.length > 0);
}
