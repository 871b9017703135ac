import * as vscode from 'vscode';
import type { RequestOutcome } from '../protocol/events.js';
import { commands, internalCommands } from './contributions.js';
import { clockTime } from './figures.js';
import { isUp } from './gatewayHost.js';
import type { Overview } from './overviewModel.js';
import { dayText, forecastText, leftText } from './overviewText.js';
import { pages } from './panels/pageTable.js';
import { type StatusFace, type StatusModel, shortDuration, shortModel, trailSteps } from './statusModel.js';
import { tame } from './tame.js';

/** The item's own text for a face; `isShort`: without who answered. */
export function faceText(face: StatusFace, isShort = false): string {
  switch (face.kind) {
    case 'starting':
      return '$(loading~spin) FreeLLM';
    case 'stopped':
      if (face.reason === 'port-taken') return vscode.l10n.t('$(error) FreeLLM: port in use');
      if (face.reason === 'needs-reload') return vscode.l10n.t('$(error) FreeLLM: reload needed');
      return vscode.l10n.t('$(error) FreeLLM stopped');
    case 'noAnswer':
      return vscode.l10n.t('$(warning) FreeLLM: no provider can answer');
    case 'failed':
      return vscode.l10n.t('$(warning) FreeLLM: last request failed');
    case 'working':
      return isShort
        ? '$(loading~spin)'
        : `$(loading~spin) ${face.provider === null ? 'FreeLLM' : route(face.provider, face.model)}`;
    case 'answered':
      if (isShort) return '$(radio-tower)';
      return `$(radio-tower) ${route(face.provider, face.model)} ${shortDuration(face.latencyMs)}`;
    case 'idle':
      return isShort ? '$(radio-tower)' : '$(radio-tower) FreeLLM';
  }
}

/** The same for a screen reader: words only. */
export function faceLabel(face: StatusFace): string {
  switch (face.kind) {
    case 'starting':
      return vscode.l10n.t('FreeLLM is starting');
    case 'working':
      return vscode.l10n.t('FreeLLM is working on a request');
    case 'answered':
      return vscode.l10n.t(
        'FreeLLM: {0} answered in {1}',
        route(face.provider, face.model),
        shortDuration(face.latencyMs),
      );
    default:
      return faceText(face).replace(/\$\([^)]*\)\s*/g, '');
  }
}

function route(provider: string, model: string | null): string {
  const name = providerName(provider);
  return tame(model ? `${name} · ${shortModel(model)}` : name, 60);
}

function providerName(id: string): string {
  return id.replace(/^custom:/, '');
}

/** The hover: where it listens, who answered last and after whom, what is usable, and what to do. */
export function tooltip(model: StatusModel, now: number): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = { enabledCommands: [...Object.values(commands), ...Object.values(internalCommands)] };
  const rows: [string, string][] = [];
  const { host, gateway } = model;
  if (isUp(host)) rows.push([vscode.l10n.t('Endpoint'), code(`${host.url}/v1`)]);
  if (host.kind === 'following') {
    rows.push([vscode.l10n.t('Gateway'), plain(vscode.l10n.t('runs in another window'))]);
  }
  text.appendMarkdown(`**FreeLLM** — ${plain(headline(model))}\n\n`);
  if (gateway?.demo)
    rows.push([vscode.l10n.t('Demo'), plain(vscode.l10n.t('on: canned answers, no model behind them'))]);
  if (gateway !== null) {
    const { usableKeys, keys, availableModels, models } = gateway.counts;
    rows.push([vscode.l10n.t('Keys'), plain(vscode.l10n.t('{0} of {1} usable', usableKeys, keys))]);
    rows.push([vscode.l10n.t('Models'), plain(vscode.l10n.t('{0} of {1} available', availableModels, models))]);
  }
  if (model.lastAnswer !== null) rows.push(...answerRows(model.lastAnswer.outcome));
  if (model.lastFailure !== null) rows.push(failureRow(model.lastFailure.outcome));
  if (model.overview !== null) rows.push(...overviewRows(model.overview, now));
  if (rows.length > 0) {
    const lines = rows.map(([name, value]) => `| ${plain(name).replaceAll(' ', '&nbsp;')}&nbsp; | ${value} |`);
    text.appendMarkdown(`| | |\n|:--|:--|\n${lines.join('\n')}\n\n`);
  }
  text.appendMarkdown(links(model));
  return text;
}

