import type { KeyState } from '../../../src/protocol/keyGroups.js';
import type { IconName } from '../../components/ui/icons.js';
import { t } from '../l10n.js';

/** How a state is told: three signs at once, never colour alone. */
export interface StateSign {
  icon: IconName;
  /** A class of base.css. */
  colour: 'healthy' | 'waiting' | 'broken' | 'doubtful' | 'muted';
  words: string;
}

export function signOf(state: KeyState): StateSign {
  switch (state) {
    case 'healthy':
      return { icon: 'pass', colour: 'healthy', words: t('healthy') };
    case 'rate_limited':
      return { icon: 'clock', colour: 'waiting', words: t('rate-limited') };
    case 'waiting':
      return { icon: 'clock', colour: 'waiting', words: t('waiting') };
    case 'invalid':
      return { icon: 'error', colour: 'broken', words: t('invalid') };
    case 'error':
      return { icon: 'warning', colour: 'doubtful', words: t('error') };
    case 'unknown':
      return { icon: 'unknown', colour: 'muted', words: t('not checked yet') };
    case 'off':
      return { icon: 'off', colour: 'muted', words: t('off') };
  }
}

/** A kind of quota window as column headings have it. */
export function windowWords(kind: string): string {
  switch (kind) {
    case 'rpm':
      return t('requests a minute');
    case 'rph':
      return t('requests an hour');
    case 'rpd':
      return t('requests a day');
    case 'rpmonth':
      return t('requests a month');
    case 'tpm':
      return t('tokens a minute');
    case 'tpd':
      return t('tokens a day');
    case 'tpmonth':
      return t('tokens a month');
    default:
      return kind;
  }
}

/** What is counted and how long, short enough for a row. */
export function shortWindow(kind: string): string {
  switch (kind) {
    case 'rpm':
      return t('req/min');
    case 'rph':
      return t('req/h');
    case 'rpd':
      return t('req/day');
    case 'rpmonth':
      return t('req/month');
    case 'tpm':
      return t('tok/min');
    case 'tpd':
      return t('tok/day');
    case 'tpmonth':
      return t('tok/month');
    default:
      return kind;
  }
}

/** Where a limit comes from. */
export function sourceWords(source: 'catalog' | 'user' | 'header' | 'error' | null): string {
  switch (source) {
    case 'catalog':
      return t('catalog');
    case 'user':
      return t('you');
    case 'header':
    case 'error':
      return t('provider said');
    case null:
      return '';
  }
}

/** A kind of failure in words. */
export function failureWords(kind: string): string {
  switch (kind) {
    case 'auth':
      return t('key refused');
    case 'credit':
      return t('no credit');
    case 'forbidden':
      return t('not allowed');
    case 'challenge':
      return t('blocked by a proxy');
    case 'gone':
      return t('model gone');
    case 'daily_quota':
      return t('day used up');
    case 'rate_limit':
      return t('rate limit');
    case 'overloaded':
      return t('overloaded');
    case 'network':
      return t('not reachable');
    case 'slow':
      return t('too slow');
    case 'too_large':
      return t('too large');
    case 'bad_request':
      return t('request refused');
    case 'empty':
    case 'malformed':
      return t('empty or broken answer');
    default:
      return kind.replaceAll('_', ' ');
  }
}
