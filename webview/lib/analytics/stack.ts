import type { AnalyticsPoint, ProviderSeries } from '../../../src/protocol/analytics.js';

/** One layer of a stacked chart: a provider, the rest of them together, or what nobody answered. */
export interface Layer {
  kind: 'provider' | 'others' | 'nobody';
  /** The provider's id; empty for the others. */
  provider: string;
  /** One for each point. */
  values: number[];
  total: number;
}

/** So many providers have a layer of their own: more could not be told apart. */
const MOST = 6;

/** The layers from the bottom up: the busiest providers, the others as one, and what nobody answered. Empty ones are left out. */
export function layersOf(
  what: 'requests' | 'tokens',
  providers: readonly ProviderSeries[],
  points: readonly AnalyticsPoint[],
): Layer[] {
  const all = providers.map(({ provider, requests, promptTokens, completionTokens }) => {
    const values = what === 'requests' ? requests : added([promptTokens, completionTokens], points.length);
    return { kind: 'provider' as const, provider, values, total: sum(values) };
  });
  all.sort((a, b) => b.total - a.total);
  const rest = all.slice(MOST);
  const others = added(
    rest.map(({ values }) => values),
    points.length,
  );
  const answered = added(
    all.map(({ values }) => values),
    points.length,
  );
  const nobody = points.map(({ requests, promptTokens, completionTokens }, index) => {
    const whole = what === 'requests' ? requests : promptTokens + completionTokens;
    return Math.max(0, whole - (answered[index] ?? 0));
  });
  const layers: Layer[] = [
    ...all.slice(0, MOST),
    { kind: 'others', provider: '', values: others, total: sum(others) },
    { kind: 'nobody', provider: '', values: nobody, total: sum(nobody) },
  ];
  return layers.filter(({ total }) => total > 0);
}

/** Where each layer begins, point by point; and the height of the whole at each point. */
export function stacked(layers: readonly { values: readonly number[] }[], count: number) {
  const heights: number[] = Array.from({ length: count }, () => 0);
  const bases = layers.map(({ values }) =>
    heights.map((height, index) => {
      heights[index] = height + (values[index] ?? 0);
      return height;
    }),
  );
  return { bases, heights };
}

function added(lists: readonly (readonly number[])[], count: number): number[] {
  return Array.from({ length: count }, (_, index) => lists.reduce((all, values) => all + (values[index] ?? 0), 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
