import type { StoredKey } from '../../protocol/worker.js';
import type { ConfigFile } from './configFile.js';

/** The keys of the config file: the same ids at every start. */
export function configKeys(config: ConfigFile): StoredKey[] {
  return Object.entries(config.providers ?? {}).flatMap(([provider, { keys }]) =>
    (keys ?? []).map(({ key, label, models, limits }, position) => ({
      id: `config:${provider}:${position + 1}`,
      provider,
      label: label ?? '',
      enabled: true,
      secret: key,
      ...(models ? { models } : {}),
      ...(limits ? { limits: limits as Record<string, number> } : {}),
    })),
  );
}
