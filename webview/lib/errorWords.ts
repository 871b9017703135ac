import { t } from './l10n.js';

/** What an error says, or at least that there is one. */
export function errorWords(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)) || t('That did not work');
}
