import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/gateway/config/configFile.js';
import type { KeyView } from '../../../src/protocol/keys.js';
import { useBed } from '../../support/bed.js';
import { hour, minute, second } from '../../support/failoverScene.js';
import type { TestGateway } from '../../support/gateway.js';
import { createManualClock, type ManualClock } from '../../support/manualClock.js';
import { chatCompletion, errorStatus, type Handler, json, reset } from '../../support/provider.js';
import { chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../../support/scenario.js';

const modelList = json(200, { data: [] });
const refused = errorStatus(401, 'Invalid API Key');

describe('key health', () => {
  const bed = useBed();

  /** U1 and U2 with probes on, and a clock that the test moves. */
  async function scene(
    first: Handler,
    get: Handler = modelList,
    more: { dataDir?: string; settings?: ConfigFile['settings']; isAlone?: boolean } = {},
  ) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    u1.onGet(get);
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const { settings = { healthProbes: true }, isAlone, ...rest } = more;
    const config: ConfigFile = {
      ...chainOf(u1, isAlone ? undefined : u2),
      settings: { 'queue.timeoutSeconds': 0, ...settings },
    };
    const gateway = await bed.gateway({ config, clock, ...rest });
    return { clock, u1, u2, gateway, config };
  }

  const healthOf = async (gateway: TestGateway, provider = 'groq'): Promise<KeyView['health']> => {
    const { data } = await (await gateway.api('GET', '/api/keys')).json();
    return data.find((key: KeyView) => key.provider === provider).health;
  };

  /** Resolves once the key has that health. */
  async function untilHealth(gateway: TestGateway, status: KeyView['health']['status'], provider = 'groq') {
    while ((await healthOf(gateway, provider)).status !== status) await nextTurn();
  }

  /** Moves the clock to the next probe, the only timer so far away: not past it, or its own time-out would come. */
  async function toNextProbe(clock: ManualClock, least: number): Promise<void> {
    await clock.armed(least, 9 * hour);
    clock.advance(clock.pending().find((ms) => ms >= least) ?? assert.fail('no probe is planned'));
  }

  /** Resolves once the verdict of a probe of this moment is there. */
  async function untilChecked(gateway: TestGateway, clock: ManualClock): Promise<void> {
    while ((await healthOf(gateway)).checkedAt !== clock.now()) await nextTurn();
  }

  it('a refused key is skipped until a probe finds it well, and is then back at once', async () => {
    const { clock, u1, gateway } = await scene(refused, refused);
    assert.equal((await gateway.chat()).headers['x-fallback-trail'], `${u1Name}=auth`);
    await untilHealth(gateway, 'invalid');
    assert.equal((await healthOf(gateway)).message, 'Invalid API Key');
    for (const wait of [5, 10, 20]) {
      await toNextProbe(clock, wait * minute);
      assert.equal((await gateway.chat()).headers['x-routed-via'], u2Name);
      await untilChecked(gateway, clock);
      assert.equal((await gateway.chat()).headers['x-routed-via'], u2Name);
    }
    assert.equal(u1.requests.length, 1, 'no chat has met the key again');
    u1.script(chatCompletion({ text: 'one' }));
    u1.onGet(modelList);
    await toNextProbe(clock, 40 * minute);
    await untilHealth(gateway, 'healthy');
    assert.equal(await textOf(await gateway.chat()), 'one');
  });

  it('a refused key is skipped after a restart too', async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'freellm-health-'));
    try {
      const { clock, u1, gateway, config } = await scene(refused, refused, { dataDir });
      await (await gateway.chat()).text();
      await toNextProbe(clock, 5 * minute);
      clock.advance(10 * hour);
      await gateway.close();
      const next = await bed.gateway({ config, clock, dataDir });
      assert.equal((await healthOf(next)).status, 'invalid');
      assert.equal((await next.chat()).headers['x-routed-via'], u2Name);
      assert.equal(u1.requests.length, 1);
      await next.close();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('a provider that shows its models to anybody cannot bring a refused key back at every request', async () => {
    const { clock, u1, gateway } = await scene(refused, modelList);
    await (await gateway.chat()).text();
    // The probe's verdict is there when the next one is planned.
    await clock.armed(4 * hour, 9 * hour);
    assert.equal((await healthOf(gateway)).status, 'healthy', 'a first refusal may have been a hiccup');
    await (await gateway.chat()).text();
    await clock.armed(5 * minute, 6 * minute);
    assert.equal((await healthOf(gateway)).status, 'invalid');
    for (let n = 0; n < 3; n++) await (await gateway.chat()).text();
    assert.equal(u1.requests.length, 2);
    clock.advance(5 * minute);
    u1.script(chatCompletion({ text: 'one' }));
    assert.equal(await textOf(await gateway.chat()), 'one', 'and no probe’s verdict keeps it away for good');
    assert.equal((await healthOf(gateway)).status, 'healthy');
  });

  it('a key at its limit is rate_limited for as long as that lasts', async () => {
    const { clock, gateway } = await scene(errorStatus(429, 'slow down', { 'retry-after': '120' }));
    await (await gateway.chat()).text();
    assert.deepEqual(
      [(await healthOf(gateway)).status, (await healthOf(gateway)).message],
      ['rate_limited', 'slow down'],
    );
    clock.advance(2 * minute - 1);
    assert.equal((await healthOf(gateway)).status, 'rate_limited');
    clock.advance(1);
    assert.deepEqual([(await healthOf(gateway)).status, (await healthOf(gateway)).message], ['healthy', null]);
  });

  it('a key at its limit is well again with "Retry now"', async () => {
    const { u1, gateway } = await scene(errorStatus(429, 'slow down', { 'retry-after': '120' }));
    await (await gateway.chat()).text();
    const { data } = await (await gateway.api('GET', '/api/cooldowns')).json();
    assert.equal((await gateway.api('DELETE', `/api/cooldowns/${data[0].id}`)).status, 204);
    assert.equal((await healthOf(gateway)).status, 'healthy');
    u1.script(chatCompletion({ text: 'one' }));
    assert.equal(await textOf(await gateway.chat()), 'one');
  });

  it('an unreachable provider condemns no key', async () => {
    const { clock, u1, gateway } = await scene(chatCompletion({ text: 'one' }), reset(), { isAlone: true });
    assert.equal((await healthOf(gateway)).status, 'unknown');
    assert.equal(await textOf(await gateway.chat()), 'one');
    await toNextProbe(clock, 4 * hour);
    await u1.get(1);
    assert.equal(await textOf(await gateway.chat()), 'one');
    assert.equal((await healthOf(gateway)).status, 'healthy');
  });

  it('probes are no chats, and switched off there are none', async () => {
    const { clock, u1, gateway } = await scene(chatCompletion(), modelList, { isAlone: true });
    await toNextProbe(clock, 5 * second);
    assert.equal((await u1.get(1)).url, '/openai/v1/models');
    await untilHealth(gateway, 'healthy');
    await toNextProbe(clock, 4 * hour);
    await u1.get(2);
    assert.equal(u1.requests.length, 0);

    const quiet = await scene(chatCompletion(), modelList, { settings: {} });
    assert.equal((await quiet.gateway.api('PUT', '/api/settings', { healthProbes: false })).status, 200);
    quiet.clock.advance(30 * hour);
    await (await quiet.gateway.chat()).text();
    assert.equal(quiet.u1.gets.length, 0);
  });

  it('OpenRouter’s key probe tells the account’s quota, before any request has met it', async () => {
    const clock = createManualClock();
    const fake = await bed.provider();
    const key = { label: 'main', limit: null, usage: 0, is_free_tier: false };
    fake.onGet(json(200, { data: { ...key, free_model_daily_requests: { limit: 1000, used: 999, remaining: 1 } } }));
    const config = configOf(
      { openrouter: { baseUrl: fake.baseUrl, keys: [{ key: secrets.openrouter }], models: [{ id: 'm:free' }] } },
      ['openrouter/m:free'],
    );
    const gateway = await bed.gateway({
      config: { ...config, settings: { healthProbes: true, 'queue.timeoutSeconds': 0 } },
      clock,
    });
    await toNextProbe(clock, 5 * second);
    assert.equal((await fake.get(1)).url, '/v1/key');
    await untilHealth(gateway, 'healthy', 'openrouter');
    const { data } = await (await gateway.api('GET', '/api/quota')).json();
    const day = data.find(
      ({ kind, model }: { kind: string; model: string | null }) => kind === 'rpd' && model === null,
    );
    assert.deepEqual([day.used, day.limit, day.source], [999, 1000, 'header']);
    assert.equal((await gateway.chat()).status, 200);
    const full = await gateway.chat();
    assert.equal(full.status, 429);
    assert.equal(
      Number(full.headers['retry-after']),
      Math.ceil((Date.UTC(2026, 10, 22) + second - clock.now()) / 1000),
    );
    assert.equal(fake.requests.length, 1);
  });

  it('a key that is replaced is asked about anew, whatever is under way for the old one', async () => {
    const lab = await bed.provider();
    lab.onGet((request, response, n) =>
      (request.headers.authorization === 'Bearer lab-new-0987654321' ? modelList : refused)(request, response, n),
    );
    const gateway = await bed.gateway({ clock: createManualClock(), config: { settings: { healthProbes: true } } });
    const key = { provider: 'custom:lab', baseUrl: lab.baseUrl, key: 'lab-old-1234567890', models: ['m'] };
    const { key: added } = await (await gateway.api('POST', '/api/keys', key)).json();
    await gateway.api('PATCH', `/api/keys/${added.id}`, { key: 'lab-new-0987654321' });
    await untilHealth(gateway, 'healthy', 'custom:lab');
  });
});
