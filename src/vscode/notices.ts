import * as vscode from 'vscode';
import type { GatewayNotice } from '../protocol/worker.js';
import { shortDuration } from './statusModel.js';
import { tameNotice } from './tame.js';
import type { KeyTests } from './testKeys.js';

/**
 * Every notification there is. Each is for something the user started or must act on; a 429 or a failover
 * is never one (status bar and log tell those).
 */

/** Someone else listens on our port. Resolves with what the user chose; null for nothing. */
export async function portTaken(port: number): Promise<'changePort' | 'retry' | null> {
  const changePort = vscode.l10n.t('Change Port');
  const retry = vscode.l10n.t('Retry');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('FreeLLM cannot listen on port {0}: another program already does.', port),
    changePort,
    retry,
  );
  return choice === changePort ? 'changePort' : choice === retry ? 'retry' : null;
}

/** A newer version of FreeLLM wrote the data while this window ran on with the old one. True to reload now. */
export async function needsReload(): Promise<boolean> {
  const reload = vscode.l10n.t('Reload Window');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('A newer version of FreeLLM has taken over its data. Reload this window to use it.'),
    reload,
  );
  return choice === reload;
}

/** Something happened to the data on disk. `saving-again` ends `not-saving` and is told for that reason alone. */
export function ledgerNotice({ kind, message, file }: GatewayNotice): void {
  if (kind === 'damaged') {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'FreeLLM found its data damaged and went on with the last good state. The damaged file is {0}',
        file ?? '',
      ),
    );
  } else if (kind === 'lost') {
    void vscode.window.showWarningMessage(vscode.l10n.t('FreeLLM lost part of its data. {0}', message));
  } else if (kind === 'not-saving' || kind === 'unusable') {
    void vscode.window.showErrorMessage(
      vscode.l10n.t('FreeLLM cannot save its data. {0} It goes on in memory until the disk takes it again.', message),
    );
  } else if (kind === 'stopped') {
    void vscode.window.showErrorMessage(vscode.l10n.t('FreeLLM saves its data no more. {0}', message));
  } else if (kind === 'new-token') {
    void vscode.window.showWarningMessage(
      vscode.l10n.t(
        'The file with the FreeLLM token was damaged, so there is a new token: copy it again to the clients that used the old one.',
      ),
    );
  } else void vscode.window.showInformationMessage(vscode.l10n.t('FreeLLM saves its data again.'));
}

/** The gateway could not start, for a reason that a retry alone may not cure. */
export async function gatewayFailed(message: string): Promise<'restart' | 'showLog' | null> {
  return restartOrLog(vscode.l10n.t('The FreeLLM gateway did not start: {0}', message), 'error');
}

/** The gateway crashed; said once in the life of a window, since it comes back by itself. */
export async function gatewayCrashed(): Promise<'restart' | 'showLog' | null> {
  return restartOrLog(vscode.l10n.t('The FreeLLM gateway ended unexpectedly and is starting again.'), 'warning');
}

async function restartOrLog(message: string, severity: 'error' | 'warning'): Promise<'restart' | 'showLog' | null> {
  const restart = vscode.l10n.t('Restart Gateway');
  const showLog = vscode.l10n.t('Show Log');
  const show = severity === 'error' ? vscode.window.showErrorMessage : vscode.window.showWarningMessage;
  const choice = await show<string>(message, restart, showLog);
  return choice === restart ? 'restart' : choice === showLog ? 'showLog' : null;
}

/** A command needs the gateway and it does not run. */
export async function gatewayNotRunning(): Promise<'restart' | 'showLog' | null> {
  return restartOrLog(vscode.l10n.t('The FreeLLM gateway is not running.'), 'warning');
}

/** The user restarted the gateway, and another window runs it: that one went on. */
export function gatewayIsElsewhere(url: string): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t('The FreeLLM gateway runs in another window and listens on {0}.', url),
  );
}

/** The user restarted the gateway and it listens again. */
export function gatewayRestarted(url: string): void {
  void vscode.window.showInformationMessage(vscode.l10n.t('The FreeLLM gateway listens on {0}.', url));
}

/** The user opened the endpoint to other machines. */
export function hostIsOpen(host: string): void {
  void vscode.window.showWarningMessage(
    vscode.l10n.t(
      'FreeLLM now listens on {0}. Other machines that reach this address and know the token can spend your free tiers.',
      host,
    ),
  );
}

