// `npm run simulate`: a day of agents' traffic against strict providers, per strategy. CONTRIBUTING.md says how to read it.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runDay } from './day.js';
import { type Result, resultOf, tableOf } from './table.js';

const STRATEGIES = ['priority', 'balanced', 'smartest', 'fastest', 'reliable'];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      strategy: { type: 'string', multiple: true },
      json: { type: 'string' },
    },
  });
  const startedAt = performance.now();
  const results: Result[] = [];
  for (const strategy of values.strategy ?? STRATEGIES) {
    const day = await runDay({ seed: values.seed, strategy });
    results.push(resultOf(day));
    for (const [limit, count] of day.upstreams.refusals) console.error(`${strategy}: ${count} × 429 from ${limit}`);
  }
  console.log(`A day simulated, seed ${values.seed}:\n\n${tableOf(results)}`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ seed: values.seed, results }, null, 2)}\n`);
  console.error(`\n${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

await main();
