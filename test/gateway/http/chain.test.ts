import assert from 'node:assert/strict';
import type { ChainModel } from '../../../src/protocol/chain.js';
import { useBed } from '../../support/bed.js';
import type { TestGateway } from '../../support/gateway.js';
import { chatCompletion } from '../../support/provider.js';
import { assertError, chainOf, textOf } from '../../support/scenario.js';

describe('the chain over the admin API', () => {
  const bed = useBed();

  /** Two custom endpoints that say who they are; without a chain of the config file. */
  async function twoEndpoints() {
    const [a, b] = [
      await bed.provider(chatCompletion({ text: 'a' })),
      await bed.provider(chatCompletion({ text: 'b' })),
    ];
    const custom = (baseUrl: string) => ({ baseUrl, models: [{ id: 'm' }] });
    const providers = { 'custom:a': custom(a.baseUrl), 'custom:b': custom(b.baseUrl) };
    return bed.gateway({ config: { providers, strategy: 'priority' } });
  }
  const put = (gateway: TestGateway, data: unknown) => gateway.api('PUT', '/api/chain', { data });
  const namesOf = (models: ChainModel[]) => models.map(({ model, enabled }) => `${enabled ? '' : '-'}${model}`);

  it('orders what auto asks, from the next request on', async () => {
    const gateway = await twoEndpoints();
    assert.equal(await textOf(await gateway.chat()), 'a');
    const changed = await put(gateway, [{ model: 'custom:b/m' }, { model: 'custom:a/m' }]);
    assert.deepEqual(namesOf((await changed.json()).data), ['custom:b/m', 'custom:a/m']);
    assert.equal(await textOf(await gateway.chat()), 'b');
  });

  it('switches a model off, also for who names it, and on again', async () => {
    const gateway = await twoEndpoints();
    await put(gateway, [{ model: 'custom:a/m', enabled: false }]);
    assert.equal(await textOf(await gateway.chat()), 'b');
    await assertError(await gateway.chat({ model: 'custom:a/m' }), 404, 'invalid_request_error', 'model_not_found');
    const { data } = await (await gateway.api('GET', '/api/chain')).json();
    assert.deepEqual(namesOf(data), ['custom:b/m', '-custom:a/m']);
    await put(gateway, null);
    assert.equal(await textOf(await gateway.chat()), 'a');
  });

  it('keeps models that are not named, after those that are', async () => {
    const gateway = await twoEndpoints();
    await put(gateway, [{ model: 'custom:b/m' }]);
    const { data } = await (await gateway.api('GET', '/api/chain')).json();
    assert.deepEqual(namesOf(data), ['custom:b/m', 'custom:a/m']);
  });

  it('refuses what is no chain, and one that the config file holds', async () => {
    const gateway = await twoEndpoints();
    for (const data of ['custom:a/m', [{ model: 'none' }], [{ model: 'a/b' }, { model: 'a/b' }], [{ model: 7 }]]) {
      await assertError(await put(gateway, data), 400, 'invalid_request_error', 'invalid_request');
    }
    const fixed = await bed.gateway({ config: chainOf(await bed.provider()) });
    await assertError(await put(fixed, null), 409, 'invalid_request_error', 'chain_in_config');
  });

  it('says who chose its order, and where it is changed', async () => {
    const bare = await bed.gateway({
      config: { providers: { 'custom:a': { baseUrl: (await bed.provider()).baseUrl, models: [{ id: 'm' }] } } },
    });
    const told = async (gateway: TestGateway) => {
      const { inForce, chosenBy, isFixed, hasOrder } = await (
        await gateway.api('GET', '/api/chain?strategy=fastest')
      ).json();
      return [inForce, chosenBy, isFixed, hasOrder];
    };
    assert.deepEqual(await told(bare), ['balanced', 'nobody', false, false]);
    await put(bare, [{ model: 'custom:a/m', enabled: false }]);
    assert.deepEqual(await told(bare), ['balanced', 'nobody', false, false]);
    await put(bare, [{ model: 'custom:a/m' }]);
    assert.deepEqual(await told(bare), ['priority', 'nobody', false, true]);
    await bare.api('PUT', '/api/settings', { strategy: 'smartest' });
    assert.deepEqual(await told(bare), ['smartest', 'user', false, true]);
    assert.deepEqual(await told(await twoEndpoints()), ['priority', 'config', false, false]);
    const { strategy: _none, ...config } = chainOf(await bed.provider());
    assert.deepEqual((await told(await bed.gateway({ config }))).slice(2), [true, true]);
  });

  it('refuses a setting that the config file holds', async () => {
    const gateway = await bed.gateway({ config: { settings: { stickyMinutes: 5 } } });
    const refused = await gateway.api('PUT', '/api/settings', { stickyMinutes: 6 });
    await assertError(refused, 409, 'invalid_request_error', 'setting_in_config');
  });
});
