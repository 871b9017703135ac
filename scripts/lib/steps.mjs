// The steps of `npm test`. Node's built-ins only.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { ensureBrowser } from './browser.mjs';
import { root } from './prepare.mjs';
import { run, start, stop } from './processes.mjs';
import { checkPackage } from './sizes.mjs';
import { isHostSupported } from './vscodeHost.mjs';

const MINUTE_MS = 60_000;
/** How long mocha may live on after its last test; whoever does has left a socket or a timer open. */
const LINGER_MS = 20_000;
const STORY_LIMIT_MS = 10 * MINUTE_MS;
/** So many stories of one run may be played again. */
const MOST_REPLAYS = 2;
/** Folders of test/ that together make the quick suite; any other folder is a step of its own. */
const UNIT = ['gateway', 'protocol', 'connect', 'loopback', 'vscode', 'webview', 'repository', 'bench'];
/** Minutes, for steps that may take longer than others: `npm run crash` kills 200 times. */
const LONG_STEPS = /** @type {Record<string, number>} */ ({ crash: 30 });
/** Folders without a suite that mocha could run from outside. */
const NOT_MOCHA = ['support', 'host'];
const RESULTS = path.join(root, 'test-results');
const bin = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  mocha: 'node_modules/mocha/bin/mocha.js',
  svelteCheck: 'node_modules/svelte-check/bin/svelte-check',
  tsc: 'node_modules/typescript/bin/tsc',
  vsce: 'node_modules/@vscode/vsce/vsce',
};

/** @typedef {{ file: string, title: string, message: string }} Failure */
/**
 * What came of a step. `failures` names those that a step can name; `flaky` are those that passed when played again.
 * @typedef {{ passed: number, failed: number, skipped: number, failures?: Failure[], flaky?: Failure[] }} Counts
 */
/** @typedef {{ name: string, run: () => Promise<Counts> }} Step */

/**
 * Every tsconfig, and svelte-check once there are pages.
 * @returns {{ name: string, command: string[] }[]}
 */
export function typeChecks() {
  const configs = readdirSync(root).filter(
    (name) => /^tsconfig\..+\.json$/.test(name) && name !== 'tsconfig.base.json',
  );
  const checks = configs.map((config) => ({ name: config, command: [bin.tsc, '-p', config] }));
  const pages = path.join(root, 'webview', 'pages');
  if (existsSync(pages) && readdirSync(pages).length > 0) {
    // It looks for the tsconfig from the workspace on.
    const command = [bin.svelteCheck, '--tsconfig', '../tsconfig.webview.json', '--workspace', 'webview'];
    checks.push({ name: 'svelte-check', command });
  }
  return checks;
}

/**
 * All steps in their order.
 * @returns {Step[]}
 */
export function allSteps() {
  const folders = readdirSync(path.join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NOT_MOCHA.includes(entry.name))
    .map((entry) => entry.name);
  const quick = folders.filter((name) => UNIT.includes(name));
  const slow = folders.filter((name) => !UNIT.includes(name) && name !== 'e2e');
  return [
    { name: 'lint', run: () => check('biome', [bin.biome, 'ci', '--colors=off', '.'], 2 * MINUTE_MS) },
    { name: 'types', run: checkTypes },
    { name: 'unit', run: () => mocha('unit', quick, 10 * MINUTE_MS) },
    ...slow.map((name) => ({ name, run: () => mocha(name, [name], (LONG_STEPS[name] ?? 8) * MINUTE_MS) })),
    { name: 'host', run: isHostSupported() ? inHost : inElectron },
    ...(process.env.FREELLM_ELECTRON ? [{ name: 'electron', run: inElectron }] : []),
    ...(isHostSupported() ? [{ name: 'e2e', run: endToEnd }] : []),
  ];
}

/** The step that is not part of a plain run where VS Code cannot be downloaded. */
export const electronStep = { name: 'electron', run: inElectron };

async function checkTypes() {
  const counts = [];
  for (const { name, command } of typeChecks()) counts.push(await check(name, command, 3 * MINUTE_MS));
  return sum(counts);
}

/**
 * One command that passes or fails as a whole; it is heard only when it fails.
 * @param {string} name
 * @param {string[]} command
 * @param {number} timeoutMs
 * @returns {Promise<Counts>}
 */
async function check(name, command, timeoutMs) {
  const { code, output, timedOut } = await run(process.execPath, command, { cwd: root, quiet: true, timeoutMs });
  if (code !== 0) console.log(output.trim());
  console.log(`  ${code === 0 ? '✔' : '✘'} ${name}${timedOut ? ' (timed out)' : ''}`);
  const isGood = code === 0;
  const failures = isGood ? [] : [{ file: '', title: name, message: timedOut ? 'timed out' : 'see above' }];
  return { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1, skipped: 0, failures };
}

/**
 * @param {string} name
 * @param {string[]} folders of test/
 * @param {number} limitMs
 * @param {Record<string, string>} [env]
 * @returns {Promise<Counts>}
 */
async function mocha(name, folders, limitMs, env = {}) {
  const files = folders.flatMap((folder) => testFiles(path.join(root, 'test', folder)));
  return mochaFiles(name, files, limitMs, env);
}

