/** From rounds to the one table and the verdict on the budgets. */
import { CONNECTIONS, type Measures, percentile, type Round } from './measure.js';

/** Medians over the rounds; what is "added" is against the direct call of the same round. Times in µs unless named ms. */
export interface TargetSummary {
  name: string;
  rps: Record<number, number>;
  addedP50: number | null;
  addedP99: number | null;
  cpuPerRequest: number;
  addedFirstChunk: number | null;
  addedFirstOfBurst: number | null;
  chunksPerSecond: number;
  cpuPerChunk: number;
  firstTokenMs: Record<number, number>;
  addedFirstTokenMs: Record<number, number> | null;
  coldStartMs: number | null;
  rssIdleMb: number;
  rssLoadedMb: number;
}

export interface ProcessFigures {
  coldMs: (number[] | null)[];
  idle: number[];
  loaded: number[];
}

/** The budgets of issue 2 and of shared/bench.md. */
const BUDGET = { shareOfForwarder: 0.5, cpuPerRequest: 130, addedFirstMs: 0.5 };

export function summarise(names: string[], rounds: Round[], figures: ProcessFigures): TargetSummary[] {
  const median = (values: number[]) => percentile(values, 0.5);
  return names.map((name, at) => {
    const of = (read: (own: Measures) => number) => median(rounds.map((round) => read(round[at]!)));
    const added = (read: (own: Measures) => number) =>
      median(rounds.map((round) => read(round[at]!) - read(round[0]!)));
    const byCount = (read: (count: number) => number) =>
      Object.fromEntries(CONNECTIONS.map((count) => [count, read(count)]));
    const isDirect = at === 0;
    const cold = figures.coldMs[at];
    return {
      name,
      rps: byCount((count) => of((own) => own.rps[count]!)),
      addedP50: isDirect ? null : added((own) => own.p50),
      addedP99: isDirect ? null : added((own) => own.p99),
      cpuPerRequest: of((own) => own.cpuPerRequest),
      addedFirstChunk: isDirect ? null : added((own) => own.firstChunk),
      addedFirstOfBurst: isDirect ? null : added((own) => own.firstOfBurst),
      chunksPerSecond: of((own) => own.chunksPerSecond),
      cpuPerChunk: of((own) => own.cpuPerChunk),
      firstTokenMs: byCount((count) => of((own) => own.firstTokenMs[count]!)),
      addedFirstTokenMs: isDirect ? null : byCount((count) => added((own) => own.firstTokenMs[count]!)),
      coldStartMs: cold ? median(cold) : null,
      rssIdleMb: figures.idle[at]!,
      rssLoadedMb: figures.loaded[at]!,
    };
  });
}

/** The table, as Markdown. */
export function table(summary: TargetSummary[]): string {
  const columns: [string, (target: TargetSummary) => string][] = [
    ['target', ({ name }) => name],
    ['rps c1 / c16 / c64', ({ rps }) => CONNECTIONS.map((count) => whole(rps[count]!)).join(' / ')],
    ['added p50 / p99 µs, c1', (t) => (t.addedP50 === null ? '–' : `${whole(t.addedP50)} / ${whole(t.addedP99)}`)],
    ['CPU µs per request, c16', (t) => whole(t.cpuPerRequest)],
    ['added first chunk p50 µs, alone / of a burst', (t) => firstChunks(t)],
    ['chunks/s, 16 streams', (t) => whole(t.chunksPerSecond)],
    ['CPU µs per chunk', (t) => t.cpuPerChunk.toFixed(1)],
    ['first token ms, 1 / 16 / 64 paced', (t) => CONNECTIONS.map((n) => t.firstTokenMs[n]!.toFixed(1)).join(' / ')],
    ['cold start ms', (t) => whole(t.coldStartMs)],
    ['RSS idle / loaded MB', (t) => `${whole(t.rssIdleMb)} / ${whole(t.rssLoadedMb)}`],
  ];
  const rows = [
    columns.map(([title]) => title),
    columns.map(() => '---'),
    ...summary.map((target) => columns.map(([, read]) => read(target))),
  ];
  return `${rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function firstChunks({ addedFirstChunk, addedFirstOfBurst }: TargetSummary): string {
  return addedFirstChunk === null ? '–' : `${whole(addedFirstChunk)} / ${whole(addedFirstOfBurst)}`;
}

/** One line for each budget, with `met` or `MISSED`. */
export function budgetLines(summary: TargetSummary[]): string[] {
  const forwarder = summary[1]!;
  const freellm = summary[2]!;
  const share = freellm.rps[16]! / forwarder.rps[16]!;
  const first = (freellm.addedFirstChunk ?? Number.NaN) / 1000;
  const ofBurst = (freellm.addedFirstOfBurst ?? Number.NaN) / 1000;
  const tokens = freellm.addedFirstTokenMs ?? {};
  const line = (what: string, isMet: boolean) => `${isMet ? 'met   ' : 'MISSED'}  ${what}`;
  return [
    line(
      `${Math.round(share * 100)} % of the bare forwarder's throughput at 16 connections (at least 50 %)`,
      share >= BUDGET.shareOfForwarder,
    ),
    line(
      `${whole(freellm.cpuPerRequest)} µs of CPU a request (at most ${BUDGET.cpuPerRequest})`,
      freellm.cpuPerRequest <= BUDGET.cpuPerRequest,
    ),
    line(
      `${first.toFixed(2)} ms added before a first chunk that comes alone (at most ${BUDGET.addedFirstMs}); ${ofBurst.toFixed(2)} ms before that of a burst`,
      first <= BUDGET.addedFirstMs,
    ),
    ...CONNECTIONS.map((count) =>
      line(
        `${tokens[count]!.toFixed(2)} ms added before the first token of paced streams, ${count} at once (at most ${BUDGET.addedFirstMs})`,
        tokens[count]! <= BUDGET.addedFirstMs,
      ),
    ),
  ];
}

function whole(value: number | null): string {
  return value === null ? '–' : Math.round(value).toLocaleString('en-US');
}
