// `npm test`: installs what is missing, builds, runs every step, ends with `N passed, N failed`.
// usage: npm test [-- --only STEP[,STEP]]   steps: lint, types, unit, the folders of test/, host, e2e, electron
import { build, installDependencies, requireNode } from './lib/prepare.mjs';
import { stopAll, stopOnSignals } from './lib/processes.mjs';
import { allSteps, electronStep, sum } from './lib/steps.mjs';

/**
 * @param {string[]} flags
 * @returns {import('./lib/steps.mjs').Step[]}
 */
function wantedSteps(flags) {
  const steps = allSteps();
  const at = flags.indexOf('--only');
  if (at < 0) return steps;
  const known = steps.some(({ name }) => name === 'electron') ? steps : [...steps, electronStep];
  const names = (flags[at + 1] ?? '').split(',');
  const unknown = names.filter((name) => !known.some((step) => step.name === name));
  if (unknown.length === 0) return known.filter(({ name }) => names.includes(name));
  throw new Error(`no step ${unknown.join(', ')}; there are ${known.map(({ name }) => name).join(', ')}`);
}

/**
 * A step that throws has failed once.
 * @param {import('./lib/steps.mjs').Step} step
 */
async function runStep({ name, run }) {
  const startedAt = Date.now();
  console.log(`\n── ${name}`);
  /** @type {import('./lib/steps.mjs').Counts} */
  const counts = await run().catch((/** @type {unknown} */ error) => {
    const message = error instanceof Error ? error.message : String(error);
    console.log(`  ✘ ${message}`);
    return { passed: 0, failed: 1, skipped: 0, failures: [{ file: '', title: name, message }] };
  });
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  const { passed, failed, skipped } = counts;
  console.log(
    `── ${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''} (${seconds} s)`,
  );
  return counts;
}

/** @param {string[]} flags */
async function main(flags) {
  requireNode();
  stopOnSignals();
  /** @type {import('./lib/steps.mjs').Counts[]} */
  const all = [];
  try {
    await installDependencies();
    await build(['--production']);
    for (const step of wantedSteps(flags)) all.push(await runStep(step));
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    all.push({ passed: 0, failed: 1, skipped: 0 });
  }
  await stopAll();
  const { passed, failed, failures, flaky } = sum(all);
  process.exitCode = failed > 0 ? 1 : 0;
  // Again at the end: who looks at a long run sees its end first.
  for (const { title, message } of failures) console.log(`\n✘ failed: ${title}\n  ${message}`);
  for (const { title, message } of flaky) console.log(`\n⚠ flaky, passed when played again: ${title}\n  ${message}`);
  console.log(`\n${passed} passed, ${failed} failed`);
}

main(process.argv.slice(2));
