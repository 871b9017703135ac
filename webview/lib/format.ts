import { locale, t } from './l10n.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const plain = new Intl.NumberFormat(locale);
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });

/** `1,284`: all its digits. */
export function exactNumber(value: number): string {
  return plain.format(value);
}

/** `212`, `12.4 k`, `3.1 M`: three digits at most. */
export function shortNumber(value: number): string {
  const units: [number, string][] = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, unit] of units) {
    // What would be rounded up to the next unit is written in it.
    if (Math.abs(value) >= size * 0.9995) return `${threeDigits(value / size)} ${unit}`;
  }
  return threeDigits(value);
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 99.95 ? 0 : 1;
  return String(Number(value.toFixed(digits)));
}

/** A length of time in ms as `412 ms`, `1.8 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 999.5) return t('{0} ms', Math.round(ms));
  if (ms < 9_950) return t('{0} s', (ms / SECOND).toFixed(1));
  if (ms < 59_500) return t('{0} s', Math.round(ms / SECOND));
  const seconds = Math.round(ms / SECOND);
  return t('{0} min {1} s', Math.floor(seconds / 60), seconds % 60);
}

/** What is left until `until`, in words that need no more room later: `41 s`, `3 min`, `3 h 12 min`, `2 d 4 h`. */
export function countdown(until: number, now: number): string {
  const left = Math.max(0, until - now);
  // Up to an end of which one would see the seconds, each is told; up, so that 0 means over.
  if (left <= 90 * SECOND) return t('{0} s', Math.ceil(left / SECOND));
  const minutes = Math.ceil(left / MINUTE);
  if (minutes < 60) return t('{0} min', minutes);
  const hours = Math.floor(minutes / 60);
  if (left < DAY) return minutes % 60 === 0 ? t('{0} h', hours) : t('{0} h {1} min', hours, minutes % 60);
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? t('{0} d', days) : t('{0} d {1} h', days, hours % 24);
}

/** How long ago `at` was: `just now`, `3 min ago`, `5 h ago`, `2 d ago`. */
export function ago(at: number, now: number): string {
  const passed = Math.max(0, now - at);
  if (passed < 45 * SECOND) return t('just now');
  if (passed < 59.5 * MINUTE) return t('{0} min ago', Math.max(1, Math.round(passed / MINUTE)));
  if (passed < 23.5 * HOUR) return t('{0} h ago', Math.round(passed / HOUR));
  return t('{0} d ago', Math.round(passed / DAY));
}

/** `14:05` */
export function timeOfDay(at: number): string {
  return clock.format(at);
}

/** Date and time to the second, for hovers. */
export function exactTime(at: number): string {
  return moment.format(at);
}

/** 0 to 1 as `98.2 %`; 100 only when it is all. */
export function percent(share: number): string {
  const value = share >= 1 ? 100 : Math.min(99.9, share * 100);
  return `${threeDigits(value)} %`;
}
