/** What is measured, one round: every measure takes the targets in turn, so that noise hits them alike. */
import { countEvents, type LoadResult, run, runOnce, type Timing } from './load.js';
import { INSTANT_CHUNKS, MODELS, PACE } from './payloads.js';
import { cpuMicros, type Target } from './targets.js';

export interface Effort {
  rounds: number;
  /** Of each kind of load, before anything is measured. */
  warmUpMs: number;
  /** Of each non-streaming load. */
  loadMs: number;
  firstChunkMs: number;
  chunksMs: number;
  /** Paced streams one after the other, for the time to the first token at one stream. */
  pacedSerial: number;
  coldStarts: number;
}

export const CONNECTIONS = [1, 16, 64] as const;
const STREAMS = 16;
/** Paced streams start over this time: clients do not come in the same microsecond. */
const SPREAD_MS = 200;

/** One target in one round. Times in µs, save those named ms. */
export interface Measures {
  rps: Record<number, number>;
  p50: number;
  p99: number;
  cpuPerRequest: number;
  /** The first bytes of a stream's body, one connection, where the provider's first chunk comes alone. */
  firstChunk: number;
  /** The same where all chunks come at once: mock and target then keep both cores from who waits for the bytes. */
  firstOfBurst: number;
  chunksPerSecond: number;
  cpuPerChunk: number;
  /** Time to the first token of paced streams, by how many run at once. */
  firstTokenMs: Record<number, number>;
}

/** Measures in the order of the targets. */
export type Round = Measures[];

/** Every target alike, and long enough for its code to be compiled: what is measured is a gateway that runs. */
export async function warmUp(target: Target, effort: Effort): Promise<void> {
  for (const model of [MODELS.whole, MODELS.instant, MODELS.first]) await run(target.url, model, 16, effort.warmUpMs);
  const [sample] = await runOnce(target.url, MODELS.instant, 1, 0);
  const events = sample ? countEvents(sample.body) : 0;
  // The content, the finish and [DONE]: a target that loses some is not fast.
  if (events < INSTANT_CHUNKS + 2) throw new Error(`${target.name} sent ${events} events of ${INSTANT_CHUNKS + 2}`);
}

export async function measureRound(targets: Target[], effort: Effort): Promise<Round> {
  const round: Round = targets.map(() => ({
    rps: {},
    p50: 0,
    p99: 0,
    cpuPerRequest: 0,
    firstChunk: 0,
    firstOfBurst: 0,
    chunksPerSecond: 0,
    cpuPerChunk: 0,
    firstTokenMs: {},
  }));
  const each = async (measure: (target: Target, into: Measures) => Promise<void>) => {
    for (const [at, target] of targets.entries()) await measure(target, round[at]!);
  };
  for (const connections of CONNECTIONS) {
    await each((target, into) => measureWhole(target, connections, effort.loadMs, into));
  }
  await each(async (target, into) => {
    const { timings } = await run(target.url, MODELS.first, 1, effort.firstChunkMs);
    into.firstChunk = percentile(firsts(timings), 0.5) * 1000;
  });
  await each(async (target, into) => {
    const { timings } = await run(target.url, MODELS.instant, 1, effort.firstChunkMs);
    into.firstOfBurst = percentile(firsts(timings), 0.5) * 1000;
  });
  await each((target, into) => measureChunks(target, effort.chunksMs, into));
  for (const streams of CONNECTIONS) {
    await each(async (target, into) => {
      into.firstTokenMs[streams] = percentile(firsts(await pacedTimings(target, streams, effort)), 0.5);
    });
  }
  return round;
}

async function measureWhole(target: Target, connections: number, ms: number, into: Measures): Promise<void> {
  const { result, cpu } = await withCpu(target, () => run(target.url, MODELS.whole, connections, ms));
  into.rps[connections] = result.requests / result.seconds;
  if (connections === 16) into.cpuPerRequest = cpu / result.requests;
  if (connections !== 1) return;
  const totals = result.timings.map(({ totalMs }) => totalMs * 1000);
  into.p50 = percentile(totals, 0.5);
  into.p99 = percentile(totals, 0.99);
}

async function measureChunks(target: Target, ms: number, into: Measures): Promise<void> {
  const { result, cpu } = await withCpu(target, () => run(target.url, MODELS.instant, STREAMS, ms));
  const chunks = result.requests * INSTANT_CHUNKS;
  into.chunksPerSecond = chunks / result.seconds;
  into.cpuPerChunk = cpu / chunks;
}

async function pacedTimings(target: Target, streams: number, effort: Effort): Promise<Timing[]> {
  if (streams > 1) return runOnce(target.url, MODELS.paced, streams, SPREAD_MS);
  const streamMs = PACE.firstMs + PACE.tokens * PACE.everyMs;
  const { timings } = await run(target.url, MODELS.paced, 1, streamMs * (effort.pacedSerial - 0.5));
  return timings;
}

async function withCpu(target: Target, work: () => Promise<LoadResult>): Promise<{ result: LoadResult; cpu: number }> {
  const before = cpuMicros(target.pid);
  const result = await work();
  return { result, cpu: cpuMicros(target.pid) - before };
}

function firsts(timings: Timing[]): number[] {
  return timings.map(({ firstMs }) => firstMs);
}

/** The value below which this share of the values lies. */
export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
