import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));

/**
 * Installs the pinned agents (600 MB) on demand, once for each lock file: into
 * `~/.cache/freellm/clients/<hash>` (`FREELLM_CLIENTS_CACHE` to change), outside the repository.
 * @returns the folder with their executables. @throws Error with npm's own words.
 */
export async function installAgents(): Promise<string> {
  const lock = await readFile(path.join(here, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
  const cache = process.env.FREELLM_CLIENTS_CACHE ?? path.join(homedir(), '.cache', 'freellm', 'clients');
  const target = path.join(cache, hash.slice(0, 16));
  const binaries = path.join(target, 'node_modules', '.bin');
  if (await exists(binaries)) return binaries;
  const draft = `${target}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  try {
    for (const file of ['package.json', 'package-lock.json']) await cp(path.join(here, file), path.join(draft, file));
    // Neither needs its install scripts: the binaries are packages of their own.
    // Not `npm ci`: that insists on entries for cline's binaries of other systems, which the registry that the lock was
    // made with does not carry. `install` keeps to the lock all the same.
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], draft);
    await rename(draft, target).catch(async (error: unknown) => {
      // Another run was faster.
      if (!(await exists(binaries))) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return binaries;
}

async function run(command: string, args: string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
  let said = '';
  const listen = (part: Buffer) => {
    said += part.toString('utf8');
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${said.slice(-2_000)}`);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
