import type { ChainModel, ChainView } from '../../protocol/chain.js';
import type { QuotaUse } from '../../protocol/events.js';
import type { Strategy } from '../../protocol/strategyNames.js';
import type { ChainEntry, QuotaKind } from '../ledger/changes.js';
import type { CatalogModel } from '../providers/spec.js';
import { GONE_FOR_MS } from './goneModels.js';
import type { Candidate, Inventory } from './inventory.js';
import type { Ranking } from './scoring/order.js';
import { scoreView } from './scoring/score.js';

/** What the view is made from. */
interface ChainSources extends Pick<ChainView, 'inForce' | 'chosenBy' | 'isFixed' | 'hasOrder'> {
  inventory: Inventory;
  /** The user's order, for what is off. */
  entries: readonly ChainEntry[] | null;
  isFree(candidate: Candidate): boolean;
  isTried(candidate: Candidate): boolean;
  ranking(strategy: Strategy): Ranking;
  windows(candidate: Candidate): readonly QuotaUse[];
}

/** The chain under a strategy as the admin API shows it: what is on, in order, then what is off; each model once. */
export function chainView(sources: ChainSources, strategy: Strategy): ChainView {
  const { inventory, isFree, isTried } = sources;
  const ranking = sources.ranking(strategy);
  const isScored = ranking.scores !== null;
  const { scores, weights } = isScored ? ranking : sources.ranking('balanced');
  const scoreOf = new Map((scores ?? []).map((score) => [score.name, score]));
  const groups = groupsByMember(inventory);
  const views = new Map<string, ChainModel>();
  for (const { name } of ranking.candidates) {
    const keys = inventory.byName.get(name);
    if (views.has(name) || !keys?.[0]) continue;
    const score = scoreOf.get(name);
    const free = keys.filter(isFree);
    views.set(name, {
      ...factsOf(keys[0].catalog, groups.get(name), inventory),
      enabled: true,
      goneUntil: null,
      available: free.length > 0,
      trying: free.length > 0 && free.every(isTried),
      keys: keys.length,
      today: todayOf(keys, sources),
      score: score && weights ? scoreView(score, weights) : null,
    });
  }
  const off = (sources.entries ?? []).filter(({ isEnabled }) => !isEnabled).map(({ model }) => model);
  for (const name of [...off, ...inventory.off.keys()]) {
    const known = inventory.known.get(name);
    if (!known || views.has(name) || !inventory.keyedProviders.has(known.provider)) continue;
    const why = inventory.off.get(name);
    views.set(name, {
      ...factsOf(known, groups.get(name), inventory),
      enabled: false,
      goneUntil: why?.why === 'gone' ? why.since + GONE_FOR_MS : null,
      available: false,
      trying: false,
      keys: 0,
      today: null,
      score: null,
    });
  }
  const { inForce, chosenBy, isFixed, hasOrder } = sources;
  const scoredBy = isScored ? strategy : 'balanced';
  return { strategy, scoredBy, inForce, chosenBy, isFixed, hasOrder, data: [...views.values()] };
}

type Facts = Omit<ChainModel, 'enabled' | 'goneUntil' | 'available' | 'trying' | 'keys' | 'today' | 'score'>;

function factsOf(model: CatalogModel, group: Group | undefined, { byName }: Inventory): Facts {
  const others = group?.members.filter((name) => byName.has(name)).map(providerOf) ?? [];
  return {
    model: `${model.provider}/${model.id}`,
    provider: model.provider,
    id: model.id,
    name: model.name,
    group: group?.name ?? null,
    providers: [...new Set([model.provider, ...others])],
    contextWindow: model.contextWindow,
    maxOutput: model.maxOutput ?? null,
    tools: model.tools,
    vision: model.vision,
    reasoning: model.reasoning,
    monthlyTokens: model.monthlyTokenBudget ?? null,
  };
}

interface Group {
  name: string;
  members: readonly string[];
}

function groupsByMember({ logical }: Inventory): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const [name, candidates] of logical) {
    const group = { name, members: candidates.map((candidate) => candidate.name) };
    for (const member of group.members) groups.set(member, group);
  }
  return groups;
}

/** Providers' ids have no slash, models' own names may. */
function providerOf(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

const LONG: readonly string[] = ['rpd', 'tpd', 'rpmonth', 'tpmonth'] satisfies QuotaKind[];

function todayOf(keys: readonly Candidate[], sources: ChainSources): ChainModel['today'] {
  const windowsOfKeys = keys.map((key) => sources.windows(key).filter(({ kind }) => LONG.includes(kind)));
  const lefts = windowsOfKeys.map((windows) => Math.min(1, ...windows.map(leftOf)));
  const requests = tightest(windowsOfKeys, 'rpd');
  const tokens = tightest(windowsOfKeys, 'tpd');
  const all = [...requests, ...tokens];
  return {
    left: Math.round(Math.max(...lefts) * 1000) / 1000,
    requests: sumOf(requests),
    tokens: sumOf(tokens),
    resetsAt: Math.min(...all.map(({ resetsAt }) => resetsAt)),
    isShared: all.some(({ model, limit }) => model === null && limit !== null),
  };
}

/** Of each key the window of this kind that has least left; one that several keys share counts once. */
function tightest(windowsOfKeys: readonly (readonly QuotaUse[])[], kind: QuotaKind): QuotaUse[] {
  const found = new Map<string, QuotaUse>();
  for (const windows of windowsOfKeys) {
    const [first] = windows
      .filter((window) => window.kind === kind)
      .sort((a, b) => remainingOf(a) - remainingOf(b) || Number(a.model === null) - Number(b.model === null));
    if (first) found.set(first.id, first);
  }
  return [...found.values()];
}

function sumOf(windows: readonly QuotaUse[]): { used: number; limit: number | null } {
  const used = windows.reduce((sum, window) => sum + window.used, 0);
  const isKnown = windows.length > 0 && windows.every(({ limit }) => limit !== null);
  return { used, limit: isKnown ? windows.reduce((sum, { limit }) => sum + (limit ?? 0), 0) : null };
}

function remainingOf({ limit, used }: QuotaUse): number {
  return limit === null ? Number.MAX_VALUE : limit - used;
}

function leftOf({ limit, used }: QuotaUse): number {
  return limit === null ? 1 : Math.max(0, 1 - used / limit);
}
