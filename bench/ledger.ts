/** What the ledger costs at 100,000 rows: starting, asking, recording, folding, checkpointing. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { RequestRow } from '../src/gateway/ledger/changes.js';
import { nodeStorage } from '../src/gateway/ledger/nodeStorage.js';
import { type OpenLedger, openLedger } from '../src/gateway/ledger/openLedger.js';
import { createRetention } from '../src/gateway/ledger/retention.js';
import { Rollups } from '../src/gateway/ledger/rollups.js';
import { randomHex } from '../src/gateway/randomIds.js';
import { systemClock } from '../src/gateway/systemClock.js';
import { percentile } from './measure.js';
import { freellmArgs, start } from './targets.js';

export const LEDGER_ROWS = 100_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** What a user takes at least from opening the editor to opening a page. */
const IDLE_MS = 3_000;

/** Starts that a median is of: one alone says more of the machine than of us. */
const STARTS = 15;
/** A gateway keeps its compiled code 5 s after a start (`entries/loadGateway.ts`). */
const CODE_KEPT_WITHIN_MS = 30_000;

/** Times in ms, save those named µs. */
export interface LedgerFigures {
  rows: number;
  /** What Node alone takes to start and end: how fast the machine is right now. */
  nodeMs: number;
  /**
   * From spawn to the line that says it listens: for the first time in a data folder, then with the code that an earlier
   * start compiled, with an empty ledger and with all rows.
   */
  firstStartMs: number;
  startEmptyMs: number;
  startMs: number;
  /** `/api/analytics?window=30d`: asked as soon as it listens; the first time 3 s after that; the median of ten more. */
  analyticsColdMs: number;
  analyticsFirstMs: number;
  analyticsMs: number;
  /** On the request's own path. */
  appendMicros: number;
  /** Later, in batches: into the journal and the database. */
  applyMicros: number;
  /** The loop's longest stand while rows are folded away, and while an image is made. */
  foldPauseMs: number;
  checkpointPauseMs: number;
}

/** Measures with real files in `folder`; `upstream` is the mock's URL. */
export async function measureLedger(root: string, folder: string, upstream: string): Promise<LedgerFigures> {
  const data = path.join(folder, 'ledger');
  const args = freellmArgs(root, data, upstream);
  const nodeMs = await median(STARTS, nodeAlone);
  const firstStartMs = await median(STARTS, () => startMs(args));
  await keepCode(args, data);
  const startEmptyMs = await median(STARTS, () => startMs(args));
  const ledger = await openBenchLedger(root, data);
  const { appendMicros, applyMicros } = await fill(ledger);
  await ledger.close();
  // Opened anew, with one change: no checkpoint of the filling runs any more, and closing has an image to make.
  const changed = await openBenchLedger(root, data);
  changed.append({ type: 'request', row: requestRow(LEDGER_ROWS, Date.now()) });
  const checkpointPauseMs = await longestPause(() => changed.close());
  const started = await median(STARTS, () => startMs(args));
  const analytics = await askAnalytics(args);
  const again = await openBenchLedger(root, data);
  const foldPauseMs = await longestPause(() => fold(again));
  await again.close();
  return {
    rows: LEDGER_ROWS,
    nodeMs,
    firstStartMs,
    startEmptyMs,
    startMs: started,
    analyticsColdMs: analytics.cold,
    analyticsFirstMs: analytics.first,
    analyticsMs: analytics.again,
    appendMicros,
    applyMicros,
    foldPauseMs,
    checkpointPauseMs,
  };
}

/** The figures as text, with the budgets of the issue beside them. */
export function ledgerLines(figures: LedgerFigures): string[] {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const line = (isMet: boolean, text: string) => `${isMet ? 'met   ' : 'MISSED'}  ${text}`;
  const { nodeMs, firstStartMs, startEmptyMs, startMs, appendMicros, applyMicros } = figures;
  const { analyticsColdMs, analyticsFirstMs, analyticsMs } = figures;
  return [
    `Ledger, ${figures.rows.toLocaleString('en')} requests over 30 days`,
    line(
      startMs < 400,
      `${ms(startMs)} from spawn to listening (at most 400); with an empty ledger ${ms(startEmptyMs)}, the first time after an installation ${ms(firstStartMs)}, Node alone ${ms(nodeMs)}`,
    ),
    line(
      Math.max(analyticsFirstMs, analyticsMs) < 150,
      `${ms(analyticsFirstMs)} for the first /api/analytics?window=30d 3 s after the start, then ${ms(analyticsMs)} (at most 150); ${ms(analyticsColdMs)} in the moment it listens`,
    ),
    line(
      appendMicros < 100,
      `${appendMicros.toFixed(1)} µs on a request's path (at most 100), ${applyMicros.toFixed(1)} µs later in batches`,
    ),
    line(figures.foldPauseMs < 20, `${ms(figures.foldPauseMs)} longest pause while rows are folded away (at most 20)`),
    line(
      figures.checkpointPauseMs < 100,
      `${ms(figures.checkpointPauseMs)} longest pause of a checkpoint (at most 100)`,
    ),
  ];
}

/** The ledger of a data folder that no gateway has open. */
export function openBenchLedger(root: string, folder: string): Promise<OpenLedger> {
  const log = { log: () => undefined };
  const wasmFile = path.join(root, 'node_modules', 'sql.js', 'dist', 'sql-wasm.wasm');
  return openLedger(
    { storage: nodeStorage, clock: systemClock, log, randomHex },
    { folder, wasmFile, onNotice: ({ message }) => console.error(message), newSums: () => new Rollups() },
  );
}

