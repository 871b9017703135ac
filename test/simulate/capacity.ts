import type { CatalogModel } from '../../src/gateway/providers/spec.js';
import type { StrictAccount } from './strictAccount.js';
import type { StrictWindow } from './strictWindow.js';

const MINUTE_MS = 60_000;

/** What was taken of what could have been. Requests are ones like the one that was refused. */
export interface Share {
  used: number;
  capacity: number;
}

/** How far the pool was used when it refused a request. */
export interface CapacityUsed {
  /** All windows together. */
  all: Share;
  /** Hours, days, months: since they began. */
  long: Share;
  /** Minutes: while requests waited. */
  minutes: Share;
  /** The same in tokens, of windows that count them. */
  tokens: Share;
  /** Window by window: `provider/model kind`. */
  parts: { name: string; used: number; free: number }[];
}

/** The refused request. */
export interface Refused {
  at: number;
  /** Since when somebody had been waiting all the time. */
  waitingSince: number;
  tools: boolean;
  /** Prompt and answer, as the provider counts them. */
  tokensAt(provider: string): number;
  promptTokens: number;
}

interface Room {
  used: number;
  free: number;
  isMinute: boolean;
}

/**
 * What the pool had given by the first 429, of all that it could have given to the request that got it: window
 * arithmetic on the providers' own counts, over the models that can take such a request.
 *
 * A window of an hour, a day or a month could have given its limit; a window of a minute its limit in each of the
 * whole minutes before the refusal in which somebody waited: earlier, nobody needed more. Of a model's windows, and of
 * those that its models share, the one with the least room left counts: the others could not have been used up. Room
 * for less than the request is no room. No scheduler gets more out of the pool after the same morning: the omniscient
 * one that saved up the day's quotas for the peak is left out on purpose, as the order says to spend the best first.
 */
export function capacityUsed(
  models: readonly CatalogModel[],
  accounts: ReadonlyMap<string, StrictAccount>,
  refused: Refused,
): CapacityUsed {
  const empty = (): Share => ({ used: 0, capacity: 0 });
  const total: CapacityUsed = { all: empty(), long: empty(), minutes: empty(), tokens: empty(), parts: [] };
  const minutes = Math.max(1, Math.floor((refused.at - refused.waitingSince) / MINUTE_MS));
  for (const [provider, account] of accounts) {
    const tokens = refused.tokensAt(provider);
    const capable = models.filter((model) => model.provider === provider && canTake(model, refused));
    const roomOf = (window: StrictWindow) => room(window, tokens, minutes, refused.at);
    const open = capable.flatMap(({ id }) => {
      const windows = account.modelWindows(id);
      const fits = windows.every((window) => !window.countsTokens || tokens <= window.limit);
      return fits ? [{ id, windows }] : [];
    });
    if (open.length === 0) continue;
    const rooms = open.flatMap(({ id, windows }) => {
      const found = least(windows.map(roomOf));
      return found ? [{ ...found, model: id }] : [];
    });
    const shared = least(account.sharedWindows.map(roomOf));
    const isUnlimited = rooms.length < open.length;
    const free = rooms.reduce((sum, each) => sum + each.free, 0);
    for (const each of shared && (isUnlimited || shared.free <= free) ? [{ ...shared, model: '*' }] : rooms) {
      total.parts.push({ name: `${provider}/${each.model} ${each.window.kind}`, used: each.used, free: each.free });
      for (const share of [total.all, each.isMinute ? total.minutes : total.long]) {
        share.used += each.used;
        share.capacity += each.used + each.free;
      }
    }
    for (const { window } of rooms) {
      if (!window.countsTokens) continue;
      total.tokens.used += Math.min(window.used(refused.at), window.limit);
      total.tokens.capacity += window.limit;
    }
  }
  return total;
}

function canTake({ tools, contextWindow }: CatalogModel, refused: Refused): boolean {
  if (refused.tools && !tools) return false;
  return contextWindow === null || refused.promptTokens + Math.min(256, contextWindow / 4) <= contextWindow;
}

function room(window: StrictWindow, tokens: number, minutes: number, at: number): Room & { window: StrictWindow } {
  const size = window.countsTokens ? tokens : 1;
  const isMinute = window.lengthMs === MINUTE_MS;
  const times = isMinute ? minutes : 1;
  const used = isMinute ? window.countSince(at - minutes * MINUTE_MS) : window.used(at);
  const limit = window.limit * times;
  return { used: Math.min(used, limit) / size, free: Math.max(0, Math.floor((limit - used) / size)), isMinute, window };
}

/** A day that is used up comes before a minute: the minute could not have been used. */
function least<T extends Room>(rooms: readonly T[]): T | null {
  const sorted = [...rooms].sort((a, b) => a.free - b.free || Number(a.isMinute) - Number(b.isMinute));
  return sorted[0] ?? null;
}
