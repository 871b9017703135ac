import type { ScoreView, StrategyWeights } from '../../../protocol/strategy.js';
import { SCORE_PARTS } from '../../../protocol/strategyNames.js';
import type { Candidate } from '../inventory.js';
import type { Ranking } from './order.js';
import { type Score, scoreView } from './score.js';

/** Who answered and at most so many before it. */
const MAX_SCORES = 10;

/** What `preferred` models were ordered by: their being asked for. */
const PREFER = 'prefer';

/**
 * What the ledger keeps of why a candidate stood where it stood: JSON of the strategy, its weights in thousandths, and of
 * those up to the candidate the name (`""`: the candidate itself), score and parts in thousandths, with the samples of
 * reliability and speed in tenths. Made for every request, so the numbers of a score are put into words once for as long
 * as the ranking holds. undefined where there was nothing to order.
 */
export function routeText(ranking: Ranking, candidate: Candidate | null): string | undefined {
  const { strategy, scores, weights } = ranking;
  if (strategy === null) return undefined;
  if (candidate && ranking.preferred?.has(candidate.name)) return `["${PREFER}"]`;
  if (scores === null || weights === null) return `["${strategy}"]`;
  const head = `["${strategy}",${weightsText(weights)}`;
  if (candidate === null) return `${head}]`;
  let text = head;
  for (let at = 0; at < scores.length; at++) {
    const score = scores[at] as Score;
    if (score.name === candidate.name) return `${text},["",${numbersText(score)}]]`;
    if (at < MAX_SCORES - 1) text += `,[${JSON.stringify(score.name)},${numbersText(score)}]`;
  }
  return `${text}]`;
}

/** What a request was ordered by. */
export interface RouteView {
  strategy: string | null;
  /** In the order of their scores, up to who answered. */
  scores: ({ model: string } & ScoreView)[];
}

/** Reads a text of `routeText`; `served` (`provider/model`) is the candidate. What is none says nothing. */
export function readRoute(text: string | null, served: string | null): RouteView {
  const [strategy, weights, ...scores] = parsed(text);
  if (typeof strategy !== 'string') return { strategy: null, scores: [] };
  if (!isNumbers(weights, SCORE_PARTS.length)) return { strategy, scores: [] };
  const [reliability = 0, speed = 0, intelligence = 0, headroom = 0] = weights.map((weight) => weight / 1000);
  return {
    strategy,
    scores: scores.flatMap((entry) => {
      const [name, ...numbers] = Array.isArray(entry) ? entry : [];
      const model = name === '' ? served : name;
      if (typeof model !== 'string' || !isNumbers(numbers, NUMBERS)) return [];
      return [{ model, ...scoreView(fromNumbers(numbers), { reliability, speed, intelligence, headroom }) }];
    }),
  };
}

const NUMBERS = 7;

function numbersText(score: Score): string {
  if (score.text !== null) return score.text;
  const { reliability, speed, intelligence, headroom } = score.parts;
  score.text = [
    thousandths(score.total),
    thousandths(reliability.value),
    Math.round((reliability.samples ?? 0) * 10),
    thousandths(speed.value),
    Math.round((speed.samples ?? 0) * 10),
    thousandths(intelligence.value),
    thousandths(headroom.value),
  ].join(',');
  return score.text;
}

function weightsText({ reliability, speed, intelligence, headroom }: StrategyWeights): string {
  return `[${thousandths(reliability)},${thousandths(speed)},${thousandths(intelligence)},${thousandths(headroom)}]`;
}

function fromNumbers(numbers: readonly number[]): Pick<Score, 'total' | 'parts'> {
  const [total = 0, reliability = 0, answers = 0, speed = 0, times = 0, intelligence = 0, headroom = 0] = numbers;
  return {
    total: total / 1000,
    parts: {
      reliability: { value: reliability / 1000, samples: answers / 10 },
      speed: { value: speed / 1000, samples: times / 10 },
      intelligence: { value: intelligence / 1000, samples: null },
      headroom: { value: headroom / 1000, samples: null },
    },
  };
}

function thousandths(value: number): number {
  return Math.round(value * 1000);
}

function isNumbers(value: unknown, length: number): value is number[] {
  return Array.isArray(value) && value.length === length && value.every((one) => typeof one === 'number');
}

function parsed(text: string | null): unknown[] {
  if (text === null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
