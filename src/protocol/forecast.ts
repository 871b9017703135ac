import type { QuotaUse } from './events.js';
import { LASTING } from './quotaUse.js';

/** What will be used up before it opens again, if all goes on as it does. */
export interface Forecast {
  provider: string;
  /** null: everything of the provider. */
  model: string | null;
  /** ms since the epoch. */
  until: number;
}

/**
 * "At this pace Groq lasts until 16:40", soonest first, of the windows of a day or longer. A model lasts as long as one of
 * its keys does, a key until the first of its windows is full; nothing is said of what lasts until it resets, nor of what is
 * used up already.
 * @param keysOf how many keys of a provider are in use: one that no window is known of may go on
 */
export function forecasts(quota: readonly QuotaUse[], keysOf: (provider: string) => number, now: number): Forecast[] {
  const targets = new Map<string, QuotaUse[]>();
  for (const window of quota) {
    if (window.limit === null || !LASTING.includes(window.kind)) continue;
    const name = `${window.provider} ${window.model ?? ''}`;
    targets.set(name, [...(targets.get(name) ?? []), window]);
  }
  const found: Forecast[] = [];
  for (const windows of targets.values()) {
    const until = endOf(windows, keysOf);
    const [{ provider, model } = { provider: '', model: null }] = windows;
    if (until !== null && until > now) found.push({ provider, model, until });
  }
  return found.sort((a, b) => a.until - b.until);
}

function endOf(windows: readonly QuotaUse[], keysOf: (provider: string) => number): number | null {
  const soonest = new Map<string | null, number>();
  for (const { keyId, lastsUntil } of windows) {
    soonest.set(
      keyId,
      Math.min(soonest.get(keyId) ?? Number.POSITIVE_INFINITY, lastsUntil ?? Number.POSITIVE_INFINITY),
    );
  }
  const ofAllKeys = soonest.get(null) ?? Number.POSITIVE_INFINITY;
  soonest.delete(null);
  const hasAll = soonest.size > 0 && soonest.size >= keysOf(windows[0]?.provider ?? '');
  const until = Math.min(ofAllKeys, hasAll ? Math.max(...soonest.values()) : Number.POSITIVE_INFINITY);
  return Number.isFinite(until) ? until : null;
}
