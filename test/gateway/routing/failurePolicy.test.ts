import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describeCooldown, FAILURE_POLICY } from '../../../src/gateway/routing/failurePolicy.js';

describe('failure policy', () => {
  it('is the same in docs/routing.md and in code', () => {
    const doc = readFileSync(new URL('../../../docs/routing.md', import.meta.url), 'utf8');
    const lines = doc.split('\n');
    const header = lines.findIndex((line) => line.startsWith('| kind '));
    const end = lines.findIndex((line, at) => at > header && !line.startsWith('|'));
    const rows = lines
      // Below the header comes a line of dashes.
      .slice(header + 2, end)
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .map(([kind, , skips, scope, cooldown, description]) => ({ kind, skips, scope, cooldown, description }));
    const expected = Object.entries(FAILURE_POLICY).map(([kind, policy]) => ({
      kind,
      skips: policy.skips,
      scope: policy.scope ?? '–',
      cooldown: describeCooldown(policy.cooldown),
      description: policy.description,
    }));
    assert.deepEqual(rows, expected);
  });

  it('has one trail word a kind, fit for a header', () => {
    const trails = Object.values(FAILURE_POLICY).map((policy) => policy.trail);
    assert.equal(new Set(trails).size, trails.length);
    for (const trail of trails) assert.match(trail, /^[a-z_]+$/);
  });
});
