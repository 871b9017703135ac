import type { ChainModel } from '../../../src/protocol/chain.js';
import type { QuotaUse } from '../../../src/protocol/events.js';
import { forecasts } from '../../../src/protocol/forecast.js';

/** How long something goes on answering at today's pace. */
export type Outlook =
  /** Nothing is used up before it opens again. */
  | { kind: 'lasts' }
  | { kind: 'until'; until: number; opensAt: number | null }
  | { kind: 'used up'; opensAt: number | null };

export interface PoolOutlook {
  /** Of the providers that are asked; those that end first come first. */
  providers: { provider: string; outlook: Outlook }[];
  pool: Outlook;
}

/**
 * "At this pace Groq lasts until 16:40": a provider lasts as long as one of its models that are on does, the pool as long as
 * one of its providers. null without a model that can be asked.
 */
export function poolOutlook(
  models: readonly ChainModel[],
  quota: readonly QuotaUse[],
  keysOf: (provider: string) => number,
  now: number,
): PoolOutlook | null {
  const ends = new Map(forecasts(quota, keysOf, now).map((found) => [nameOf(found), found.until]));
  const providers = new Map<string, Outlook[]>();
  for (const model of models) {
    if (!model.enabled || model.keys === 0 || model.today === null) continue;
    const { provider, id, today } = model;
    const outlooks = providers.get(provider) ?? [];
    outlooks.push(
      modelOutlook(ends.get(nameOf({ provider, model: id })), ends.get(nameOf({ provider, model: null })), today),
    );
    providers.set(provider, outlooks);
  }
  if (providers.size === 0) return null;
  const all = [...providers].map(([provider, outlooks]) => ({ provider, outlook: longest(outlooks) }));
  all.sort((a, b) => endOf(a.outlook) - endOf(b.outlook) || (a.provider < b.provider ? -1 : 1));
  return { providers: all, pool: longest(all.map(({ outlook }) => outlook)) };
}

function modelOutlook(
  ofModel: number | undefined,
  ofProvider: number | undefined,
  { left, resetsAt }: NonNullable<ChainModel['today']>,
): Outlook {
  if (left <= 0) return { kind: 'used up', opensAt: resetsAt };
  const until = Math.min(ofModel ?? Number.POSITIVE_INFINITY, ofProvider ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(until) ? { kind: 'until', until, opensAt: resetsAt } : { kind: 'lasts' };
}

/** Of several that stand in for each other; of those that are used up the one that opens first. */
function longest(outlooks: readonly Outlook[]): Outlook {
  return outlooks.reduce((best, each) => {
    if (best.kind === 'used up' && each.kind === 'used up') {
      return (each.opensAt ?? Number.POSITIVE_INFINITY) < (best.opensAt ?? Number.POSITIVE_INFINITY) ? each : best;
    }
    return endOf(each) > endOf(best) ? each : best;
  });
}

function endOf(outlook: Outlook): number {
  if (outlook.kind === 'lasts') return Number.POSITIVE_INFINITY;
  return outlook.kind === 'until' ? outlook.until : 0;
}

function nameOf({ provider, model }: { provider: string; model: string | null }): string {
  return `${provider} ${model ?? ''}`;
}
