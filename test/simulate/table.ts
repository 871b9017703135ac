import type { CapacityUsed, Share } from './capacity.js';
import type { Day, Served } from './day.js';

/** One strategy's day in numbers. Shares are 0 to 1; null: nobody saw a 429. */
export interface Result {
  strategy: string;
  requests: number;
  answered: number;
  /** 429s that clients saw. */
  refused: number;
  /** What else clients saw that was no answer. */
  failed: number;
  /** When a client first saw one, by the clock of the simulated office; null: nobody did. */
  first429: string | null;
  /** Of what the pool could have given, before that (capacity.ts). */
  capacity: number | null;
  longWindows: number | null;
  minuteWindows: number | null;
  tokens: number | null;
  /** What was used of each window by then, and what was left. */
  windows: CapacityUsed['parts'];
  /** 429s that an upstream answered for a limit that the gateway knew: all of them are known here. */
  provoked: number;
  /** Mean capability rank of the models that answered; 1 is best. */
  rank: number;
  /** How often a conversation's next answer came from another model. */
  switches: number;
  /** Mean time from the request to the end of its answer, in seconds. */
  seconds: number;
}

export function resultOf(day: Day): Result {
  const answered = day.served.filter(({ status }) => status === 'success');
  const refused = day.served.filter(({ code }) => code === 429).length;
  const { capacity } = day;
  return {
    strategy: day.strategy,
    requests: day.served.length,
    answered: answered.length,
    refused,
    failed: day.served.length - answered.length - refused,
    first429: day.first429 && officeTime(day.first429.endedAt),
    capacity: capacity && shareOf(capacity.all),
    longWindows: capacity && shareOf(capacity.long),
    minuteWindows: capacity && shareOf(capacity.minutes),
    tokens: capacity && shareOf(capacity.tokens),
    windows: capacity?.parts ?? [],
    provoked: [...day.upstreams.refusals.values()].reduce((sum, count) => sum + count, 0),
    rank: mean(answered.map(({ candidate }) => candidate?.catalog.intelligenceRank ?? 0)),
    switches: switchesOf(answered),
    seconds: mean(answered.map(({ arrivedAt, endedAt }) => (endedAt - arrivedAt) / 1000)),
  };
}

const HEAD = [
  'strategy',
  'answered',
  '429s',
  'first at',
  'capacity used',
  'days, hours',
  'minutes',
  'tokens',
  'provoked',
  'rank',
  'switches',
  'seconds',
];

/** A Markdown table, columns aligned. */
export function tableOf(results: readonly Result[]): string {
  const rows = results.map((each) => [
    `\`${each.strategy}\``,
    `${each.answered} of ${each.requests}`,
    String(each.refused),
    each.first429 ?? '–',
    ...[each.capacity, each.longWindows, each.minuteWindows, each.tokens].map(percent),
    String(each.provoked),
    each.rank.toFixed(1),
    String(each.switches),
    each.seconds.toFixed(1),
  ]);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!))).join(' | ')} |`;
  const rule = widths.map((width, at) => (at === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(HEAD), line(rule), ...rows.map(line)].join('\n');
}

function switchesOf(answered: readonly Served[]): number {
  const last = new Map<number, string>();
  let switches = 0;
  for (const { conversation, candidate } of answered) {
    if (!candidate) continue;
    const before = last.get(conversation);
    if (before !== undefined && before !== candidate.name) switches++;
    last.set(conversation, candidate.name);
  }
  return switches;
}

function shareOf({ used, capacity }: Share): number | null {
  return capacity > 0 ? used / capacity : null;
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(share * 100).toFixed(1)} %`;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function officeTime(at: number): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', timeStyle: 'short' }).format(at);
}
