/** The processes that are measured: started, read from /proc, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MODELS, TOKEN } from './payloads.js';

export interface Target {
  name: string;
  url: string;
  pid: number;
  /** From spawn to its line on standard output, ms. */
  startMs: number;
  stop(): Promise<void>;
}

/** Linux counts processor time in these (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** Starts a Node program that prints `{"event":"listening","url"}`. */
export async function start(name: string, args: string[]): Promise<Target> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const url = await listening(name, child);
  const startMs = performance.now() - startedAt;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    name,
    url,
    pid: child.pid ?? 0,
    startMs,
    stop() {
      child.kill('SIGKILL');
      return exited;
    },
  };
}

function listening(name: string, child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const line = text.split('\n').find((candidate) => candidate.includes('"listening"'));
      if (line && text.includes('\n')) resolve((JSON.parse(line) as { url: string }).url);
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened`)));
    child.once('error', reject);
  });
}

/** FreeLLM's arguments for a gateway whose one provider is the mock. */
export function freellmArgs(root: string, folder: string, upstream: string): string[] {
  mkdirSync(folder, { recursive: true });
  const config = path.join(folder, 'config.json');
  const provider = {
    baseUrl: `${upstream}/v1`,
    keys: [{ key: 'bench-upstream-key' }],
    models: Object.values(MODELS).map((id) => ({ id, contextWindow: 131_072, tools: true })),
  };
  writeFileSync(
    config,
    JSON.stringify({
      token: TOKEN,
      adminToken: 'bench-admin-token-0123456789',
      providers: { 'custom:bench': provider },
      settings: { healthProbes: false },
    }),
  );
  const cli = path.join(root, 'dist', 'cli.js');
  return [cli, 'serve', '--port', '0', '--config', config, '--log-level', 'error', '--data', folder];
}

/** Processor time a process has used, user and system, in µs (proc(5)). */
export function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything, so fields are counted after it: utime and stime are the 12th and 13th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

/** Resident memory in MB. */
export function rssMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}
