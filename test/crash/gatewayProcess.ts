import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const cli = path.resolve(import.meta.dirname, '../../dist/cli.js');

/** A headless gateway in a process of its own, as users run it. */
export interface GatewayProcess {
  url: string;
  adminToken: string;
  token: string;
  /** SIGKILL; resolves when it is gone. `at` is the time just before. */
  kill(): Promise<{ at: number }>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** A process that has been started and may not listen yet. */
export interface Starting {
  /** Rejects if it ends first. */
  listening: Promise<GatewayProcess>;
  kill(): Promise<{ at: number }>;
}

/** Starts `freellm serve` from dist/ on a free port. */
export function startProcess(folder: string, config: string): Starting {
  const args = [cli, 'serve', '--port', '0', '--data', folder, '--config', config, '--log-level', 'error'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const kill = async () => {
    const at = Date.now();
    child.kill('SIGKILL');
    await exited;
    return { at };
  };
  const listening = firstLine(child).then((line): GatewayProcess => {
    if (line === null) throw new Error(`the gateway ended before it listened: ${errors}`);
    const { url, token, adminToken } = JSON.parse(line) as Record<'url' | 'token' | 'adminToken', string>;
    const stop = async () => {
      child.kill('SIGTERM');
      return (await exited)[0];
    };
    return { url, token, adminToken, kill, stop };
  });
  listening.catch(() => undefined);
  return { listening, kill };
}

/** The first line on standard output; null when the process ends without one. */
function firstLine(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      const end = out.indexOf('\n');
      if (end >= 0) resolve(out.slice(0, end));
    });
    child.once('exit', () => resolve(null));
  });
}