/** A key was added. Resolves with true if the user wants the endpoint copied. */
export async function keyAdded(provider: string, models: number | null): Promise<boolean> {
  const copy = vscode.l10n.t('Copy Endpoint and Token');
  const message =
    models === null
      ? vscode.l10n.t('{0} is in the chain.', provider)
      : models === 1
        ? vscode.l10n.t('{0} is in the chain: 1 model.', provider)
        : vscode.l10n.t('{0} is in the chain: {1} models.', provider, models);
  return (await vscode.window.showInformationMessage(message, copy)) === copy;
}

/** Something the user asked for failed. The message must be fit for eyes: no secret, no stack. */
export function actionFailed(what: string, why: string): void {
  void vscode.window.showErrorMessage(vscode.l10n.t('{0}: {1}', what, tameNotice(why, 500)));
}

/** The endpoint is on the clipboard. Resolves with what to copy instead, if the user wants something else. */
export async function endpointCopied(): Promise<'url' | 'token' | 'other' | null> {
  const url = vscode.l10n.t('Base URL Only');
  const token = vscode.l10n.t('Token Only');
  const other = vscode.l10n.t('Other Formats…');
  const choice = await vscode.window.showInformationMessage(
    vscode.l10n.t('Copied the base URL and token as environment variables.'),
    url,
    token,
    other,
  );
  return choice === url ? 'url' : choice === token ? 'token' : choice === other ? 'other' : null;
}

/** One chosen format is on the clipboard: a word in the status bar is enough. */
export function copied(what: string): void {
  vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Copied: {0}', what), 3000);
}

/** Asks before the token that clients hold is of no more use. */
export async function confirmRotate(): Promise<boolean> {
  const replace = vscode.l10n.t('Replace Token');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('Replace the token of the endpoint?'),
    {
      modal: true,
      detail: vscode.l10n.t('Every client must then be given the new one; with the old one it is refused.'),
    },
    replace,
  );
  return choice === replace;
}

/** The endpoint has another token. Resolves with true if the user wants it copied. */
export async function tokenRotated(): Promise<boolean> {
  const copy = vscode.l10n.t('Copy Token');
  return (await vscode.window.showInformationMessage(vscode.l10n.t('The endpoint has a new token.'), copy)) === copy;
}

/** The first answer, who gave it and how long it took (ms). Model and words are other people's. */
export function answered(route: string, ms: number, text: string): void {
  void vscode.window.showInformationMessage(
    vscode.l10n.t('{0} answered in {1}: “{2}”', tameNotice(route, 100), shortDuration(ms), tameNotice(text, 200)),
  );
}

/** The user asked for a test of keys, and there is none. */
export function noKeysToTest(): void {
  void vscode.window.showInformationMessage(vscode.l10n.t('There is no key to test yet.'));
}

/** All keys were tested. Resolves with true if the user wants to see them. */
export async function keysTested({ healthy, invalid, inconclusive }: KeyTests): Promise<boolean> {
  const open = vscode.l10n.t('Open Keys');
  const all = healthy + invalid + inconclusive;
  if (invalid + inconclusive === 0) {
    const fine =
      all === 1
        ? vscode.l10n.t('The key is accepted.')
        : vscode.l10n.t('All {0} keys are accepted by their providers.', all);
    return (await vscode.window.showInformationMessage(fine, open)) === open;
  }
  const parts = [
    vscode.l10n.t('{0} of {1} keys are accepted', healthy, all),
    ...(invalid > 0 ? [vscode.l10n.t('{0} refused', invalid)] : []),
    ...(inconclusive > 0 ? [vscode.l10n.t('{0} without a clear answer', inconclusive)] : []),
  ];
  return (await vscode.window.showWarningMessage(parts.join(' · '), open)) === open;
}

/** The requests are in a file. */
export async function requestsExported(count: number, file: vscode.Uri): Promise<void> {
  const open = vscode.l10n.t('Open');
  const words =
    count === 1
      ? vscode.l10n.t('1 request was exported to {0}', file.path)
      : vscode.l10n.t('{0} requests were exported to {1}', count, file.path);
  if ((await vscode.window.showInformationMessage(words, open)) === open) {
    await vscode.commands.executeCommand('vscode.open', file);
  }
}
