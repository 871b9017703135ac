import * as vscode from 'vscode';
import type { QuotaUse } from '../protocol/events.js';
import type { KeyState } from '../protocol/keyGroups.js';
import { countsTokens } from '../protocol/quotaUse.js';
import type { Strategy } from '../protocol/strategyNames.js';
import { clockTime, percent, shortCount } from './figures.js';
import type { ChainStanding, DaySums, Overview, ProviderStanding } from './overviewModel.js';

/** `at this pace Groq · gpt-oss-120b lasts until 16:40` */
export function forecastText({ name, model, until }: Overview['forecasts'][number], now: number): string {
  const who = model === null ? name : `${name} · ${model}`;
  return vscode.l10n.t('at this pace {0} lasts until {1}', who, clockTime(until, now));
}

/** `788 of 1,000 requests left until 23:40` */
export function leftText(
  window: Pick<QuotaUse, 'kind' | 'used' | 'resetsAt'> & { limit: number },
  now: number,
): string {
  const { left, of, until } = leftFigures(window, now);
  return countsTokens(window.kind)
    ? vscode.l10n.t('{0} of {1} tokens left until {2}', left, of, until)
    : vscode.l10n.t('{0} of {1} requests left until {2}', left, of, until);
}

function leftFigures({ used, limit, resetsAt }: Pick<QuotaUse, 'used' | 'resetsAt'> & { limit: number }, now: number) {
  const left = shortCount(Math.max(0, limit - used));
  return { left, of: shortCount(limit), until: clockTime(resetsAt, now) };
}

/** `1,284 requests · 3.1 M tokens in · 420 k out` */
export function dayText({ requests, promptTokens, completionTokens }: DaySums): string {
  const [tokensIn, out] = [shortCount(promptTokens), shortCount(completionTokens)];
  return requests === 1
    ? vscode.l10n.t('1 request · {0} tokens in · {1} out', tokensIn, out)
    : vscode.l10n.t('{0} requests · {1} tokens in · {2} out', shortCount(requests), tokensIn, out);
}

/** What is left of a provider's day, in few words, or null where no limit is known. */
export function standingLeft({ day, window }: ProviderStanding, now: number): string | null {
  if (day !== null) {
    const { left, of, until } = leftFigures(day, now);
    return vscode.l10n.t('{0} of {1} left until {2}', left, of, until);
  }
  return window?.limit == null ? null : leftText({ ...window, limit: window.limit }, now);
}

/** `healthy · 788 of 1,000 left until 23:40` */
export function standingText(standing: ProviderStanding, now: number): string {
  const state =
    standing.waitsUntil === null
      ? stateWord(standing.state)
      : vscode.l10n.t('waits until {0}', clockTime(standing.waitsUntil, now));
  return [state, standingLeft(standing, now)].filter((part) => part !== null).join(' · ');
}

/** `Groq, Cerebras · 82 % left today` */
export function chainText({ providers, left, available }: ChainStanding): string {
  const room = left === null ? null : vscode.l10n.t('{0} left today', percent(left));
  const state = available ? room : vscode.l10n.t('waits');
  return [providers.join(', '), state].filter((part) => part !== null).join(' · ');
}

/** One word for how a key or a provider is. */
export function stateWord(state: KeyState): string {
  switch (state) {
    case 'healthy':
      return vscode.l10n.t('healthy');
    case 'waiting':
      return vscode.l10n.t('waits');
    case 'rate_limited':
      return vscode.l10n.t('rate-limited');
    case 'invalid':
      return vscode.l10n.t('key refused');
    case 'error':
      return vscode.l10n.t('errors');
    case 'off':
      return vscode.l10n.t('switched off');
    case 'unknown':
      return vscode.l10n.t('not checked yet');
  }
}

/** A strategy's name as the settings page has it. */
export function strategyName(strategy: string): string {
  const names: Record<Strategy, string> = {
    priority: vscode.l10n.t('priority'),
    balanced: vscode.l10n.t('balanced'),
    smartest: vscode.l10n.t('smartest'),
    fastest: vscode.l10n.t('fastest'),
    reliable: vscode.l10n.t('reliable'),
    custom: vscode.l10n.t('custom'),
  };
  return Object.hasOwn(names, strategy) ? names[strategy as Strategy] : strategy;
}