/**
 * @param {string} name
 * @param {string[]} files
 * @param {number} limitMs
 * @param {Record<string, string>} env
 * @returns {Promise<Counts>}
 */
async function mochaFiles(name, files, limitMs, env) {
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const reporter = path.join(root, 'scripts', 'lib', 'countingReporter.cjs');
  return counted(name, [bin.mocha, '--reporter', reporter, ...files], limitMs, env);
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function testFiles(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(file);
      return entry.name.endsWith('.test.ts') ? [file] : [];
    })
    .sort();
}

/**
 * Runs a command that writes its `Counts` to the file named by `FREELLM_RESULTS`.
 * A crash, a time-out and a process that does not end count as one failure each.
 * @param {string} name
 * @param {string[]} command
 * @param {number} limitMs
 * @param {Record<string, string>} [env]
 * @returns {Promise<Counts>}
 */
async function counted(name, command, limitMs, env = {}) {
  mkdirSync(RESULTS, { recursive: true });
  const file = path.join(RESULTS, `${name}.json`);
  rmSync(file, { force: true });
  const child = start(process.execPath, command, { cwd: root, env: { ...process.env, ...env, FREELLM_RESULTS: file } });
  const end = await ending(child, file, limitMs);
  await stop(child);
  /** @type {Counts} */
  const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  const message = troubleOf(end, counts.failed === 0 ? child.exitCode : 0, limitMs);
  if (message === null) return counts;
  console.log(`  ✘ ${name} ${message}`);
  const failures = [...(counts.failures ?? []), { file: '', title: name, message }];
  return { ...counts, failed: counts.failed + 1, failures };
}

/**
 * What is wrong with how a process ended, beyond the failures it counted itself.
 * @param {'ended' | 'timeout' | 'lingering'} end
 * @param {number | null} exitCode
 * @param {number} limitMs
 * @returns {string | null}
 */
function troubleOf(end, exitCode, limitMs) {
  if (end === 'timeout') return `did not finish within ${limitMs / MINUTE_MS} minutes`;
  if (end === 'lingering') return 'was through but did not end: something is still open';
  return exitCode === 0 ? null : `ended with exit code ${exitCode}`;
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} results
 * @param {number} limitMs
 * @returns {Promise<'ended' | 'timeout' | 'lingering'>}
 */
function ending(child, results, limitMs) {
  return new Promise((resolve) => {
    let doneAt = 0;
    const startedAt = Date.now();
    const timer = setInterval(() => {
      if (doneAt === 0 && existsSync(results)) doneAt = Date.now();
      if (doneAt > 0 && Date.now() - doneAt > LINGER_MS) finish('lingering');
      else if (Date.now() - startedAt > limitMs) finish('timeout');
    }, 500);
    const finish = (/** @type {'ended' | 'timeout' | 'lingering'} */ end) => {
      clearInterval(timer);
      resolve(end);
    };
    child.once('exit', () => finish('ended'));
    child.once('error', () => finish('ended'));
  });
}

async function inHost() {
  const env = { CHROME_PATH: await ensureBrowser() };
  return counted('host', ['--import', 'tsx', 'test/host/run.ts'], 6 * MINUTE_MS, env);
}

async function inElectron() {
  return counted('electron', ['--import', 'tsx', 'test/host/runElectron.ts'], 10 * MINUTE_MS);
}

async function endToEnd() {
  const env = { CHROME_PATH: await ensureBrowser(), FREELLM_VSIX: path.join(RESULTS, 'freellm.vsix') };
  mkdirSync(RESULTS, { recursive: true });
  const packaging = [bin.vsce, 'package', '--no-dependencies', '--allow-missing-repository', '--out', env.FREELLM_VSIX];
  const packaged = await check('vsce package', packaging, 2 * MINUTE_MS);
  if (packaged.failed > 0) return packaged;
  checkPackage(env.FREELLM_VSIX);
  return sum([packaged, ...(await playStories(testFiles(path.join(root, 'test', 'e2e')), env))]);
}

/**
 * Each story in a process of its own. A browser, a server and VS Code have troubles that are not ours: a story that
 * failed is played once more from its beginning, and what passes only then is named at the end of the run as flaky.
 * Where many fail it is us.
 * @param {string[]} files
 * @param {Record<string, string>} env
 * @returns {Promise<Counts[]>}
 */
async function playStories(files, env) {
  const all = [];
  let replays = 0;
  for (const file of files) {
    const play = () => mochaFiles('e2e', [file], STORY_LIMIT_MS, env);
    const first = await play();
    if (first.failed === 0 || replays >= MOST_REPLAYS) {
      all.push(first);
      continue;
    }
    replays += 1;
    console.log(`\n  ${path.basename(file)} failed and is played once more`);
    const second = await play();
    all.push(second.failed === 0 ? { ...second, flaky: first.failures ?? [] } : second);
  }
  return all;
}

/**
 * @param {Counts[]} all
 * @returns {Required<Counts>}
 */
export function sum(all) {
  const total = (/** @type {'passed' | 'failed' | 'skipped'} */ key) =>
    all.reduce((count, each) => count + each[key], 0);
  return {
    passed: total('passed'),
    failed: total('failed'),
    skipped: total('skipped'),
    failures: all.flatMap(({ failures }) => failures ?? []),
    flaky: all.flatMap(({ flaky }) => flaky ?? []),
  };
}
