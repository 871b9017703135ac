import { appendFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';

/**
 * VS Code calls this inside the extension host. Rejects if a test failed, which ends the window with exit
 * code 1. Counts go to the file named by `FREELLM_RESULTS`, a readable report to the same name with `.log`.
 */
export function run(): Promise<void> {
  const results = process.env.FREELLM_RESULTS;
  if (results === undefined) return Promise.reject(new Error('FREELLM_RESULTS names no file'));
  const mocha = new Mocha({ ui: 'bdd', timeout: 30_000 });
  for (const name of readdirSync(__dirname)) {
    if (name.endsWith('.test.js')) mocha.addFile(path.join(__dirname, name));
  }
  const log = `${results}.log`;
  rmSync(log, { force: true });
  const say = (line: string) => appendFileSync(log, `${line}\n`);
  return new Promise((resolve, reject) => {
    const runner = mocha.run((failed) => {
      const { passes = 0, failures = 0, pending = 0 } = runner.stats ?? {};
      writeFileSync(results, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
      if (failed > 0) reject(new Error(`${failed} tests failed`));
      else resolve();
    });
    runner.on('pass', (test) => say(`    ✔ ${test.fullTitle()}`));
    runner.on('pending', (test) => say(`    - ${test.fullTitle()}`));
    runner.on('fail', (test, error) => say(`    ✘ ${test.fullTitle()}\n${error.stack ?? error.message}`));
  });
}
