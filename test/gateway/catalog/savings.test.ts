import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { paidPrices, withSavings } from '../../../src/gateway/catalog/savings.js';
import { loadLedgerDatabase, readAnalytics, record, requestRow } from '../../support/ledgerRows.js';

const NOW = Date.parse('2026-11-21T13:27:00Z');

interface Row {
  platform: string;
  model_id: string;
  paid_input_per_m?: number;
  paid_output_per_m?: number;
}

describe('what was saved', () => {
  it('goes by the catalog’s prices, and by none where it has none', () => {
    const rows = JSON.parse(readFileSync('src/gateway/catalog/catalog.json', 'utf8')) as Row[];
    const priceOf = paidPrices();
    const priced = rows.filter((row) => row.platform === 'groq' && row.paid_input_per_m !== undefined);
    assert.ok(priced.length > 3);
    for (const { model_id, paid_input_per_m: input, paid_output_per_m: output } of priced)
      assert.deepEqual(priceOf(`groq/${model_id}`), { input, output });
    assert.equal(priceOf('openrouter/poolside/laguna-m.1:free'), null);
    assert.equal(priceOf('custom:lab/llama'), null);
  });

  it('is the sum over the rows of what has a price, and says what is left out', async () => {
    const database = (await loadLedgerDatabase())();
    const models = [
      { provider: 'groq', servedModel: 'llama' },
      { provider: 'google', servedModel: 'gemini/2' },
      { provider: 'custom:lab', servedModel: 'llama' },
    ];
    const prices: Record<string, { input: number; output: number }> = {
      'groq/llama': { input: 0.59, output: 0.79 },
      'google/gemini/2': { input: 1.25, output: 10 },
    };
    record(
      database,
      Array.from({ length: 300 }, (_, index) => {
        const tokens = { promptTokens: index * 37, completionTokens: index % 7 === 0 ? null : index * 5 };
        const who = { ...models[index % 3], status: index % 11 === 0 ? ('error' as const) : ('success' as const) };
        return requestRow({ id: `req_${index}`, at: NOW - index * 200_000, ...who, ...tokens });
      }),
    );
    for (const window of ['24h', '7d', '90d'] as const) {
      const ledger = readAnalytics(database, window, NOW);
      const { saved, byModel } = withSavings(ledger, (model) => prices[model] ?? null);
      let usd = 0;
      for (const [model, { input, output }] of Object.entries(prices)) {
        const [cost] =
          database.row(
            `SELECT total(prompt_tokens) * ? / 1e6 + total(completion_tokens) * ? / 1e6 FROM requests
             WHERE at >= ? AND at < ? AND provider || '/' || served_model = ?`,
            [input, output, ledger.from, ledger.to, model],
          ) ?? [];
        usd += Number(cost);
        const found = byModel.find((entry) => entry.model === model)?.savedUsd ?? 0;
        assert.ok(Math.abs(found - Number(cost)) < 1e-9);
      }
      assert.ok(usd > 0 && Math.abs(saved.usd - usd) < 1e-9);
      const [left] =
        database.row(
          `SELECT total(prompt_tokens) + total(completion_tokens) FROM requests
           WHERE at >= ? AND at < ? AND provider = 'custom:lab'`,
          [ledger.from, ledger.to],
        ) ?? [];
      assert.deepEqual([saved.pricedModels, saved.unpricedModels, saved.unpricedTokens], [2, 1, left]);
      assert.equal(byModel.find(({ model }) => model === 'custom:lab/llama')?.savedUsd, null);
    }
    database.close();
  });
});
