import type { AnalyticsWindow, RequestDetail, RequestView } from '../../../src/protocol/analytics.js';
import type { StateSign } from '../keys/words.js';
import { failureWords, windowWords } from '../keys/words.js';
import { t } from '../l10n.js';
import type { Outlook } from './forecast.js';
import type { BarKind } from './timeline.js';
import type { TimeWords } from './timeWords.js';

export function windowName(window: AnalyticsWindow): string {
  switch (window) {
    case '24h':
      return t('24 h');
    case '7d':
      return t('7 d');
    case '30d':
      return t('30 d');
    case '90d':
      return t('90 d');
  }
}

export function statusWords(status: RequestView['status']): string {
  switch (status) {
    case 'success':
      return t('answered');
    case 'error':
      return t('failed');
    case 'canceled':
      return t('cancelled');
  }
}

/** A request's outcome by a glyph, a word and a colour. */
export function outcomeSign({ status, errorCode, httpStatus }: RequestView): StateSign {
  if (status === 'success') return { icon: 'pass', colour: 'healthy', words: statusWords(status) };
  if (status === 'canceled') return { icon: 'close', colour: 'muted', words: statusWords(status) };
  return { icon: 'error', colour: 'broken', words: errorCode ?? String(httpStatus) };
}

/** Why a candidate was not asked. */
export function passedOverWords(
  { why, kind, until }: RequestDetail['passedOver'][number],
  time: TimeWords,
  now: number,
): string {
  const end = until === null ? null : time.whenNext(until, now);
  switch (why) {
    case 'incapable':
      return incapableWords(kind);
    case 'cooldown':
      return end === null
        ? t('it rested: {0}', failureWords(kind))
        : t('it rested until {0}: {1}', end, failureWords(kind));
    case 'trial':
      return t('it had rested ({0}), and another request was trying it', failureWords(kind));
    case 'quota':
      return end === null
        ? t('its {0} were used up', windowWords(kind))
        : t('its {0} were used up until {1}', windowWords(kind), end);
  }
}

function incapableWords(kind: string): string {
  switch (kind) {
    case 'vision':
      return t('it takes no images');
    case 'tools':
      return t('it takes no tools');
    case 'json':
      return t('it answers in no JSON schema');
    case 'context':
      return t('its context is too small');
    default:
      return t('it cannot take this request');
  }
}

export function barWords(kind: BarKind): string {
  switch (kind) {
    case 'waited':
      return t('waited');
    case 'failed':
      return t('failed');
    case 'canceled':
      return t('cancelled');
    case 'beforeFirst':
      return t('until the first token');
    case 'answering':
      return t('answering');
  }
}

/** `lasts until 16:40`, `used up until tomorrow 09:00`. */
export function outlookWords(outlook: Outlook, time: TimeWords, now: number): string {
  switch (outlook.kind) {
    case 'lasts':
      return t('lasts until it resets');
    case 'until':
      return outlook.opensAt === null
        ? t('lasts until {0}', time.whenNext(outlook.until, now))
        : t('lasts until {0}, resets {1}', time.whenNext(outlook.until, now), time.whenNext(outlook.opensAt, now));
    case 'used up':
      return outlook.opensAt === null
        ? t('is used up')
        : t('is used up until {0}', time.whenNext(outlook.opensAt, now));
  }
}
