// What `npm start` and `npm test` need before anything else: a Node that is new enough, the dependencies, a build.
// Node's built-ins only, since nothing is installed yet.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runNpm } from './processes.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Ends the process with one clear line if this Node is too old. */
export function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  console.error(`FreeLLM needs Node 20.19 or later; this is ${process.versions.node}.`);
  process.exit(1);
}

/**
 * Whether `folder`'s node_modules holds what its package-lock.json asks for. Contents are compared, not
 * times: a checkout makes files new without changing them.
 * @param {string} folder
 */
export function hasDependencies(folder) {
  const installed = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = packagesOf(path.join(folder, 'package-lock.json'));
  const found = packagesOf(installed);
  return Object.entries(wanted).every(
    ([where, { version, optional, devOptional, peer }]) =>
      where === '' || optional || devOptional || peer || found[where]?.version === version,
  );
}

/**
 * @param {string} lockFile
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, peer?: boolean }>}
 */
function packagesOf(lockFile) {
  return existsSync(lockFile) ? (JSON.parse(readFileSync(lockFile, 'utf8')).packages ?? {}) : {};
}

/**
 * Installs what is missing, saying so in one line.
 * @param {string} [folder]
 */
export async function installDependencies(folder = root) {
  if (hasDependencies(folder)) return;
  const where = path.relative(root, folder) || 'the repository';
  console.log(`Installing the dependencies of ${where} …`);
  const flags = ['--include=dev', '--loglevel=error'];
  // `npm ci` empties node_modules first; an existing one is only brought up to date.
  const isClean = !existsSync(path.join(folder, 'node_modules')) && existsSync(path.join(folder, 'package-lock.json'));
  if (isClean && (await runNpm(['ci', ...flags], folder)).code === 0) return;
  // A registry that lacks packages for other platforms makes `npm ci` refuse a lock file that `npm install` takes.
  const { code, output } = await runNpm(['install', ...flags], folder);
  if (code === 0) return;
  console.error(output.trim());
  throw new Error(`npm could not install the dependencies of ${where}`);
}

/** Builds dist/. @param {string[]} [flags] */
export async function build(flags = []) {
  const { code } = await run(process.execPath, [path.join(root, 'esbuild.mjs'), ...flags], { cwd: root });
  if (code !== 0) throw new Error('the build failed');
}
