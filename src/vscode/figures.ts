import * as vscode from 'vscode';

const DAY_MS = 24 * 60 * 60 * 1000;

/** `212`, `1,284`, `12.4 k`, `3.1 M`. */
export function shortCount(value: number): string {
  if (value < 9_999.5) return new Intl.NumberFormat(vscode.env.language).format(Math.round(value));
  const [size, unit] = value >= 999_500 ? [1e6, 'M'] : [1e3, 'k'];
  const scaled = value / size;
  return `${Number(scaled.toFixed(scaled >= 99.95 ? 0 : 1))} ${unit}`;
}

/** `16:40` where it is within a day; else with the day: `Sat 02:00`, `1 Dec`. In the editor's language, this machine's zone. */
export function clockTime(at: number, now: number): string {
  const time = { hour: '2-digit', minute: '2-digit' } as const;
  const format: Intl.DateTimeFormatOptions =
    at - now < DAY_MS
      ? time
      : at - now < 6 * DAY_MS
        ? { weekday: 'short', ...time }
        : { day: 'numeric', month: 'short' };
  return new Intl.DateTimeFormat(vscode.env.language, { ...format, hourCycle: 'h23' }).format(at);
}

/** 0 to 1 as `82 %`: 100 only when it is all, 0 only when it is nothing. */
export function percent(share: number): string {
  const rounded = Math.round(share * 100);
  const honest = share < 1 && rounded === 100 ? 99 : share > 0 && rounded === 0 ? 1 : rounded;
  return `${honest} %`;
}
