// Child processes of the repository's own commands. Node's built-ins only.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
const PARENT_CHECK_MS = 500;
const isWindows = process.platform === 'win32';

/**
 * The environment for a tool that must not notice that npm started us, or that we run inside VS Code.
 * @param {Record<string, string | undefined>} [extra]
 * @returns {Record<string, string | undefined>}
 */
export function cleanEnv(extra = {}) {
  const own =
    /^(npm_(config_(prefix|local_prefix|workspace|global)|lifecycle|package|command)|VSCODE_|CODE_SERVER_|NODE_OPTIONS$|PORT$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !own.test(name));
  return { ...Object.fromEntries(kept), ...extra };
}

/**
 * Starts a child in a process group of its own, so that `stop` reaches its children too.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: 'inherit', detached: !isWindows, ...options });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/**
 * Ends a child and its group: SIGTERM, then SIGKILL after `graceMs`.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} [graceMs]
 * @returns {Promise<void>}
 */
export async function stop(child, graceMs = 5000) {
  if (child.pid === undefined) return;
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const ended = hasEnded() ? Promise.resolve() : new Promise((resolve) => child.once('exit', resolve));
  if (!hasEnded()) child.kill('SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
  await ended;
  clearTimeout(timer);
  // What the child left behind in its group.
  signalGroup(child, 'SIGKILL');
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function signalGroup(child, signal) {
  try {
    if (isWindows) child.kill(signal);
    else process.kill(-(/** @type {number} */ (child.pid)), signal);
  } catch {
    // The group is gone.
  }
}

/** Ends everything that `start` started. */
export async function stopAll() {
  await Promise.all([...running].map((child) => stop(child)));
}

/**
 * On SIGINT, SIGTERM, SIGHUP, and when our parent is gone: stop the children, run `last`, leave.
 * The parent matters because npm runs us in a shell, which dies of a signal without passing it on.
 * @param {() => void | Promise<void>} [last]
 */
export function stopOnSignals(last = () => {}) {
  let isStopping = false;
  const leave = (/** @type {number} */ code) => {
    if (isStopping) return;
    isStopping = true;
    stopAll()
      .then(last)
      .finally(() => process.exit(code));
  };
  process.on('SIGINT', () => leave(130));
  process.on('SIGTERM', () => leave(143));
  process.on('SIGHUP', () => leave(129));
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || leave(143), PARENT_CHECK_MS).unref();
}

/**
 * Runs a child to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & { timeoutMs?: number, quiet?: boolean }} [options]
 *   `quiet` keeps the output back and only hands it out in the result.
 * @returns {Promise<{ code: number, output: string, timedOut: boolean }>}
 */
export async function run(command, args, { timeoutMs = 0, quiet = false, ...options } = {}) {
  const child = start(command, args, { ...options, ...(quiet ? { stdio: ['ignore', 'pipe', 'pipe'] } : {}) });
  let output = '';
  child.stdout?.on('data', (bytes) => (output += bytes));
  child.stderr?.on('data', (bytes) => (output += bytes));
  let timedOut = false;
  const timer =
    timeoutMs > 0
      ? setTimeout(() => {
          timedOut = true;
          void stop(child);
        }, timeoutMs)
      : undefined;
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit) => resolve(exit ?? 1));
    });
    return { code: timedOut ? 1 : code, output, timedOut };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Runs npm, the one that started us if one did.
 * @param {string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [env]
 */
export function runNpm(args, cwd, env = {}) {
  const options = { cwd, env: cleanEnv({ npm_config_audit: 'false', npm_config_fund: 'false', ...env }), quiet: true };
  const own = process.env.npm_execpath;
  if (own && /npm-cli\.(c|m)?js$/.test(own)) return run(process.execPath, [own, ...args], options);
  return run(isWindows ? 'npm.cmd' : 'npm', args, { ...options, shell: isWindows });
}

/**
 * @param {string} name
 * @returns {string | null} the program's full path
 */
export function findOnPath(name) {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    for (const ending of endings) {
      const file = path.join(folder || '.', name + ending);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
  }
  return null;
}
