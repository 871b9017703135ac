import assert from 'node:assert/strict';
import type { ChainModel } from '../../src/protocol/chain.js';
import type { QuotaUse } from '../../src/protocol/events.js';
import { poolOutlook } from '../../webview/lib/analytics/forecast.js';

const NOW = 1_000;
const RESET = 90_000;

function model(provider: string, id: string, left = 0.5, enabled = true): ChainModel {
  return {
    model: `${provider}/${id}`,
    provider,
    id,
    name: id,
    enabled,
    available: true,
    goneUntil: null,
    trying: false,
    group: null,
    providers: [provider],
    keys: 1,
    contextWindow: null,
    maxOutput: null,
    tools: true,
    vision: false,
    reasoning: false,
    monthlyTokens: null,
    today: {
      left,
      requests: { used: 0, limit: 1 },
      tokens: { used: 0, limit: null },
      resetsAt: RESET,
      isShared: false,
    },
    score: null,
  };
}

function window(provider: string, id: string | null, lastsUntil: number | null): QuotaUse {
  const name = { id: `${provider}/${id}`, kind: 'rpd', provider, model: id, keyId: `key_${provider}` };
  return { ...name, used: 1, limit: 10, source: 'catalog', resetsAt: RESET, learnedAt: null, lastsUntil };
}

const outlook = (models: ChainModel[], quota: QuotaUse[]) => poolOutlook(models, quota, () => 1, NOW);

describe('the outlook of the pool', () => {
  it('lasts as long as the last of its providers, a provider as its last model', () => {
    const models = [model('groq', 'a'), model('groq', 'b'), model('google', 'c'), model('google', 'off', 1, false)];
    const quota = [window('groq', 'a', 2_000), window('groq', 'b', 5_000), window('google', 'c', 3_000)];
    const until = (at: number) => ({ kind: 'until', until: at, opensAt: RESET });
    assert.deepEqual(outlook(models, quota), {
      providers: [
        { provider: 'google', outlook: until(3_000) },
        { provider: 'groq', outlook: until(5_000) },
      ],
      pool: until(5_000),
    });
  });

  it('lasts where one model does, and ends for all of a provider with its own window', () => {
    const models = [model('groq', 'a'), model('groq', 'b'), model('google', 'c')];
    const found = outlook(models, [window('groq', null, 2_000), window('groq', 'a', 4_000)]);
    assert.deepEqual(found?.providers, [
      { provider: 'groq', outlook: { kind: 'until', until: 2_000, opensAt: RESET } },
      { provider: 'google', outlook: { kind: 'lasts' } },
    ]);
    assert.deepEqual(found?.pool, { kind: 'lasts' });
  });

  it('tells what is used up, and when the first of it opens again', () => {
    const later = { ...model('google', 'c', 0), today: { ...model('google', 'c', 0).today, resetsAt: RESET * 2 } };
    const found = outlook([model('groq', 'a', 0), later as ChainModel], []);
    assert.deepEqual(found?.pool, { kind: 'used up', opensAt: RESET });
    assert.equal(outlook([model('groq', 'a', 1, false)], []), null);
  });
});
