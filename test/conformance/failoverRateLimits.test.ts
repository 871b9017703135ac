import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { day, failsOver, hour, isBenchedFor, minute, second, startScene } from '../support/failoverScene.js';
import { gemini, geminiError } from '../support/gemini.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus } from '../support/provider.js';
import { configOf, secrets, textOf, u2Name } from '../support/scenario.js';

describe('conformance B: failover, rate limits', () => {
  const bed = useBed();

  it('case 24: a 429 goes to U2, and the next request straight there', async () => {
    const scene = await startScene(bed, errorStatus(429, 'Rate limit reached'));
    await failsOver(scene, 'rate_limit');
    const next = await scene.gateway.chat();
    assert.equal(next.headers['x-routed-via'], u2Name);
    assert.equal(next.headers['x-fallback-attempts'], undefined);
    assert.equal(next.headers['x-fallback-trail'], undefined);
    assert.equal(scene.u1.requests.length, 1);
  });

  it('case 25: Retry-After: 2 is kept to the millisecond', async () => {
    const scene = await startScene(bed, [errorStatus(429, 'slow down', { 'retry-after': '2' }), chatCompletion()]);
    await failsOver(scene, 'rate_limit');
    await isBenchedFor(scene, 2 * second);
  });

  const delays: [string, Record<string, string>, string, number][] = [
    ['Retry-After: 7.5', { 'retry-after': '7.5' }, 'slow down', 7500],
    ['Retry-After as a date', { 'retry-after': 'Sat, 21 Nov 2026 12:00:45 GMT' }, 'slow down', 45_000],
    ['"try again in 7m12.5s"', {}, 'Rate limit reached. Please try again in 7m12.5s.', 432_500],
    ['retry-after-ms: 1500', { 'retry-after-ms': '1500' }, 'slow down', 1500],
    ['x-ratelimit-reset: 2m59s', { 'x-ratelimit-reset': '2m59s' }, 'slow down', 179_000],
    [
      'x-ratelimit-reset-requests: 2m59s beside nothing remaining',
      {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '2m59s',
        'x-ratelimit-remaining-tokens': '5000',
        'x-ratelimit-reset-tokens': '1.2s',
      },
      'Rate limit reached',
      179_000,
    ],
  ];
  for (const [title, headers, message, ms] of delays) {
    it(`case 26: a 429 with ${title} benches for exactly that`, async () => {
      const scene = await startScene(bed, [errorStatus(429, message, headers), chatCompletion()]);
      await failsOver(scene, 'rate_limit');
      await isBenchedFor(scene, ms);
    });
  }

  it("case 27: a daily 429 benches until the provider's day ends (UTC)", async () => {
    const clock = createManualClock(); // noon UTC
    const u1 = await bed.provider([errorStatus(429, 'Rate limit exceeded: free-models-per-day'), chatCompletion()]);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const model = 'openrouter/openai/gpt-oss-20b:free';
    const config = configOf(
      {
        openrouter: { baseUrl: u1.baseUrl, keys: [{ key: secrets.openrouter }] },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [model, u2Name],
    );
    const gateway = await bed.gateway({ config, clock });
    assert.equal((await gateway.chat()).headers['x-fallback-trail'], `${model}=daily_quota`);
    await isBenchedFor({ clock, u1, u2, gateway }, 12 * hour);
  });

  it("case 27: Google's day ends at midnight Pacific", async () => {
    const clock = createManualClock();
    const u1 = await bed.provider([
      geminiError(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier', quotaValue: '20' }],
        },
      ]),
      gemini([[{ text: 'from google' }]]),
    ]);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const config = configOf(
      {
        google: { baseUrl: `${u1.origin}/v1beta`, keys: [{ key: secrets.google }] },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      ['google/gemini-3-flash-preview', u2Name],
    );
    const gateway = await bed.gateway({ config, clock });
    const first = await gateway.chat();
    assert.equal(first.headers['x-fallback-trail'], 'google/gemini-3-flash-preview=daily_quota');
    // 08:00 UTC, November; the provider's clock may be a second behind ours.
    await isBenchedFor({ clock, u1, u2, gateway }, 20 * hour + second);
  });

  it('case 28: 429s of unknown length bench 60 s, doubling to 10 minutes and no further', async () => {
    const scene = await startScene(bed, errorStatus(429, 'Too many requests'));
    await failsOver(scene, 'rate_limit');
    for (const seconds of [60, 120, 240, 480, 600, 600]) await isBenchedFor(scene, seconds * second);
  });

  it('case 29: Retry-After of ten days benches for 24 hours at most', async () => {
    const scene = await startScene(bed, [
      errorStatus(429, 'slow down', { 'retry-after': String(10 * 86_400) }),
      chatCompletion(),
    ]);
    await failsOver(scene, 'rate_limit');
    await isBenchedFor(scene, day);
  });

  it('case 30: "Requested 34026 tokens" is a rate limit, not a payment', async () => {
    const scene = await startScene(bed, [
      errorStatus(429, 'Rate limit reached on tokens per minute (TPM): Limit 12000, Used 0, Requested 34026 tokens.'),
      chatCompletion(),
    ]);
    await failsOver(scene, 'rate_limit');
    await isBenchedFor(scene, minute);
  });

  const freeModels = ['a:free', 'b:free', 'c:free', 'd:free', 'e:free'];
  async function askedBefore(answer: Parameters<typeof bed.provider>[0], provider: string, models: string[]) {
    const u1 = await bed.provider(answer);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const names = models.map((id) => `${provider}/${id}`);
    const config = configOf(
      {
        [provider]: { baseUrl: u1.baseUrl, keys: [{ key: secrets.openrouter }], models: models.map((id) => ({ id })) },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [...names, u2Name],
    );
    const limits = { [u2Name]: { rpm: 1000 } };
    const gateway = await bed.gateway({ config: { ...config, limits }, clock: createManualClock() });
    const asked: number[] = [];
    for (let count = 0; count < 3; count++) {
      const response = await gateway.chat();
      assert.equal(response.headers['x-routed-via'], u2Name);
      asked.push(u1.requests.length);
    }
    return { asked, gateway };
  }

  it('an account whose models are counted together rests after two of them met a limit', async () => {
    const limited = errorStatus(429, 'Rate limit exceeded: free-models-per-min', { 'retry-after': '30' });
    const { asked, gateway } = await askedBefore(limited, 'openrouter', freeModels);
    assert.deepEqual(asked, [2, 2, 2], 'none of the three requests spends more on it');
    const { data } = await (await gateway.api('GET', '/api/cooldowns')).json();
    assert.deepEqual(data.map(({ scope }: { scope: string }) => scope).sort(), ['key', 'model-on-key']);
  });

  it("an account does not rest because of limits of its provider's own upstream", async () => {
    const limited = errorStatus(429, 'b is temporarily rate-limited upstream. Please retry shortly');
    const { asked } = await askedBefore(limited, 'openrouter', freeModels);
    assert.deepEqual(asked, [2, 4, 5], 'each model is asked once, and others are asked between');
  });

  it('a provider that counts each model is left for others after three of its models, and not for good', async () => {
    const { asked } = await askedBefore(errorStatus(429, 'slow down'), 'custom:lab', freeModels);
    assert.deepEqual(asked, [3, 5, 5]);
  });

  it('what was put last is asked when nobody else is left', async () => {
    const limited = errorStatus(429, 'slow down');
    const u1 = await bed.provider([limited, limited, limited, limited, chatCompletion({ text: 'the fifth' })]);
    const models = freeModels.map((id) => ({ id }));
    const config = configOf(
      { 'custom:lab': { baseUrl: u1.baseUrl, keys: [{ key: secrets.openrouter }], models } },
      freeModels.map((id) => `custom:lab/${id}`),
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.equal(await textOf(await gateway.chat()), 'the fifth');
  });
});
