import assert from 'node:assert/strict';
import fc from 'fast-check';
import { builtInModels } from '../../../../src/gateway/catalog/catalog.js';
import { UNRANKED } from '../../../../src/gateway/catalog/modelDefaults.js';
import type { Candidate } from '../../../../src/gateway/routing/inventory.js';
import { Measurements } from '../../../../src/gateway/routing/scoring/measurements.js';
import { Orders } from '../../../../src/gateway/routing/scoring/orders.js';
import { readRoute, routeText } from '../../../../src/gateway/routing/scoring/routeText.js';
import { LOWEST_RANK, weightsOf } from '../../../../src/gateway/routing/scoring/score.js';
import { PROFILE_STRATEGIES, SCORE_PARTS, STRATEGIES, type Strategy } from '../../../../src/protocol/strategyNames.js';
import { inventoryOf, type TestModel } from '../../../support/candidates.js';
import { createManualClock } from '../../../support/manualClock.js';

const weights = { reliability: 0.25, speed: 0.25, intelligence: 0.25, headroom: 0.25 };
type Sources = Partial<Parameters<typeof inventoryOf>[1]>;

/** Orders over these models; `left` and `used` say how full keys are, by `<model> <number of the key>`. */
function scene(models: readonly TestModel[], strategy: Strategy = 'balanced', more: Sources = {}) {
  const clock = createManualClock();
  const measurements = new Measurements(clock);
  const inventory = inventoryOf(models, more);
  const left = new Map<string, number>();
  const used = new Map<string, number>();
  let looks = 0;
  const keyName = (candidate: Candidate) => {
    return `${shortOf(candidate)} ${inventory.everyName.get(candidate.name)?.indexOf(candidate)}`;
  };
  const orders = new Orders(inventory, {
    clock,
    measurements,
    headroom: (candidate) => {
      looks++;
      return left.get(keyName(candidate)) ?? 1;
    },
    usedToday: (candidate) => used.get(keyName(candidate)) ?? 0,
    strategy,
    customWeights: weights,
  });
  const find = (name: string) => inventory.chain.filter((candidate) => shortOf(candidate) === name);
  return {
    ...{ clock, measurements, inventory, orders, left, used },
    looks: () => looks,
    first: (name: string) => find(name)[0] as Candidate,
    names: (model = 'auto') => [...new Set(orders.rankingFor(model).candidates.map(shortOf))].join(' '),
    keys: (model = 'auto') => orders.rankingFor(model).candidates.map(keyName).join(', '),
  };
}

function shortOf({ provider }: Candidate): string {
  return provider.slice('custom:'.length);
}

const clever = { name: 'clever', intelligenceRank: 1, speedRank: 15 };
const quick = { name: 'quick', intelligenceRank: 30, speedRank: 1 };
const middling = { name: 'middling', intelligenceRank: 12, speedRank: 9 };

