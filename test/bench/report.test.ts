import assert from 'node:assert/strict';
import type { Measures } from '../../bench/measure.js';
import { budgetLines, summarise, table } from '../../bench/report.js';

function measures(over: Partial<Measures>): Measures {
  return {
    rps: { 1: 1000, 16: 4000, 64: 4000 },
    p50: 100,
    p99: 300,
    cpuPerRequest: 20,
    firstChunk: 100,
    firstOfBurst: 100,
    chunksPerSecond: 1000,
    cpuPerChunk: 5,
    firstTokenMs: { 1: 51, 16: 51, 64: 51 },
    ...over,
  };
}

describe('benchmark report', () => {
  const direct = measures({});
  const forwarder = measures({ rps: { 1: 500, 16: 2000, 64: 2000 } });
  const figures = { coldMs: [null, [90], [200]], idle: [40, 50, 60], loaded: [50, 90, 120] };
  const names = ['direct', 'forwarder', 'FreeLLM'];

  it('takes medians over rounds and subtracts the direct call of the same round', () => {
    const rounds = [300, 900, 400].map((firstChunk) => [direct, forwarder, measures({ firstChunk })]);
    const [first, , freellm] = summarise(names, rounds, figures);
    assert.equal(first?.addedFirstChunk, null);
    assert.equal(freellm?.addedFirstChunk, 300);
    assert.equal(freellm?.coldStartMs, 200);
  });

  it('says which budget is missed', () => {
    const freellm = measures({ rps: { 1: 300, 16: 900, 64: 900 }, cpuPerRequest: 120, firstChunk: 400 });
    const summary = summarise(names, [[direct, forwarder, freellm]], figures);
    const [throughput, cpu] = budgetLines(summary);
    assert.match(throughput ?? '', /^MISSED {2}45 %/);
    assert.match(cpu ?? '', /^met {5}120 µs/);
    assert.equal(table(summary).trim().split('\n').length, 5);
  });
});
