import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { useBed } from '../support/bed.js';
import { hour, isListed, second } from '../support/failoverScene.js';
import type { TestGateway } from '../support/gateway.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, json } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const refuses = errorStatus(404, 'The model does not exist');
const m1Name = 'custom:lab/m1';

async function cooldowns(gateway: TestGateway): Promise<{ id: string; kind: string; model: string }[]> {
  return (await (await gateway.api('GET', '/api/cooldowns')).json()).data;
}

function warnings({ logs }: TestGateway): string[] {
  return logs.flatMap(({ level, component, message }) =>
    level === 'warn' && component === 'catalog' ? [message] : [],
  );
}

describe('a model that its provider says does not exist', () => {
  const bed = useBed();
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'freellm-gone-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** U1's model of the catalog; `isInChain`: the config file names it. */
  async function catalogued(isInChain: boolean) {
    const u1 = await bed.provider(refuses);
    const clock = createManualClock();
    const { chain, ...config } = chainOf(u1);
    const open = () =>
      bed.gateway({ config: isInChain ? { ...config, ...(chain ? { chain } : {}) } : config, clock, dataDir: folder });
    return { u1, clock, open };
  }

  /** Two requests, an hour apart, are told that the model does not exist. */
  async function switchOff(gateway: TestGateway, clock: ReturnType<typeof createManualClock>): Promise<void> {
    for (let count = 0; count < 2; count++) {
      await assertError(await gateway.chat({ model: u1Name }), 404, 'invalid_request_error', 'model_not_found');
      clock.advance(hour);
    }
    assert.equal(await isListed(gateway, u1Name), false);
  }

  async function lists(u1: Awaited<ReturnType<typeof catalogued>>['u1'], ids: readonly string[]): Promise<void> {
    u1.script(chatCompletion({ text: 'back' }));
    u1.onGet(json(200, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })) }));
  }

  it('says since when it is off, who said so, and how it comes back', async () => {
    const { clock, open } = await catalogued(false);
    const gateway = await open();
    const at = new Date(clock.now() + hour).toISOString();
    await switchOff(gateway, clock);
    const refused = await gateway.chat({ model: u1Name });
    const { message } = await assertError(refused, 404, 'invalid_request_error', 'model_not_found');
    assert.ok(message.includes(`switched off since ${at} because groq said that it does not exist`), message);
    assert.match(message, /PUT \/api\/chain/);
    const until = Date.parse(at) + 24 * hour;
    assert.ok(message.includes(`tried again at ${new Date(until).toISOString()}`), message);
    const { data } = await (await gateway.api('GET', '/api/chain')).json();
    const off = data.filter(({ goneUntil }: { goneUntil: number | null }) => goneUntil !== null);
    assert.deepEqual(
      off.map(({ model, enabled, goneUntil }: Record<string, unknown>) => [model, enabled, goneUntil]),
      [[u1Name, false, until]],
    );
  });

  for (const isInChain of [true, false]) {
    it(`comes back by itself after a day, whatever lists say (in the config's chain: ${isInChain})`, async () => {
      const { u1, clock, open } = await catalogued(isInChain);
      const gateway = await open();
      await switchOff(gateway, clock);
      u1.script(chatCompletion({ text: 'back' }));
      clock.advance(23 * hour - 1);
      assert.equal(await isListed(gateway, u1Name), false);
      clock.advance(1);
      assert.equal(await isListed(gateway, u1Name), true);
      assert.equal(await textOf(await gateway.chat({ model: u1Name })), 'back');
      u1.script(refuses);
      await switchOff(gateway, clock);
    });
  }

  it('comes back by itself though its day ended while nothing ran', async () => {
    const { u1, clock, open } = await catalogued(false);
    const first = await open();
    await switchOff(first, clock);
    await first.close();
    u1.script(chatCompletion({ text: 'back' }));
    clock.advance(23 * hour);
    const again = await open();
    assert.deepEqual(warnings(again), []);
    assert.equal(await textOf(await again.chat({ model: u1Name })), 'back');
  });

  it('is not off for good because the chain was saved while it was off, and has its place again', async () => {
    const { clock, open } = await catalogued(false);
    const gateway = await open();
    const chain = async () => (await (await gateway.api('GET', '/api/chain?strategy=priority')).json()).data;
    const save = (models: { model: string; enabled: boolean }[]) =>
      gateway.api('PUT', '/api/chain', { data: models.map(({ model, enabled }) => ({ model, enabled })) });
    const [one, two] = (await chain()).filter(({ model }: { model: string }) => model !== u1Name);
    const mine = [one, { model: u1Name, enabled: true }, { ...two, enabled: true }];
    assert.equal((await save(mine)).status, 200);
    await switchOff(gateway, clock);
    // As the page does: what is shown, those that are off last.
    assert.equal((await save(await chain())).status, 200);
    assert.equal(await isListed(gateway, u1Name), false, 'nor does that bring it back');
    clock.advance(23 * hour);
    const names = (await chain()).map(({ model }: { model: string }) => model);
    assert.deepEqual(names.slice(0, 3), [one.model, u1Name, two.model]);
  });

  it("comes back with the provider's list, which a test of the key asks for", async () => {
    const { u1, clock, open } = await catalogued(false);
    const gateway = await open();
    await switchOff(gateway, clock);
    const { data } = await (await gateway.api('GET', '/api/keys')).json();
    const test = async () => assert.equal((await gateway.api('POST', `/api/keys/${data[0].id}/test`)).status, 200);
    await lists(u1, ['another-model']);
    await test();
    assert.equal(await isListed(gateway, u1Name), false, 'a list without it says nothing');
    await lists(u1, ['llama-3.3-70b-versatile']);
    await test();
    assert.equal(await textOf(await gateway.chat({ model: u1Name })), 'back');
    u1.script(refuses);
    await switchOff(gateway, clock);
    await lists(u1, ['llama-3.3-70b-versatile']);
    await test();
    assert.equal(await textOf(await gateway.chat({ model: u1Name })), 'back', 'as often as the user asks');
  });

  it('comes back with "Retry now" and with PUT /api/chain, at once', async () => {
    const { u1, open } = await catalogued(false);
    const gateway = await open();
    u1.script(errorStatus(410, 'Gone'));
    await gateway.chat({ model: u1Name });
    const [cooldown] = await cooldowns(gateway);
    assert.equal((await gateway.api('DELETE', `/api/cooldowns/${cooldown?.id}`)).status, 204);
    assert.equal(await isListed(gateway, u1Name), true);
    await gateway.chat({ model: u1Name });
    assert.equal(await isListed(gateway, u1Name), false);
    u1.script(chatCompletion({ text: 'back' }));
    const put = await gateway.api('PUT', '/api/chain', { data: [{ model: u1Name, enabled: true }] });
    assert.equal(put.status, 200);
    assert.deepEqual(await cooldowns(gateway), []);
    assert.equal(await textOf(await gateway.chat({ model: u1Name })), 'back');
  });

  it('is off after a restart too, of which the log warns; one of the config file is tried again', async () => {
    const { clock, open } = await catalogued(false);
    const first = await open();
    await switchOff(first, clock);
    await first.close();
    const again = await open();
    assert.equal(await isListed(again, u1Name), false);
    assert.deepEqual(warnings(again), ['A model is switched off: its provider said that it does not exist']);
  });

  it('is tried again after a restart where the chain of the config file names it', async () => {
    const { u1, clock, open } = await catalogued(true);
    const first = await open();
    await switchOff(first, clock);
    await first.close();
    for (const isFirst of [true, false]) {
      u1.script(isFirst ? refuses : chatCompletion({ text: 'back' }));
      const again = await open();
      const answer = await again.chat({ model: u1Name });
      if (isFirst) await assertError(answer, 404, 'invalid_request_error', 'model_not_found');
      else assert.equal(await textOf(answer), 'back', 'nor does its cooldown outlive the start');
      assert.deepEqual(warnings(again), []);
      await again.close();
    }
  });

  it('rests, and is never off, where only the config file says that there is such a model', async () => {
    const u2 = await bed.provider(refuses);
    const config = configOf(
      { mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }], models: [{ id: 'mistral-large-latest' }] } },
      [u2Name],
    );
    const clock = createManualClock();
    const gateway = await bed.gateway({ config, clock });
    for (let count = 0; count < 4; count++) {
      await assertError(await gateway.chat({ model: u2Name }), 404, 'invalid_request_error', 'model_not_found');
      assert.equal(u2.requests.length, count + 1);
      const resting = await gateway.chat({ model: u2Name });
      const { message } = await assertError(resting, 404, 'invalid_request_error', 'model_not_found');
      assert.match(message, /mistral said that it does not have .*; it is asked again at 20/);
      assert.equal(u2.requests.length, count + 1, 'asked while it rests');
      clock.advance(hour);
    }
    assert.equal(await isListed(gateway, u2Name), true);
    assert.equal(warnings(gateway).length, 1, 'told once');
  });

  it('rests 5 s at most at an endpoint of this machine', async () => {
    const lab = await bed.provider(refuses);
    const config = configOf({ 'custom:lab': { baseUrl: lab.baseUrl, models: [{ id: 'm1' }] } }, [m1Name]);
    const clock = createManualClock();
    const gateway = await bed.gateway({ config, clock });
    for (let count = 0; count < 5; count++) {
      await assertError(await gateway.chat({ model: m1Name }), 404, 'invalid_request_error', 'model_not_found');
      clock.advance(5 * second);
    }
    assert.equal(lab.requests.length, 5);
    lab.script(chatCompletion({ text: 'pulled' }));
    assert.equal(await textOf(await gateway.chat({ model: m1Name })), 'pulled');
  });

  it('the log of a failed attempt names the request and the key', async () => {
    const { open } = await catalogued(true);
    const gateway = await open();
    const answer = await gateway.chat();
    await answer.text();
    const line = gateway.logs.find(({ message }) => message === 'An attempt failed');
    const { data } = await (await gateway.api('GET', '/api/keys')).json();
    assert.deepEqual([line?.fields?.requestId, line?.fields?.keyId], [answer.headers['x-request-id'], data[0].id]);
  });
});
