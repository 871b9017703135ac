import * as vscode from 'vscode';
import { commands, settings } from './contributions.js';
import { isUp } from './gatewayHost.js';
import { pages } from './panels/pageTable.js';
import { isValue, pickOne } from './quickInput.js';
import { faceOf, type StatusModel } from './statusModel.js';
import { faceLabel, headline } from './statusText.js';

interface MenuItem extends vscode.QuickPickItem {
  command: string;
  argument?: { query: string };
}

/** What a click on the status bar item opens: how things are, and what can be done. */
export async function showStatusMenu(status: StatusModel): Promise<void> {
  const choice = await pickOne<MenuItem>({
    title: 'FreeLLM',
    placeholder: placeholder(status),
    items: menuItems(status),
  });
  if (!isValue(choice)) return;
  const args = choice.argument === undefined ? [] : [choice.argument];
  await vscode.commands.executeCommand(choice.command, ...args);
}

function placeholder(status: StatusModel): string {
  const face = faceOf(status, Date.now());
  return face.kind === 'stopped' || face.kind === 'noAnswer' ? `FreeLLM: ${headline(status)}` : faceLabel(face);
}

function menuItems(status: StatusModel): MenuItem[] {
  const { host, gateway } = status;
  const working: MenuItem[] = [
    { label: vscode.l10n.t('$(add) Add Key…'), command: commands.addKey },
    {
      label: vscode.l10n.t('$(copy) Copy Endpoint and Token'),
      ...(isUp(host) ? { description: `${host.url}/v1` } : {}),
      command: commands.copyEndpoint,
    },
  ];
  const opening: MenuItem[] = pages.map((page) => ({
    label: `$(${page.icon}) ${page.title()}`,
    ...(page.id === 'keys' && gateway !== null
      ? { description: vscode.l10n.t('{0} of {1} usable', gateway.counts.usableKeys, gateway.counts.keys) }
      : {}),
    command: page.command,
  }));
  return [
    ...opening,
    ...(isUp(host) ? working : []),
    { label: vscode.l10n.t('$(refresh) Restart Gateway'), command: commands.restartGateway },
    { label: vscode.l10n.t('$(output) Show Log'), command: commands.showLog },
    {
      label: vscode.l10n.t('$(gear) Settings'),
      // They are of machine scope: in a remote window only the remote tab has them.
      command: `workbench.action.open${vscode.env.remoteName === undefined ? '' : 'Remote'}Settings`,
      argument: { query: settings.port.id.replace(/port$/, '') },
    },
  ];
}
