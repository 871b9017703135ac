import * as vscode from 'vscode';
import type { NewKey } from '../protocol/api.js';
import { ApiError } from '../protocol/apiClient.js';
import type { KeyCheck } from '../protocol/keys.js';
import type { AdminClient } from './adminClient.js';
import { errorWords, withCancellableProgress } from './gatewayAccess.js';
import { cancelled, pickOne } from './quickInput.js';

/** The check with progress; what keeps it from an answer is as good as inconclusive, save the user's own Cancel. */
export async function checkLive(
  client: AdminClient,
  key: NewKey,
  signal: AbortSignal,
  provider: { name: string },
): Promise<KeyCheck> {
  try {
    return await withCancellableProgress(vscode.l10n.t('Checking the key with {0}…', provider.name), signal, (either) =>
      client.checkKey(key, either),
    );
  } catch (error) {
    if (error instanceof vscode.CancellationError) {
      return { status: 'invalid', message: vscode.l10n.t('The check was cancelled.'), models: null, modelIds: null };
    }
    const isRefused = error instanceof ApiError && error.kind === 'rejected' && (error.status ?? 500) < 500;
    return { status: isRefused ? 'invalid' : 'inconclusive', message: errorWords(error), models: null, modelIds: null };
  }
}

/** The provider could not tell: the user decides. */
export async function pickDoubt(title: string, words: string): Promise<'save' | 'again' | typeof cancelled> {
  const save = {
    label: vscode.l10n.t('$(save) Save Anyway'),
    detail: vscode.l10n.t('It is checked again when it is used'),
  };
  const again = { label: vscode.l10n.t('$(edit) Change or Check Again') };
  const choice = await pickOne<vscode.QuickPickItem>({
    title,
    placeholder: vscode.l10n.t('The key could not be checked: {0}', words),
    items: [save, again],
  });
  return choice === save ? 'save' : choice === again ? 'again' : cancelled;
}
