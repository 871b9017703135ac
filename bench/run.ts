/**
 * The benchmark: direct to a mock provider, through a bare forwarder, and through FreeLLM, in one run
 * (docs/performance.md). `npm run bench -- [--quick] [--json FILE]`; needs Linux for /proc.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { ledgerLines, measureLedger } from './ledger.js';
import { type Effort, measureRound, type Round, warmUp } from './measure.js';
import { budgetLines, summarise, table } from './report.js';
import { freellmArgs, rssMb, start, type Target } from './targets.js';

const root = path.resolve(import.meta.dirname, '..');
const FULL: Effort = {
  rounds: 5,
  // V8 compiles SQLite's hot functions in the background while requests come: shorter, and that is what is measured.
  warmUpMs: 8000,
  loadMs: 1000,
  firstChunkMs: 600,
  chunksMs: 1200,
  pacedSerial: 2,
  coldStarts: 5,
};
const QUICK: Effort = {
  rounds: 3,
  warmUpMs: 600,
  loadMs: 400,
  firstChunkMs: 300,
  chunksMs: 400,
  pacedSerial: 1,
  coldStarts: 3,
};

/** Bundled like FreeLLM itself is, so that cold starts and memory compare. */
async function bundle(folder: string, name: string): Promise<string> {
  const outfile = path.join(folder, `${name}.cjs`);
  await build({
    entryPoints: [path.join(root, 'bench', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    minify: true,
    logLevel: 'error',
  });
  return outfile;
}

async function coldStarts(args: string[], count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const target = await start('cold start', args);
    times.push(target.startMs);
    await target.stop();
  }
  return times;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, json: { type: 'string' } } });
  const effort = values.quick ? QUICK : FULL;
  // Always: a table of yesterday's code would be taken for today's.
  execFileSync(process.execPath, ['esbuild.mjs', '--production'], { cwd: root, stdio: 'inherit' });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-bench-'));
  const running: Target[] = [];
  const launch = async (name: string, args: string[]) => {
    const target = await start(name, args);
    running.push(target);
    return target;
  };
  const loadBefore = os.loadavg()[0] ?? 0;
  try {
    const [mockFile, forwarderFile] = await Promise.all([bundle(folder, 'mock'), bundle(folder, 'forwarder')]);
    const direct = await launch('direct to the mock', [mockFile]);
    const commands = {
      forwarder: [forwarderFile, direct.url],
      freellm: freellmArgs(root, path.join(folder, 'data'), direct.url),
    };
    const cold = {
      forwarder: await coldStarts(commands.forwarder, effort.coldStarts),
      freellm: await coldStarts(commands.freellm, effort.coldStarts),
    };
    const forwarder = await launch('bare Hono + Pool.dispatch', commands.forwarder);
    const freellm = await launch('FreeLLM', commands.freellm);
    const targets = [direct, forwarder, freellm];
    const idle = targets.map(({ pid }) => rssMb(pid));
    for (const target of targets) await warmUp(target, effort);
    const rounds: Round[] = [];
    for (let at = 0; at < effort.rounds; at++) rounds.push(await measureRound(targets, effort));
    const loaded = targets.map(({ pid }) => rssMb(pid));
    const summary = summarise(
      targets.map(({ name }) => name),
      rounds,
      { coldMs: [null, cold.forwarder, cold.freellm], idle, loaded },
    );
    const machine = {
      date: new Date().toISOString().slice(0, 16),
      node: process.version,
      cpus: os.cpus().length,
      cpu: os.cpus()[0]?.model ?? 'unknown',
      loadBefore,
      rounds: effort.rounds,
    };
    const head = `${machine.date} UTC, Node ${machine.node}, ${machine.cpus} × ${machine.cpu}, load ${loadBefore.toFixed(1)} before and ${(os.loadavg()[0] ?? 0).toFixed(1)} after the run, medians of ${effort.rounds} rounds`;
    process.stdout.write(`${head}\n\n${table(summary)}\n${budgetLines(summary).join('\n')}\n`);
    await Promise.all([forwarder.stop(), freellm.stop()]);
    const ledger = await measureLedger(root, folder, direct.url);
    process.stdout.write(`\n${ledgerLines(ledger).join('\n')}\n`);
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine, targets: summary, ledger }, null, 2)}\n`);
  } finally {
    await Promise.all(running.map((target) => target.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