/** What was asked in a day, what is left of the tightest quotas and until when, and how long they last at this pace. */
function overviewRows({ day, tight, forecasts, providers }: Overview, now: number): [string, string][] {
  const rows: [string, string][] = [];
  if (day !== null && day.requests > 0) rows.push([vscode.l10n.t('Last 24 hours'), plain(dayText(day))]);
  for (const window of tight) {
    const name = window.model === null ? window.name : `${window.name} · ${shortModel(window.model)}`;
    rows.push([tame(name, 60), plain(leftText(window, now))]);
  }
  for (const { name, waitsUntil } of providers.filter((each) => each.waitsUntil !== null).slice(0, 3)) {
    rows.push([tame(name, 60), plain(vscode.l10n.t('waits until {0}', clockTime(waitsUntil ?? now, now)))]);
  }
  for (const forecast of forecasts) rows.push([vscode.l10n.t('Forecast'), plain(forecastText(forecast, now))]);
  return rows;
}

/** How things are, in a line; the gateway's own words where it has some that are fit for eyes. */
export function headline({ host, gateway }: StatusModel): string {
  if (host.kind === 'starting') return vscode.l10n.t('starting');
  if (host.kind === 'stopped') {
    if (host.reason === 'crashed') return vscode.l10n.t('ended unexpectedly, starting again');
    if (host.reason === 'port-taken') return vscode.l10n.t('its port is in use by another program');
    if (host.reason === 'needs-reload') return vscode.l10n.t('a newer version is installed; reload this window');
    return host.message || vscode.l10n.t('stopped');
  }
  if (gateway !== null && !gateway.canAnswer) return gateway.reason ?? vscode.l10n.t('no provider can answer');
  return vscode.l10n.t('ready');
}

function answerRows(outcome: RequestOutcome): [string, string][] {
  const rows: [string, string][] = [
    [vscode.l10n.t('Answered by'), code(`${outcome.provider ?? ''}/${outcome.model ?? ''}`)],
  ];
  const took =
    outcome.firstTokenMs === null
      ? shortDuration(outcome.totalMs)
      : vscode.l10n.t(
          '{0} to first token · {1} in all',
          shortDuration(outcome.firstTokenMs),
          shortDuration(outcome.totalMs),
        );
  rows.push([vscode.l10n.t('Took'), plain(took)]);
  if (outcome.completionTokens !== null) {
    rows.push([
      vscode.l10n.t('Tokens'),
      plain(vscode.l10n.t('{0} in · {1} out', outcome.promptTokens ?? '?', outcome.completionTokens)),
    ]);
  }
  if (outcome.fallbacks.length > 0) rows.push([vscode.l10n.t('Fallbacks'), trail(outcome)]);
  return rows;
}

function failureRow(outcome: RequestOutcome): [string, string] {
  const what = [outcome.httpStatus === 200 ? null : String(outcome.httpStatus), outcome.errorCode]
    .filter(Boolean)
    .join(' ');
  const tried = outcome.fallbacks.length > 0 ? ` · ${trail(outcome)}` : '';
  return [vscode.l10n.t('Last failure'), `${plain(what)}${tried}`];
}

/** `groq: rate limit ×2 → cerebras: overloaded`, at most four steps, then who answered if anyone did. */
function trail({ fallbacks, provider }: RequestOutcome): string {
  const steps = trailSteps(fallbacks);
  const words = steps.slice(0, 4).map((step) => {
    const times = step.count > 1 ? ` ×${step.count}` : '';
    return plain(`${providerName(step.provider)}: ${step.kind.replaceAll('_', ' ')}${times}`);
  });
  if (steps.length > 4) words.push('…');
  if (provider !== null) words.push(plain(providerName(provider)));
  return words.join(' → ');
}

function links({ host }: StatusModel): string {
  const link = (icon: string, label: string, command: string): string => `[$(${icon}) ${label}](command:${command})`;
  const log = link('output', vscode.l10n.t('Show Log'), commands.showLog);
  if (host.kind === 'stopped') {
    return [link('refresh', vscode.l10n.t('Restart Gateway'), commands.restartGateway), log].join(' &nbsp; ');
  }
  return [
    ...pages.map((page) => link(page.icon, page.title(), page.command)),
    link('add', vscode.l10n.t('Add Key'), commands.addKey),
    link('copy', vscode.l10n.t('Copy Endpoint and Token'), commands.copyEndpoint),
    log,
  ].join(' &nbsp; ');
}

/** Provider and model names are other people's text: nothing of theirs may become markup or a link. */
function plain(text: string): string {
  return tame(text, 400).replace(/[\\`*_{}[\]()#+\-.!|<>~$&]/g, '\\$&');
}

function code(text: string): string {
  return `\`${tame(text).replace(/[`|]/g, ' ')}\``;
}
