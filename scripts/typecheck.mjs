// `npm run typecheck`: every tsconfig, and svelte-check once there are pages.

import { root } from './lib/prepare.mjs';
import { run } from './lib/processes.mjs';
import { typeChecks } from './lib/steps.mjs';

let failed = 0;
for (const { name, command } of typeChecks()) {
  const { code } = await run(process.execPath, command, { cwd: root });
  console.log(`${code === 0 ? 'ok' : 'FAILED'} ${name}`);
  if (code !== 0) failed++;
}
process.exitCode = failed > 0 ? 1 : 0;