/** Appends all rows in bursts, as a busy month would leave them. */
async function fill(ledger: OpenLedger): Promise<{ appendMicros: number; applyMicros: number }> {
  const from = Date.now() - 30 * DAY_MS;
  const appends: number[] = [];
  const applies: number[] = [];
  const burst = 500;
  for (let at = 0; at < LEDGER_ROWS; at += burst) {
    const rows = [...Array(burst).keys()].map((offset) => requestRow(at + offset, from));
    const begun = performance.now();
    for (const row of rows) ledger.append({ type: 'request', row });
    const appended = performance.now();
    ledger.query((database) => database.row('SELECT 1'));
    appends.push(((appended - begun) * 1000) / burst);
    applies.push(((performance.now() - appended) * 1000) / burst);
    await nextTurn();
  }
  return { appendMicros: percentile(appends, 0.5), applyMicros: percentile(applies, 0.5) };
}

function requestRow(number: number, from: number): RequestRow {
  const noise = createHash('md5').update(String(number)).digest();
  const pick = (at: number, count: number) => (noise[at] ?? 0) % count;
  const modelNumber = pick(1, 30);
  const provider = `provider${modelNumber % 12}`;
  const model = `model${modelNumber}`;
  const keyId = `key_${modelNumber % 12}_${pick(2, 2)}`;
  const totalMs = 300 + noise.readUInt16LE(4) / 4;
  const hasFailed = pick(6, 10) === 0;
  const failed = {
    provider: 'provider1',
    model: 'model1',
    keyId: 'key_1_0',
    kind: 'rate_limit',
    httpStatus: 429,
    ms: 80,
  };
  const answered = { provider, model, keyId, kind: null, httpStatus: 200, ms: Math.round(totalMs) };
  return {
    id: `req_${noise.toString('hex').slice(0, 24)}`,
    at: Math.min(Date.now(), Math.round(from + (number * 30 * DAY_MS) / LEDGER_ROWS)),
    client: `client${pick(3, 6)}`,
    tokenId: null,
    model: 'auto',
    isStream: true,
    status: 'success',
    httpStatus: 200,
    errorCode: null,
    provider,
    servedModel: model,
    keyId,
    firstTokenMs: Math.round(totalMs / 4),
    totalMs: Math.round(totalMs),
    promptTokens: 500 + pick(8, 200) * 20,
    completionTokens: 20 + pick(9, 200),
    attempts: hasFailed ? [failed, answered] : [answered],
  };
}

/** Takes away the older half, a step at a time, as the gateway does. */
async function fold(ledger: OpenLedger): Promise<void> {
  const retention = createRetention({
    now: () => Date.now(),
    elapsed: () => performance.now(),
    retentionDays: () => 15,
  });
  while (ledger.maintain((database) => retention.step(database))) await nextTurn();
}

/** The longest that the loop stood still during the work, in ms. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await sleep(20);
  delay.reset();
  await work();
  await sleep(20);
  delay.disable();
  return delay.max / 1e6;
}

async function nodeAlone(): Promise<number> {
  const begun = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - begun;
}

async function startMs(args: string[]): Promise<number> {
  const target = await start('cold start', args);
  await target.stop();
  return target.startMs;
}

/** One start that lives until its compiled code is kept. */
async function keepCode(args: string[], data: string): Promise<void> {
  const target = await start('keeps its code', args);
  try {
    const isKept = () => existsSync(data) && readdirSync(data).some((name) => /^code-.*\.bin$/.test(name));
    for (let waited = 0; !isKept(); waited += 100) {
      if (waited > CODE_KEPT_WITHIN_MS) throw new Error('No compiled code was kept');
      await sleep(100);
    }
  } finally {
    await target.stop();
  }
}

/** ms that a month of analytics takes: asked once the gateway listens, asked first `IDLE_MS` later, and after that. */
async function askAnalytics(args: string[]): Promise<{ cold: number; first: number; again: number }> {
  const asked = async (waitMs: number, count: number) => {
    const target = await start('analytics', args);
    try {
      // The first fetch of a process loads fetch itself.
      await fetch(`${target.url}/api/whois?nonce=${'0'.repeat(32)}`);
      await sleep(waitMs);
      const times: number[] = [];
      for (let at = 0; at < count; at++) times.push(await analyticsMs(target.url));
      return times;
    } finally {
      await target.stop();
    }
  };
  const [cold = Number.NaN] = await asked(0, 1);
  const [first = Number.NaN, ...more] = await asked(IDLE_MS, 11);
  return { cold, first, again: percentile(more, 0.5) };
}

async function analyticsMs(url: string): Promise<number> {
  const begun = performance.now();
  const response = await fetch(`${url}/api/analytics?window=30d`, {
    headers: { authorization: 'Bearer bench-admin-token-0123456789' },
  });
  const body = (await response.json()) as { totals?: { requests: number } };
  const ms = performance.now() - begun;
  if (!body.totals || body.totals.requests < LEDGER_ROWS * 0.99) throw new Error(JSON.stringify(body).slice(0, 300));
  return ms;
}

async function median(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let at = 0; at < times; at++) values.push(await measure());
  return percentile(values, 0.5);
}
