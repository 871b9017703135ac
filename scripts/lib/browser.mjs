// A Chromium for the tests: CHROME_PATH, then PATH, then playwright's own download, then apt.
// Node's built-ins only, except playwright-core, which is loaded when it is needed.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from './prepare.mjs';
import { findOnPath, run } from './processes.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const DOWNLOAD_LIMIT_MS = 300_000;
const APT_LIMIT_MS = 600_000;

/**
 * The path of a Chromium that runs, installed if there was none.
 * @returns {Promise<string>}
 * @throws Error naming every way that was tried
 */
export async function ensureBrowser() {
  const given = process.env.CHROME_PATH;
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`CHROME_PATH names ${given}, which does not exist`);
  }
  const onPath = fromPath();
  if (onPath) return onPath;
  return (
    (await fromPlaywright()) ??
    (await fromApt()) ??
    fail('No Chromium: not in CHROME_PATH, not on PATH, playwright could not download one, and apt was no way either.')
  );
}

/** @returns {string | null} */
function fromPath() {
  for (const name of NAMES) {
    const found = findOnPath(name);
    if (found) return found;
  }
  return null;
}

/** @returns {Promise<string | null>} */
async function fromPlaywright() {
  const { chromium } = await import('playwright-core');
  const file = chromium.executablePath();
  if (!existsSync(file)) {
    console.log('Downloading Chromium through playwright …');
    const cli = path.join(root, 'node_modules', 'playwright-core', 'cli.js');
    await run(process.execPath, [cli, 'install', 'chromium'], { quiet: true, timeoutMs: DOWNLOAD_LIMIT_MS });
  }
  return (await runs(file)) ? file : null;
}

/** @returns {Promise<string | null>} */
async function fromApt() {
  if (process.getuid?.() !== 0 || !findOnPath('apt-get')) return null;
  console.log('Installing Chromium through apt …');
  const options = { quiet: true, timeoutMs: APT_LIMIT_MS, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await run('apt-get', ['update'], options);
  await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options);
  return fromPath();
}

/**
 * A downloaded browser may lack system libraries.
 * @param {string} file
 */
async function runs(file) {
  if (!existsSync(file)) return false;
  return (await run(file, ['--version'], { quiet: true, timeoutMs: 30_000 })).code === 0;
}

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  throw new Error(message);
}
