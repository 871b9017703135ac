import assert from 'node:assert/strict';
import { ConfigError, checkConfig } from '../../../src/gateway/config/configFile.js';
import { PROVIDERS } from '../../../src/gateway/providers/table.js';
import { countsModelsTogether } from '../../../src/gateway/quota/limits.js';
import { QUOTA_KINDS } from '../../../src/gateway/quota/windows.js';
import { limitsSchema } from '../../../src/protocol/limits.js';
import { useBed } from '../../support/bed.js';
import { day, second } from '../../support/failoverScene.js';
import { createManualClock } from '../../support/manualClock.js';
import { chatCompletion } from '../../support/provider.js';
import { chainOf, u1Name, u2Name } from '../../support/scenario.js';
import { engineOf, M2, spend } from './engines.js';
import { mustLease, mustRefuse, TARGET } from './world.js';

describe('the user’s own limits', () => {
  const bed = useBed();

  it('may be of every window that the engine has', () => {
    assert.deepEqual(Object.keys(limitsSchema.shape).sort(), [...QUOTA_KINDS].sort());
  });

  it('of a month end with the calendar’s, of a model or of a key over its models', () => {
    const { clock, engine } = engineOf({}, undefined, { ofModel: { rpmonth: 2 }, ofKey: { tpmonth: 100 } });
    spend(engine, TARGET, 40);
    spend(engine, TARGET, 40);
    const { kind, until } = mustRefuse(engine, TARGET, 1);
    assert.deepEqual([kind, until], ['rpmonth', Date.UTC(2026, 11, 1) + second]);
    assert.equal(mustRefuse(engine, M2, 30).kind, 'tpmonth');
    mustLease(engine, M2, 20).release();
    clock.time = until ?? 0;
    spend(engine, TARGET, 100);
  });

  it('of a month in the config file hold over HTTP', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider(chatCompletion({ text: 'one' }));
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const limits = { [u1Name]: { rpmonth: 1 }, [u2Name]: { rpm: 1000 } };
    const gateway = await bed.gateway({ config: chainOf(u1, u2, { limits }), clock });
    const via = async () => (await gateway.chat()).headers['x-routed-via'];
    assert.deepEqual([await via(), await via()], [u1Name, u2Name]);
    clock.advance(9 * day);
    assert.equal(await via(), u2Name, 'the 30th of November');
    clock.advance(day);
    assert.equal(await via(), u1Name, 'the 1st of December');
  });

  it('of a month on a key, given over the admin API, hold at once; an unknown window is refused', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'one' }));
    const gateway = await bed.gateway({ config: { settings: { healthProbes: false, 'queue.timeoutSeconds': 0 } } });
    const input = { provider: 'custom:lab', baseUrl: u1.baseUrl, key: 'lab-1234567890', models: ['m'] };
    const added = await gateway.api('POST', '/api/keys', { ...input, limits: { rpmonth: 5, tpmonth: 18 } });
    assert.equal(added.status, 201);
    const { key } = await added.json();
    assert.deepEqual(key.limits, { rpmonth: 5, tpmonth: 18 });
    const where = `/api/keys/${key.id}`;
    assert.equal((await gateway.api('PATCH', where, { limits: { rpmonth: 1 } })).status, 200);
    assert.equal((await gateway.chat()).status, 200);
    const full = await gateway.chat();
    assert.equal(full.status, 429);
    assert.match(await full.text(), /rpmonth/);
    assert.equal((await gateway.api('PATCH', where, { limits: { rpy: 1 } })).status, 400);
    assert.equal((await gateway.api('PATCH', where, { limits: {} })).status, 200);
    assert.equal((await gateway.chat()).status, 200);
    assert.throws(() => checkConfig({ limits: { [u1Name]: { rpweek: 3 } } }, ['groq']), ConfigError);
  });
});

describe('which providers count their models together', () => {
  it('is read from the one list of what they count', () => {
    const together = PROVIDERS.filter(countsModelsTogether).map(({ id }) => id);
    assert.deepEqual(together, [
      'cerebras',
      'openrouter',
      'mistral',
      'nvidia',
      'cohere',
      'cloudflare',
      'huggingface',
      'ollama',
      'kilo',
      'pollinations',
      'llm7',
      'opencode',
      'aihorde',
      'anyapi',
      'routeway',
      'ainative',
      'navy',
      'sealion',
      'modelscope',
    ]);
    const each = { per: 'ip-model', kind: 'rpm', limit: 2 } as const;
    assert.equal(countsModelsTogether({ accountLimits: [each, { ...each, per: 'model' }] }), false);
  });
});
