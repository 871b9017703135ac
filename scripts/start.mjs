// `npm start`: installs what is missing, builds, opens a real VS Code with the extension and a throwaway
// profile, and says `ready` once its gateway answers. Stays in the foreground.
// usage: npm start [-- --no-open]
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './lib/freePort.mjs';
import { build, installDependencies, requireNode, root } from './lib/prepare.mjs';
import { cleanEnv, findOnPath, start, stopAll, stopOnSignals } from './lib/processes.mjs';
import { developmentUrl, startHost } from './lib/vscodeHost.mjs';

const PORT = 3001;

/** @type {(() => void)[]} */
const cleanups = [];
const cleanUp = () => {
  for (const remove of cleanups.splice(0)) remove();
};

/** @param {string[]} flags */
async function main(flags) {
  requireNode();
  stopOnSignals(cleanUp);
  await installDependencies();
  console.log('Building …');
  await build();
  const port = await freePort(PORT);
  if (port !== PORT) console.log(`Port ${PORT} is taken; the gateway gets ${port}.`);
  const token = `freellmapi-dev-${randomBytes(16).toString('hex')}`;
  const settings = { 'freellm.port': port, 'freellm.demo': true };
  const env = { FREELLM_DEV_TOKEN: token };
  const code = desktopCode();
  const window = code
    ? openDesktop(code, settings, env)
    : await openServer(settings, env, !flags.includes('--no-open'));
  const ended = new Promise((resolve, reject) => {
    window.once('error', reject);
    window.once('exit', (exitCode) => resolve(exitCode ?? 1));
  });
  const isOver = new AbortController();
  announceReady(port, token, isOver.signal).catch(() => {});
  process.exitCode = await ended;
  isOver.abort();
}

/** The desktop `code` command; inside a remote terminal the command of that name opens files only. */
function desktopCode() {
  const found = findOnPath('code');
  return found && !found.includes('remote-cli') ? found : null;
}

/**
 * @param {string} code
 * @param {Record<string, unknown>} settings
 * @param {Record<string, string>} env
 */
function openDesktop(code, settings, env) {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'freellm-code-'));
  cleanups.push(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  const inside = (/** @type {string} */ name) => {
    const folder = path.join(profile, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  writeFileSync(path.join(inside('user-data/User'), 'settings.json'), JSON.stringify(settings, null, 2));
  console.log(`Opening VS Code (${code}); close its window or press Ctrl+C to end.`);
  const args = [
    ...[`--extensionDevelopmentPath=${root}`, `--user-data-dir=${inside('user-data')}`],
    ...[`--extensions-dir=${inside('extensions')}`, '--new-window', '--wait', '--skip-welcome', '--skip-release-notes'],
    '--disable-workspace-trust',
    // Chromium's sandbox refuses to run as root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    inside('workspace'),
  ];
  return start(code, args, { env: cleanEnv(env), shell: process.platform === 'win32' });
}

/**
 * @param {Record<string, unknown>} settings
 * @param {Record<string, string>} env
 * @param {boolean} mayOpen
 */
async function openServer(settings, env, mayOpen) {
  const host = await startHost({ settings, env, development: true });
  cleanups.push(host.remove);
  const url = developmentUrl(host, root);
  console.log(
    `VS Code is served at\n\n  ${url}\n\nOpen it in a browser (the extension starts with its page); Ctrl+C ends it.`,
  );
  if (mayOpen) openBrowser(url);
  return host.process;
}

/** @param {string} url */
function openBrowser(url) {
  const hasDisplay = process.platform === 'darwin' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  const opener = process.platform === 'darwin' ? 'open' : findOnPath('xdg-open');
  if (!hasDisplay || !opener) return;
  const child = start(opener, [url], { stdio: 'ignore' });
  child.once('error', () => {});
}

/**
 * Waits until the gateway of our window answers a chat request, then prints the `ready` line.
 * @param {number} port
 * @param {string} token
 * @param {AbortSignal} signal
 */
async function announceReady(port, token, signal) {
  const base = `http://127.0.0.1:${port}`;
  const probe = () => ask(base, token, signal).catch((/** @type {unknown} */ error) => `no connection (${error})`);
  let last = '';
  for (let tries = 0; !signal.aborted; tries++) {
    const answer = await probe();
    if (typeof answer !== 'string') {
      console.log(`ready: gateway ${base}/v1, token ${token}, demo on and answered as ${answer.route}: ${answer.text}`);
      return;
    }
    // A stranger or a misconfigured gateway would otherwise be a silent wait.
    if (answer !== last && !answer.startsWith('no connection') && tries > 0) console.log(`not ready yet: ${answer}`);
    last = answer;
    await delay(500, undefined, { signal });
  }
}

/**
 * @param {string} base
 * @param {string} token
 * @param {AbortSignal} signal
 * @returns {Promise<{ route: string, text: string } | string>} the answer, or why there is none
 */
async function ask(base, token, signal) {
  const response = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Say hello.' }] }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  /** @type {{ error?: { message?: string }, choices?: { message?: { content?: string } }[] }} */
  const body = JSON.parse(await response.text());
  if (!response.ok) return `HTTP ${response.status} ${body?.error?.message ?? ''}`;
  const text = JSON.stringify(String(body.choices?.[0]?.message?.content ?? '').slice(0, 60));
  return { route: response.headers.get('x-routed-via') ?? 'unknown', text };
}

main(process.argv.slice(2))
  .catch((/** @type {unknown} */ error) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  })
  .finally(async () => {
    await stopAll();
    cleanUp();
  });