describe('orders', () => {
  it('rank by what the strategy is for, before anything was measured', () => {
    const { names } = scene([middling, quick, clever]);
    assert.equal(names('auto:priority'), 'middling quick clever');
    assert.equal(names('auto:smartest'), 'clever middling quick');
    assert.equal(names('auto:fastest'), 'quick middling clever');
    assert.equal(names('auto:least-latency'), 'quick middling clever');
    assert.equal(names('auto:reliable'), 'middling quick clever', 'all alike: the order of the chain');
  });

  it('follow what was measured', () => {
    const { names, measurements, first, clock } = scene([middling, quick, clever]);
    for (let n = 0; n < 20; n++) measurements.answered(first('clever'), 200, 100, 500);
    for (let n = 0; n < 5; n++) measurements.failed(first('middling'), 'overloaded', 10);
    clock.advance(10);
    assert.equal(names('auto:fastest').split(' ')[0], 'clever');
    assert.equal(names('auto:reliable'), 'clever quick middling');
    assert.equal(names('auto:priority'), 'middling quick clever');
  });

  it('put who has quota left before who has little, where all else is equal', () => {
    const { names, left } = scene([
      { name: 'a', intelligenceRank: 5 },
      { name: 'b', intelligenceRank: 5 },
    ]);
    left.set('a 0', 0.2);
    assert.equal(names('auto:balanced'), 'b a');
    assert.equal(names('auto:reliable'), 'b a');
    assert.equal(names('auto:smartest'), 'a b');
  });

  it('have every candidate once under every strategy: no slot is lost by ranking', () => {
    const models = fc.uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[a-z]{1,4}$/),
        keys: fc.integer({ min: 1, max: 3 }),
        intelligenceRank: fc.integer({ min: 1, max: 40 }),
        speedRank: fc.integer({ min: 1, max: 20 }),
      }),
      { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(models, fc.array(fc.nat(7), { maxLength: 20 }), (list, uses) => {
        const { orders, inventory, clock, measurements } = scene(list);
        const all = new Set(inventory.chain);
        for (const strategy of PROFILE_STRATEGIES) {
          for (const use of uses) {
            const { candidates } = orders.rankingFor(`auto:${strategy}`);
            assert.deepEqual(new Set(candidates), all, strategy);
            assert.equal(candidates.length, all.size);
            const candidate = candidates[use % candidates.length] as Candidate;
            orders.used(candidate);
            measurements.answered(candidate, 100 * use + 1, null, 10);
            clock.advance(use);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it('are the same for the same past', () => {
    const past = fc.array(fc.tuple(fc.nat(2), fc.boolean(), fc.nat(3000)), { maxLength: 30 });
    fc.assert(
      fc.property(past, fc.constantFrom(...STRATEGIES), (steps, strategy) => {
        const run = () => {
          const { measurements, inventory, keys, clock } = scene([middling, quick, clever], strategy);
          return steps.map(([at, isGood, ms]) => {
            const candidate = inventory.chain[at] as Candidate;
            if (isGood) measurements.answered(candidate, ms + 1, null, 50);
            else measurements.failed(candidate, 'overloaded', ms);
            clock.advance(ms);
            return keys();
          });
        };
        assert.deepEqual(run(), run());
      }),
      { numRuns: 30 },
    );
  });

  it('rank a model never lower for being more reliable, quicker, cleverer or less used', () => {
    const better = ['reliability', 'speed', 'intelligence', 'headroom'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...better),
        fc.constantFrom<Strategy>('balanced', 'smartest', 'fastest', 'reliable', 'custom'),
        fc.record({ failures: fc.nat(5), ms: fc.integer({ min: 1, max: 9000 }), rank: fc.nat(25), left: fc.nat(10) }),
        (what, strategy, is) => {
          const place = (isBetter: boolean) => {
            const gain = (part: string) => (isBetter && part === what ? 1 : 0);
            const models = [
              clever,
              { name: 'it', intelligenceRank: is.rank + 12 - 11 * gain('intelligence') },
              quick,
              middling,
            ];
            const { names, measurements, first, left } = scene(models, strategy);
            for (let n = 0; n < is.failures + 1 - gain('reliability'); n++) {
              measurements.failed(first('it'), 'overloaded', 10);
            }
            const ms = is.ms * (gain('speed') === 1 ? 0.5 : 1);
            measurements.answered(first('it'), ms, null, 50);
            left.set('it 0', Math.min(1, is.left / 10 + 0.1 * gain('headroom')));
            return names().split(' ').indexOf('it');
          };
          assert.ok(place(true) <= place(false));
        },
      ),
    );
  });

  it('stay for a while whatever is measured, and for longer with more models', () => {
    const { names, measurements, first, clock, looks } = scene([middling, quick, clever], 'reliable');
    assert.equal(names(), 'middling quick clever');
    measurements.failed(first('middling'), 'overloaded', 10);
    clock.advance(5);
    const before = looks();
    assert.equal(names(), 'middling quick clever', 'ranked 5 ms ago: 2 ms a model have not passed');
    assert.equal(looks(), before, 'nothing was looked at');
    clock.advance(1);
    assert.equal(names(), 'quick clever middling');
  });

  it('are made anew after five seconds without news: windows open by themselves', () => {
    const { names, left, clock } = scene([quick, clever], 'reliable');
    left.set('quick 0', 0);
    assert.equal(names(), 'clever quick');
    left.set('quick 0', 1);
    clock.advance(4999);
    assert.equal(names(), 'clever quick');
    clock.advance(1);
    assert.equal(names(), 'quick clever');
  });

  it('spread requests over the keys of a model, the least used first', () => {
    const { keys, orders, used, inventory, left, clock } = scene([{ name: 'a', keys: 3 }, quick], 'priority');
    const use = (at: number) => {
      used.set(`a ${at}`, (used.get(`a ${at}`) ?? 0) + 1);
      orders.used(inventory.everyName.get('custom:a/m')?.[at] as Candidate);
    };
    assert.equal(keys(), 'a 0, a 1, a 2, quick 0');
    use(0);
    assert.equal(keys(), 'a 1, a 2, a 0, quick 0');
    use(1);
    assert.equal(keys(), 'a 2, a 0, a 1, quick 0');
    assert.equal(keys('custom:a/m'), 'a 2, a 0, a 1', 'a pinned model too');
    left.set('a 2', 0.5);
    use(2);
    assert.equal(keys(), 'a 0, a 1, a 2, quick 0', 'what is left comes before what was used');
    left.set('a 0', 0.1);
    clock.advance(1000);
    use(1);
    assert.equal(keys(), 'a 1, a 2, a 0, quick 0', 'all keys are looked at again after a second');
  });

  it('do not change an order that a request was given', () => {
    const { orders, inventory, used } = scene([{ name: 'a', keys: 2 }], 'priority');
    const given = orders.rankingFor('auto').candidates;
    const copy = [...given];
    used.set('a 0', 1);
    orders.used(inventory.chain[0] as Candidate);
    assert.notDeepEqual(orders.rankingFor('auto').candidates, copy);
    assert.deepEqual(given, copy);
  });

  it('follow the keys however many uses were missed', () => {
    const { keys, orders, used, inventory } = scene(
      [
        { name: 'a', keys: 2 },
        { name: 'b', keys: 2 },
      ],
      'priority',
    );
    keys();
    for (let n = 1; n < 1000; n++) {
      used.set('a 0', n);
      used.set('b 0', n);
      for (const name of ['custom:a/m', 'custom:b/m']) orders.used(inventory.everyName.get(name)?.[0] as Candidate);
      if (n % 300 === 0) assert.equal(keys(), 'a 1, a 0, b 1, b 0');
    }
    assert.equal(keys(), 'a 1, a 0, b 1, b 0');
  });

  it('turn with round-robin, by model', () => {
    const chain = ['custom:a/m', 'custom:b/m', 'custom:c/m'];
    const profiles = [{ name: 'ring', chain, strategy: 'round-robin', contextWindow: null }];
    const { names } = scene([{ name: 'a', keys: 2 }, { name: 'b' }, { name: 'c' }], 'priority', { profiles });
    assert.deepEqual(
      [names('ring'), names('ring'), names('auto:ring'), names('ring')],
      ['a b c', 'b c a', 'c a b', 'a b c'],
    );
  });

  it('put who is preferred first, then the chain', () => {
    const { names, orders, first } = scene([middling, quick, clever], 'smartest');
    assert.equal(names('prefer:custom:quick/m'), 'quick clever middling');
    const ranking = orders.rankingFor('prefer:custom:quick/m');
    assert.equal(orders.rankingFor('prefer:custom:quick/m'), ranking, 'made once for as long as nothing changes');
    assert.equal(routeText(ranking, first('quick')), '["prefer"]');
    assert.equal(readRoute(routeText(ranking, first('clever')) ?? null, 'x/y').strategy, 'smartest');
  });

  it('keep the demo last under every strategy', () => {
    const { orders } = scene([clever, quick], 'balanced', { demo: true });
    for (const strategy of STRATEGIES) {
      assert.equal(orders.rankingFor(`auto:${strategy}`).candidates.at(-1)?.provider, 'demo', strategy);
    }
  });
});

describe('scores', () => {
  it('have weights that add up to 1', () => {
    const custom = { reliability: 0.2, speed: 0, intelligence: 1, headroom: 0 };
    for (const strategy of PROFILE_STRATEGIES) {
      const of = weightsOf(strategy, custom);
      if (of === null) continue;
      const sum = SCORE_PARTS.reduce((total, part) => total + of[part], 0);
      assert.ok(Math.abs(sum - 1) < 1e-12, strategy);
    }
  });

  it('know the lowest rank of the catalog', () => {
    const ranks = builtInModels().flatMap(({ intelligenceRank: rank }) => (rank === UNRANKED ? [] : rank));
    assert.equal(Math.max(...ranks), LOWEST_RANK);
  });

  it('are told as they were, up to who answered and ten at most', () => {
    const models = Array.from({ length: 14 }, (_, at) => ({ name: `m${at}`, intelligenceRank: at + 1 }));
    const { orders, first, measurements } = scene(models, 'smartest');
    measurements.answered(first('m2'), 1000, 500, 100);
    const ranking = orders.rankingFor('auto');
    const read = (name: string) => readRoute(routeText(ranking, first(name)) ?? null, `custom:${name}/m`);
    const route = read('m2');
    assert.equal(route.strategy, 'smartest');
    assert.deepEqual(
      route.scores.map(({ model }) => model),
      ['custom:m0/m', 'custom:m1/m', 'custom:m2/m'],
    );
    const last = route.scores.at(-1);
    assert.deepEqual(last?.reliability, { value: 0.92, weight: 0.2, samples: 1 });
    assert.deepEqual(last?.headroom, { value: 1, weight: 0, samples: null });
    assert.equal(last?.score, ranking.scores?.[2]?.total);
    assert.deepEqual(
      read('m13').scores.map(({ model }) => model),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 13].map((at) => `custom:m${at}/m`),
    );
    assert.deepEqual(readRoute(routeText(ranking, null) ?? null, null), { strategy: 'smartest', scores: [] });
    assert.deepEqual(readRoute(routeText(orders.rankingFor('auto:priority'), first('m0')) ?? null, null), {
      strategy: 'priority',
      scores: [],
    });
    assert.equal(routeText(orders.rankingFor('custom:m0/m'), first('m0')), undefined);
    for (const text of [null, '', '{}', '[1]', '["x",[1]]', '["x",[1,1,1,1],["",1]]']) {
      assert.deepEqual(readRoute(text, 'a/b').scores, []);
    }
  });
});
