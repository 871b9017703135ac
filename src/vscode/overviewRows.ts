import * as vscode from 'vscode';
import type { KeyState } from '../protocol/keyGroups.js';
import { commands } from './contributions.js';
import { isUp } from './gatewayHost.js';
import { chainText, dayText, forecastText, standingText, strategyName } from './overviewText.js';
import { pages } from './panels/pageTable.js';
import { type StatusModel, shortDuration, shortModel } from './statusModel.js';
import { headline } from './statusText.js';
import { tame } from './tame.js';

/** A row of the overview. */
export interface OverviewRow {
  /** Stays the same as long as it means the same: VS Code keeps open what was open. */
  id: string;
  label: string;
  description: string;
  icon: string;
  colour?: string;
  command?: string;
  children?: OverviewRow[];
}

const SIGNS: Record<KeyState, { icon: string; colour: string }> = {
  healthy: { icon: 'pass', colour: 'charts.green' },
  waiting: { icon: 'watch', colour: 'charts.yellow' },
  rate_limited: { icon: 'watch', colour: 'charts.yellow' },
  invalid: { icon: 'error', colour: 'errorForeground' },
  error: { icon: 'warning', colour: 'charts.orange' },
  off: { icon: 'circle-slash', colour: 'descriptionForeground' },
  unknown: { icon: 'circle-large-outline', colour: 'descriptionForeground' },
};

/** What the overview shows at `now` (ms since the epoch). Nothing for a fresh install: its welcome takes the place. */
export function overviewRows(status: StatusModel, now: number): OverviewRow[] {
  const { gateway, overview } = status;
  if (gateway !== null && gateway.counts.keys === 0 && !gateway.demo) return [];
  const rows = [gatewayRow(status)];
  if (overview !== null) {
    rows.push({
      ...{ id: 'chain', label: vscode.l10n.t('Chain'), icon: 'list-ordered' },
      description:
        overview.chainLength === 1
          ? vscode.l10n.t('{0} · 1 model', strategyName(overview.strategy))
          : vscode.l10n.t('{0} · {1} models', strategyName(overview.strategy), overview.chainLength),
      children: overview.chain.map((model, at) => ({
        ...{ id: `chain/${model.model}`, label: `${at + 1}  ${tame(model.name)}`, description: tame(chainText(model)) },
        ...(model.available ? { icon: 'sparkle' } : SIGNS.waiting),
      })),
    });
    rows.push({
      ...{ id: 'providers', label: vscode.l10n.t('Providers'), icon: 'server' },
      description: forecastLine(status, now),
      children: overview.providers.map((standing) => ({
        ...{ id: `providers/${standing.id}`, label: tame(standing.name), ...SIGNS[standing.state] },
        description: standingText(standing, now),
        command: commands.openKeys,
      })),
    });
  }
  // VS Code remembers a row that had nothing below it as closed.
  return [...rows.filter(({ id, children = [] }) => id.startsWith('gateway') || children.length > 0), ...pageRows()];
}

function forecastLine({ overview }: StatusModel, now: number): string {
  const [first] = overview?.forecasts ?? [];
  return first === undefined ? '' : tame(forecastText(first, now));
}

function gatewayRow(status: StatusModel): OverviewRow {
  const { host, lastAnswer, overview } = status;
  const children: OverviewRow[] = [];
  const add = (id: string, label: string, description: string, icon: string, command?: string): void => {
    const row = { id: `gateway/${id}`, label, description, icon };
    children.push(command === undefined ? row : { ...row, command });
  };
  if (isUp(host)) {
    add('endpoint', vscode.l10n.t('Endpoint'), `${host.url}/v1`, 'link', commands.copyEndpoint);
    const runs = host.kind === 'running' ? vscode.l10n.t('this window') : vscode.l10n.t('another window');
    add('leader', vscode.l10n.t('Runs in'), runs, 'window');
  }
  if (status.gateway?.demo) {
    add('demo', vscode.l10n.t('Demo'), vscode.l10n.t('on: canned answers, no model behind them'), 'beaker');
  }
  const outcome = lastAnswer?.outcome;
  if (outcome && outcome.provider !== null) {
    const who = `${outcome.provider.replace(/^custom:/, '')} · ${shortModel(outcome.model ?? '')}`;
    const took = shortDuration(outcome.firstTokenMs ?? outcome.totalMs);
    add('last', vscode.l10n.t('Last answer'), tame(`${who} · ${took}`), 'comment');
  }
  if (overview?.day && overview.day.requests > 0) {
    add('day', vscode.l10n.t('Last 24 hours'), dayText(overview.day), 'graph');
  }
  const isWell = isUp(host) && status.gateway?.canAnswer !== false;
  return {
    // Closed as one without anything below it, it would stay so: the same under another name is open again.
    ...{ id: children.length === 0 ? 'gateway.down' : 'gateway', label: vscode.l10n.t('Gateway') },
    description: isUp(host) ? `${headline(status)} · ${vscode.l10n.t('port {0}', host.port)}` : headline(status),
    ...gatewaySign(host.kind, isWell),
    ...(host.kind === 'stopped' ? { command: commands.restartGateway } : {}),
    children,
  };
}

function gatewaySign(kind: StatusModel['host']['kind'], isWell: boolean): { icon: string; colour?: string } {
  if (kind === 'starting') return { icon: 'loading~spin' };
  if (kind === 'stopped') return SIGNS.invalid;
  return isWell ? { icon: 'radio-tower', colour: 'charts.green' } : SIGNS.error;
}

function pageRows(): OverviewRow[] {
  return pages.map((page) => ({
    ...{ id: `page/${page.id}`, label: page.title(), description: vscode.l10n.t('open the page') },
    ...{ icon: page.icon, command: page.command },
  }));
}
