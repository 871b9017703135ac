import * as vscode from 'vscode';
import { commands, settings } from './contributions.js';
import { isUp } from './gatewayHost.js';
import { forecastText, leftText } from './overviewText.js';
import { pages } from './panels/pageTable.js';
import { isValue, pickOne } from './quickInput.js';
import { faceOf, type StatusModel, shortDuration, shortModel } from './statusModel.js';
import { faceLabel, headline } from './statusText.js';
import { tame } from './tame.js';

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

/** Who answered last, what is left of what is tightest and until when, and the forecast: each leads to the page that has more. */
function standing({ lastAnswer, overview }: StatusModel, now: number): MenuItem[] {
  const items: MenuItem[] = [];
  const outcome = lastAnswer?.outcome;
  if (outcome && outcome.provider !== null) {
    const detail = [
      shortDuration(outcome.firstTokenMs ?? outcome.totalMs),
      ...(outcome.fallbacks.length === 1 ? [vscode.l10n.t('1 fallback')] : []),
      ...(outcome.fallbacks.length > 1 ? [vscode.l10n.t('{0} fallbacks', outcome.fallbacks.length)] : []),
    ];
    items.push({
      label: `$(comment) ${tame(`${outcome.provider.replace(/^custom:/, '')}/${outcome.model ?? ''}`).replaceAll('$(', '$ (')}`,
      description: detail.join(' · '),
      command: commands.openKeys,
    });
  }
  const [tight] = overview?.tight ?? [];
  if (tight !== undefined) {
    const name = tight.model === null ? tight.name : `${tight.name} · ${shortModel(tight.model)}`;
    items.push({
      label: `$(graph) ${tame(name, 60).replaceAll('$(', '$ (')}`,
      description: leftText(tight, now),
      command: commands.openKeys,
    });
  }
  const [forecast] = overview?.forecasts ?? [];
  if (forecast !== undefined) {
    items.push({
      label: vscode.l10n.t('$(watch) Forecast'),
      description: tame(forecastText(forecast, now)).replaceAll('$(', '$ ('),
      command: commands.openKeys,
    });
  }
  if (items.length === 0) return [];
  return [...items, { label: '', kind: vscode.QuickPickItemKind.Separator, command: '' }];
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
    ...standing(status, Date.now()),
    ...opening,
    ...(isUp(host) ? working : []),
    ...(isUp(host) && gateway !== null && gateway.counts.keys > 0
      ? [{ label: vscode.l10n.t('$(beaker) Test All Keys'), command: commands.testKeys }]
      : []),
    { label: vscode.l10n.t('$(refresh) Restart Gateway'), command: commands.restartGateway },
    { label: vscode.l10n.t('$(pulse) Diagnose'), command: commands.diagnose },
    { label: vscode.l10n.t('$(output) Show Log'), command: commands.showLog },
    {
      label: vscode.l10n.t('$(gear) Settings'),
      // They are of machine scope: in a remote window only the remote tab has them.
      command: `workbench.action.open${vscode.env.remoteName === undefined ? '' : 'Remote'}Settings`,
      argument: { query: settings.port.id.replace(/port$/, '') },
    },
  ];
}
