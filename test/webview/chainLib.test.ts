import assert from 'node:assert/strict';
import type { ProfileView } from '../../src/protocol/chain.js';
import { budgetOf, tokensIn } from '../../webview/lib/chain/budget.js';
import { readView } from '../../webview/lib/chain/keptView.js';
import { isProfileName, modelsOf, profileBody, withMembers } from '../../webview/lib/chain/profiles.js';
import { colourOf } from '../../webview/lib/providerColour.js';
import { chainModel, today } from './chainModels.js';

describe('the tokens of a chain', () => {
  it('are added up by provider, the largest first', () => {
    const budget = budgetOf([
      chainModel('a/1', { today: today(0.5, { used: 500, limit: 1000 }) }),
      chainModel('b/1', { today: today(1, { used: 0, limit: 5000 }) }),
      chainModel('a/2', { today: today(1, { used: 0, limit: 1000 }) }),
    ]);
    assert.deepEqual(
      budget.parts.map(({ provider, limit, left }) => [provider, limit, left]),
      [
        ['b', 5000, 5000],
        ['a', 2000, 1500],
      ],
    );
    assert.deepEqual([budget.limit, budget.left, budget.unknown, budget.isEstimated], [7000, 6500, 0, false]);
  });

  it('are no more than what another window leaves of the day', () => {
    const budget = budgetOf([chainModel('a/1', { today: today(0.1, { used: 0, limit: 1000 }) })]);
    assert.equal(budget.left, 100);
  });

  it('count once where models share them', () => {
    const shared = today(0.5, { used: 500, limit: 1000 }, true);
    const budget = budgetOf([chainModel('a/1', { today: shared }), chainModel('a/2', { today: shared })]);
    assert.deepEqual([budget.limit, budget.left], [1000, 500]);
  });

  it('are a thirtieth of what the catalog says of a month where no limit is known, and said to be estimated', () => {
    const budget = budgetOf([
      chainModel('a/1', { monthlyTokens: '~30M', today: today(0.5) }),
      chainModel('a/2', { monthlyTokens: '~3M (credits)', today: today(1) }),
      chainModel('a/3', { enabled: false, monthlyTokens: '~30M' }),
    ]);
    assert.deepEqual([budget.limit, budget.left, budget.unknown, budget.isEstimated], [1e6, 5e5, 1, true]);
  });

  it('are read from the catalog’s words, of a range the lower end', () => {
    assert.equal(tokensIn('~6M'), 6e6);
    assert.equal(tokensIn('~18-45M'), 18e6);
    assert.equal(tokensIn('~2-3M (200/hr)'), 2e6);
    assert.equal(tokensIn('~500K'), 5e5);
    for (const words of ['~3M (credits)', 'promo (trial)', '~40 rpm', '~? (anon)', '$0/M tok', '']) {
      assert.equal(tokensIn(words), null, words);
    }
  });

  it('have their provider’s colour, always the same', () => {
    assert.equal(colourOf('groq'), colourOf('groq'));
    for (const id of ['groq', 'custom:x', '', '\u202E']) assert.match(colourOf(id), /^provider-[0-5]$/);
  });
});

describe('a profile on the page', () => {
  it('shows its members in its order, all others off, and those that nobody knows by their name', () => {
    const data = [chainModel('a/1'), chainModel('b/2', { enabled: false }), chainModel('c/3')];
    const models = modelsOf(['b/2', 'x/gone/1', 'a/1'], data);
    assert.deepEqual(
      models.map(({ model, enabled }) => [model, enabled]),
      [
        ['b/2', true],
        ['x/gone/1', true],
        ['a/1', true],
        ['c/3', false],
      ],
    );
    assert.deepEqual([models[1]?.provider, models[1]?.id, models[1]?.available], ['x', 'gone/1', false]);
  });

  it('takes members in at the end, and keeps the last one', () => {
    assert.deepEqual(withMembers(['a/1'], ['b/2', 'a/1'], true), ['a/1', 'b/2']);
    assert.deepEqual(withMembers(['a/1', 'b/2'], ['a/1'], false), ['b/2']);
    assert.equal(withMembers(['a/1'], ['a/1'], false), null);
  });

  it('is named as the gateway takes it', () => {
    for (const name of ['fast', 'Größe-2', '中文', 'a.b_c']) assert.ok(isProfileName(name), name);
    for (const name of ['', '-a', 'a b', 'a/b', 'x'.repeat(65)]) assert.ok(!isProfileName(name), name);
  });

  it('is put back whole', () => {
    const view: ProfileView = {
      name: 'p',
      chain: ['a/1'],
      strategy: 'round-robin',
      contextWindow: 8000,
      effectiveContextWindow: 8000,
      isFixed: false,
      available: true,
      warnings: [],
    };
    assert.deepEqual(profileBody(view), { name: 'p', chain: ['a/1'], strategy: 'round-robin', contextWindow: 8000 });
  });
});

describe('what the chain’s page keeps', () => {
  it('is as at the first time when nothing, or nonsense, was kept', () => {
    const first = readView(undefined);
    assert.deepEqual(first.open, []);
    assert.equal(first.isGrouped, true);
    assert.equal(first.preview, null);
    const nonsense = { state: 'x', can: ['fly'], preview: 'round-robin', scroll: Number.NaN, open: [1], provider: 3 };
    assert.deepEqual(readView(nonsense), first);
  });

  it('comes back as it was', () => {
    const kept = {
      search: 'gpt',
      state: 'now' as const,
      can: ['vision' as const],
      provider: 'groq',
      isGrouped: false,
      open: ['gpt'],
      preview: 'fastest' as const,
      profile: 'p',
      isBudgetOpen: true,
      scroll: 120,
    };
    assert.deepEqual(readView(JSON.parse(JSON.stringify(kept))), kept);
  });
});
