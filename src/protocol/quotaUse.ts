import type { QuotaUse } from './events.js';

/** Kinds that say what is left of a day or longer; the others are over in a minute or an hour. */
export const LASTING: readonly string[] = ['rpd', 'tpd', 'rpmonth', 'tpmonth'];
/** As rows list them. */
const ORDER = ['rpm', 'rph', 'rpd', 'rpmonth', 'tpm', 'tpd', 'tpmonth'];

/** 0 to 1, and more where others use the same quota; 0 without a limit. */
export function shareUsed({ used, limit }: Pick<QuotaUse, 'used' | 'limit'>): number {
  return limit === null || limit === 0 ? 0 : used / limit;
}

/** Whether the kind counts tokens; the others count requests. */
export function countsTokens(kind: string): boolean {
  return kind.startsWith('t');
}

/**
 * Of the windows of one key the one that will stop it first: the fullest of those that last, and of equally full ones the
 * one with the least room. null where no limit is known.
 */
export function tightest(windows: readonly QuotaUse[]): QuotaUse | null {
  let found: QuotaUse | null = null;
  for (const window of windows) {
    if (window.limit === null || !LASTING.includes(window.kind)) continue;
    if (found === null || isTighter(window, found)) found = window;
  }
  return found;
}

function isTighter(a: QuotaUse, b: QuotaUse): boolean {
  const [shareA, shareB] = [shareUsed(a), shareUsed(b)];
  if (shareA !== shareB) return shareA > shareB;
  // A count of requests says more to people than one of tokens.
  if (countsTokens(a.kind) !== countsTokens(b.kind)) return !countsTokens(a.kind);
  return (a.limit ?? 0) < (b.limit ?? 0);
}

/** Today's requests of several keys: what was used, and of how many where every one has a limit. null where none has. */
export interface DayUse {
  used: number;
  limit: number;
  /** When the first of it comes back, in ms since the epoch. */
  resetsAt: number;
}

/**
 * The day of a provider's keys together. A window that is shared (by address) counts once; where a key has a day for all
 * its models that one counts, else the days of its models.
 */
export function dayOf(windows: readonly QuotaUse[]): DayUse | null {
  const days = windows.filter(({ kind, limit }) => kind === 'rpd' && limit !== null);
  const whole = new Set(days.filter(({ model }) => model === null).map(({ keyId }) => keyId));
  const counted = days.filter(({ model, keyId }) => model === null || !(whole.has(keyId) || whole.has(null)));
  if (counted.length === 0) return null;
  // Of an untouched window nothing comes back.
  const touched = counted.filter(({ used }) => used > 0);
  return {
    used: counted.reduce((sum, { used, limit }) => sum + Math.min(used, limit ?? 0), 0),
    limit: counted.reduce((sum, { limit }) => sum + (limit ?? 0), 0),
    resetsAt: Math.min(...(touched.length > 0 ? touched : counted).map(({ resetsAt }) => resetsAt)),
  };
}

/** Windows in the order of a list: the key's own, then by model; short ones first. */
export function inOrder(windows: readonly QuotaUse[]): QuotaUse[] {
  return [...windows].sort(
    (a, b) => compare(a.model ?? '', b.model ?? '') || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind),
  );
}

/** The windows after some of them were told anew. */
export function withUses(windows: readonly QuotaUse[], changed: readonly QuotaUse[]): QuotaUse[] {
  const news = new Map(changed.map((window) => [nameOf(window), window]));
  const kept = windows.map((window) => {
    const name = nameOf(window);
    const found = news.get(name);
    news.delete(name);
    return found ?? window;
  });
  return [...kept, ...news.values()];
}

/** A window's count falls to nothing when it ends; nobody tells that until the next request. */
export function afterReset(window: QuotaUse, now: number): QuotaUse {
  const isFixed = window.kind.endsWith('d') || window.kind.endsWith('month');
  return window.used > 0 && window.resetsAt <= now && isFixed ? { ...window, used: 0 } : window;
}

function nameOf({ id, kind }: QuotaUse): string {
  return `${kind} ${id}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
