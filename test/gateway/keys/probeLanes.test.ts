import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProbeLanes } from '../../../src/gateway/keys/probeLanes.js';
import { createGate } from '../../support/gate.js';

describe('probe lanes', () => {
  it('run a few at once and never two to one host, first come first served', async () => {
    const lanes = new ProbeLanes(2);
    const started: string[] = [];
    const gates = new Map<string, () => void>();
    const results = ['a1', 'a2', 'b1', 'c1'].map((name) =>
      lanes.run(name.charAt(0), async () => {
        const gate = createGate();
        gates.set(name, gate.open);
        started.push(name);
        await gate.opened;
        return name;
      }),
    );
    assert.deepEqual(started, ['a1', 'b1']);
    gates.get('b1')?.();
    await nextTurn();
    assert.deepEqual(started, ['a1', 'b1', 'c1'], 'a2 waits for its host, c1 only for a place');
    gates.get('a1')?.();
    await nextTurn();
    assert.deepEqual(started, ['a1', 'b1', 'c1', 'a2']);
    for (const open of gates.values()) open();
    assert.deepEqual(await Promise.all(results), ['a1', 'a2', 'b1', 'c1']);
  });

  it('go on after one that failed', async () => {
    const lanes = new ProbeLanes(1);
    const failing = lanes.run('a', () => Promise.reject(new Error('broken')));
    const next = lanes.run('a', async () => 'fine');
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 'fine');
  });
});
