import assert from 'node:assert/strict';
import { builtInModels } from '../../../src/gateway/catalog/catalog.js';
import { logicalModels } from '../../../src/gateway/catalog/logicalModels.js';
import { PROVIDERS } from '../../../src/gateway/providers/table.js';

describe('catalog', () => {
  const models = builtInModels();

  it('holds chat models of known providers, each once', () => {
    const ids = models.map((model) => `${model.provider}/${model.id}`);
    assert.equal(new Set(ids).size, ids.length);
    const providers = new Set(PROVIDERS.map((spec) => spec.id));
    for (const model of models) assert.ok(providers.has(model.provider), model.provider);
    assert.ok(models.length >= 110);
    assert.ok(!ids.some((id) => /embed|bge-m3/.test(id)));
  });

  it('carries limits, ranks and what a model can', () => {
    const model = models.find((one) => one.provider === 'groq' && one.id === 'llama-3.3-70b-versatile');
    assert.deepEqual(model, {
      provider: 'groq',
      id: 'llama-3.3-70b-versatile',
      name: 'Llama 3.3 70B',
      contextWindow: 131072,
      tools: true,
      vision: false,
      reasoning: false,
      intelligenceRank: 17,
      speedRank: 2,
      enabled: true,
      limits: { rpm: 30, rpd: 1000, tpm: 12000, tpd: 100000 },
      source: 'catalog',
      monthlyTokenBudget: '~15M',
      paidInputPerM: 0.1,
      paidOutputPerM: 0.32,
    });
    for (const one of models) {
      assert.ok(one.intelligenceRank > 0 && one.speedRank > 0, one.id);
      for (const limit of Object.values(one.limits)) assert.ok(limit > 0, one.id);
    }
  });

  it('gives each caller rows of its own', () => {
    builtInModels()[0]!.enabled = false;
    builtInModels()[1]!.limits.rpm = -1;
    assert.deepEqual(builtInModels(), models);
  });

  it('has Z.ai beside Zhipu', () => {
    const of = (provider: string) => models.filter((model) => model.provider === provider).map((model) => model.id);
    assert.deepEqual(of('zai'), of('zhipu'));
  });

  it('knows every member of a logical model', () => {
    const ids = new Set(models.map((model) => `${model.provider}/${model.id}`));
    for (const [name, members] of Object.entries(logicalModels)) {
      assert.ok(members.length > 1, name);
      assert.doesNotMatch(name, /\//);
      for (const member of members) assert.ok(ids.has(member), `${name}: ${member}`);
    }
  });
});
