import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { gemini, geminiError } from '../support/gemini.js';
import { createManualClock } from '../support/manualClock.js';
import {
  chatCompletion,
  completionBody,
  errorStatus,
  type FakeProvider,
  type Handler,
  hang,
  json,
  reset,
  status,
} from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

const largeText = 'word '.repeat(9_000);
const offeredTool = {
  type: 'function',
  function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};

describe('conformance B: failover per error class', () => {
  const bed = useBed();

  /** U1 answers with `first`, U2 says "from two". */
  async function pair(first: Handler | readonly Handler[], more: Parameters<typeof chainOf>[2] = {}) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2, more), clock });
    return { clock, u1, u2, gateway };
  }
  type Pair = Awaited<ReturnType<typeof pair>>;

  /** Asks once; U1 (failing) and then U2 must have been asked. */
  async function failsOver({ u1, u2, gateway }: Pair, kind: string) {
    const before = [u1.requests.length, u2.requests.length] as const;
    const response = await gateway.chat();
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=${kind}`);
    assert.equal(response.headers['x-fallback-attempts'], '1');
    assert.equal(response.headers['x-routed-via'], u2Name);
    assert.equal(await textOf(response), 'from two');
    assert.deepEqual([u1.requests.length, u2.requests.length], [before[0] + 1, before[1] + 1]);
  }

  /** U1 is left alone until just before `ms` from now, and asked again at `ms`. */
  async function isBenchedFor({ clock, u1, gateway }: Pair, ms: number) {
    const before = u1.requests.length;
    clock.advance(ms - 1);
    const early = await gateway.chat();
    assert.equal(early.headers['x-routed-via'], u2Name);
    assert.equal(early.headers['x-fallback-attempts'], undefined);
    assert.equal(u1.requests.length, before, `asked again before ${ms} ms`);
    clock.advance(1);
    await (await gateway.chat()).text();
    assert.equal(u1.requests.length, before + 1, `not asked again at ${ms} ms`);
  }

  it('case 24: a 429 goes to U2, and the next request straight there', async () => {
    const scene = await pair(errorStatus(429, 'Rate limit reached'));
    await failsOver(scene, 'rate_limit');
    const next = await scene.gateway.chat();
    assert.equal(next.headers['x-routed-via'], u2Name);
    assert.equal(next.headers['x-fallback-attempts'], undefined);
    assert.equal(next.headers['x-fallback-trail'], undefined);
    assert.equal(scene.u1.requests.length, 1);
  });

  it('case 25: Retry-After: 2 is kept to the millisecond', async () => {
    const scene = await pair([errorStatus(429, 'slow down', { 'retry-after': '2' }), chatCompletion()]);
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
      const scene = await pair([errorStatus(429, message, headers), chatCompletion()]);
      await failsOver(scene, 'rate_limit');
      await isBenchedFor(scene, ms);
    });
  }

  it("case 27: a daily 429 benches until the provider's day ends (UTC)", async () => {
    const scene = await pair([
      errorStatus(429, 'Rate limit reached for model on requests per day (RPD): Limit 1000, Used 1000, Requested 1.'),
      chatCompletion(),
    ]);
    await failsOver(scene, 'daily_quota');
    await isBenchedFor(scene, 12 * hour); // the clock starts at noon UTC
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
    await isBenchedFor({ clock, u1, u2, gateway }, 20 * hour); // 08:00 UTC, November
  });

  it('case 28: 429s of unknown length bench 60 s, doubling to 10 minutes and no further', async () => {
    const scene = await pair(errorStatus(429, 'Too many requests'));
    await failsOver(scene, 'rate_limit');
    for (const seconds of [60, 120, 240, 480, 600, 600]) await isBenchedFor(scene, seconds * second);
  });

  it('case 29: Retry-After of ten days benches for 24 hours at most', async () => {
    const scene = await pair([errorStatus(429, 'slow down', { 'retry-after': String(10 * 86_400) }), chatCompletion()]);
    await failsOver(scene, 'rate_limit');
    await isBenchedFor(scene, day);
  });

  it('case 30: "Requested 34026 tokens" is a rate limit, not a payment', async () => {
    const scene = await pair([
      errorStatus(429, 'Rate limit reached on tokens per minute (TPM): Limit 12000, Used 0, Requested 34026 tokens.'),
      chatCompletion(),
    ]);
    await failsOver(scene, 'rate_limit');
    await isBenchedFor(scene, minute);
  });

  it("case 31: a 401 moves to the provider's other key, and the bad one is checked again", async () => {
    let bad: string | undefined;
    const u1 = await bed.provider((request, response, n) => {
      bad ??= request.headers.authorization;
      const isBad = request.headers.authorization === bad;
      const answer = isBad ? errorStatus(401, 'Invalid API Key') : chatCompletion({ text: 'from the other key' });
      return answer(request, response, n);
    });
    u1.onGet((request, response, n) => {
      const isBad = request.headers.authorization === bad;
      const answer = isBad ? errorStatus(401, 'Invalid API Key') : json(200, { object: 'list', data: [] });
      return answer(request, response, n);
    });
    const u2 = await bed.provider();
    const config = chainOf(u1, u2, { settings: { healthProbes: true } });
    config.providers = {
      ...config.providers,
      groq: { baseUrl: `${u1.origin}/openai/v1`, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] },
    };
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const response = await gateway.chat();
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=auth`);
    assert.equal(await textOf(response), 'from the other key');
    assert.equal(u1.requests.length, 2);
    // A check of the bad key: it may come after others that the start made.
    for (let n = 1; ; n += 1) {
      const get = await u1.get(n);
      assert.equal(get.url, '/openai/v1/models');
      if (get.headers.authorization === bad) break;
    }
    for (let n = 0; n < 4; n += 1) assert.equal(await textOf(await gateway.chat()), 'from the other key');
    assert.equal(u1.requests.filter((one) => one.headers.authorization === bad).length, 1);
    assert.equal(u2.requests.length, 0);
  });

  it('case 32: Google says 400 for a bad key; it is no bad request', async () => {
    let bad: unknown;
    const u1 = await bed.provider((request, response, n) => {
      bad ??= request.headers['x-goog-api-key'];
      const invalid = geminiError(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
      ]);
      const isBad = request.headers['x-goog-api-key'] === bad;
      return (isBad ? invalid : gemini([[{ text: 'from the other key' }]]))(request, response, n);
    });
    const u2 = await bed.provider();
    const config = configOf(
      {
        google: { baseUrl: `${u1.origin}/v1beta`, keys: [{ key: secrets.google }, { key: secrets.google2 }] },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      ['google/gemini-3-flash-preview', u2Name],
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const response = await gateway.chat();
    assert.equal(response.headers['x-fallback-trail'], 'google/gemini-3-flash-preview=auth');
    assert.equal(await textOf(response), 'from the other key');
    assert.equal(await textOf(await gateway.chat()), 'from the other key');
    assert.equal(u1.requests.filter((one) => one.headers['x-goog-api-key'] === bad).length, 1);
    assert.equal(u2.requests.length, 0);
  });

  it('case 33: a 402 benches the key for a day', async () => {
    const scene = await pair([errorStatus(402, 'Insufficient credits'), chatCompletion()]);
    await failsOver(scene, 'credit');
    await isBenchedFor(scene, day);
  });

  it('case 33: alone, a 402 ends in a message that names it', async () => {
    const u1 = await bed.provider(errorStatus(402, 'Insufficient Balance'));
    const gateway = await bed.gateway({ config: chainOf(u1), clock: createManualClock() });
    const error = await assertError(await gateway.chat(), 502, 'api_error', 'upstream_error');
    assert.match(error.message, /groq/);
    assert.match(error.message, /credit/);
    assert.match(error.message, /Insufficient Balance/);
  });

  it('case 34: a 403 about one model leaves the key its other models', async () => {
    const scene = await pair(
      (request, response, n) =>
        (request.body.model === 'llama-3.3-70b-versatile'
          ? errorStatus(403, 'Model llama-3.3-70b-versatile is not available on your tier. Upgrade your plan.')
          : chatCompletion({ text: 'from the small one' }))(request, response, n),
      { chain: [u1Name, 'groq/llama-3.1-8b-instant', u2Name] },
    );
    const response = await scene.gateway.chat();
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=forbidden`);
    assert.equal(response.headers['x-routed-via'], 'groq/llama-3.1-8b-instant');
    assert.equal(await textOf(response), 'from the small one');
    const next = await scene.gateway.chat();
    assert.equal(next.headers['x-fallback-attempts'], undefined);
    assert.equal(await textOf(next), 'from the small one');
    assert.equal(scene.u2.requests.length, 0);
  });

  it("case 35: a 403 page of a CDN's challenge is no verdict on the key", async () => {
    const page =
      '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Cloudflare challenge-platform</body></html>';
    const scene = await pair([
      status(403, page, { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' }),
      chatCompletion(),
    ]);
    await failsOver(scene, 'challenge');
    const keys = await (await scene.gateway.api('GET', '/api/keys')).json();
    const key = keys.data.find((one: { provider: string }) => one.provider === 'groq');
    assert.notEqual(key.health.status, 'invalid');
    await isBenchedFor(scene, 90 * second);
  });

  const isListed = async (gateway: Pair['gateway'], name: string): Promise<boolean> => {
    const list = await (await gateway.v1('/v1/models')).json();
    return list.data.some((one: { id: string }) => one.id === name);
  };

  it('case 36: two 404s of two requests disable the model in the catalog', async () => {
    const scene = await pair(errorStatus(404, 'The model `llama-3.3-70b-versatile` does not exist'));
    await failsOver(scene, 'gone');
    assert.equal(await isListed(scene.gateway, u1Name), true);
    await isBenchedFor(scene, hour);
    scene.clock.advance(48 * hour);
    assert.equal(await textOf(await scene.gateway.chat()), 'from two');
    assert.equal(scene.u1.requests.length, 2);
    assert.equal(await isListed(scene.gateway, u1Name), false);
  });

  for (const [code, message] of [
    [410, 'Gone'],
    [404, 'The model llama-3.3-70b-versatile has been decommissioned and is no longer supported'],
  ] as const) {
    it(`case 36: a ${code} "${message.slice(0, 4)}…" once disables it`, async () => {
      const scene = await pair(errorStatus(code, message));
      await failsOver(scene, 'gone');
      scene.clock.advance(48 * hour);
      assert.equal(await textOf(await scene.gateway.chat()), 'from two');
      assert.equal(scene.u1.requests.length, 1);
      assert.equal(await isListed(scene.gateway, u1Name), false);
    });
  }

  for (const code of [408, 409, 500, 502, 503, 504, 529]) {
    it(`case 37: a ${code} goes to U2`, async () => {
      const scene = await pair(errorStatus(code, 'Something broke'));
      const response = await scene.gateway.chat();
      assert.equal(response.headers['x-fallback-attempts'], '1');
      assert.equal(await textOf(response), 'from two');
    });
  }

  it("case 38: a provider-wide 503 does not try the provider's second key", async () => {
    const u1 = await bed.provider(errorStatus(503, 'Service unavailable'));
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const config = chainOf(u1, u2, {
      providers: { groq: { baseUrl: `${u1.origin}/openai/v1`, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] } },
    });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.equal(await textOf(await gateway.chat()), 'from two');
    assert.equal(u1.requests.length, 1);
    assert.equal(u2.requests.length, 1);
  });

  it('case 39: connection refused, reset, DNS and TLS failures go to U2', async () => {
    const resetting = await bed.provider(reset());
    const closed = await bed.provider();
    await closed.close();
    for (const baseUrl of [
      closed.baseUrl,
      resetting.baseUrl,
      'http://no-such-host.invalid/v1',
      `https://127.0.0.1:${resetting.port}/v1`,
    ]) {
      const scene = await pair(hang(), { providers: { groq: { baseUrl, keys: [{ key: secrets.groq }] } } });
      const response = await scene.gateway.chat();
      assert.equal(response.headers['x-fallback-trail'], `${u1Name}=network`, baseUrl);
      assert.equal(await textOf(response), 'from two');
    }
  });

  for (const [title, answer] of [
    ['413', errorStatus(413, 'Request too large')],
    [
      '"maximum context length"',
      errorStatus(400, "This model's maximum context length is 8192 tokens. Please reduce."),
    ],
  ] as const) {
    it(`case 40: ${title} goes on to larger models only`, async () => {
      const clock = createManualClock();
      const u1 = await bed.provider(answer);
      const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
      const models = [
        { id: 'medium', contextWindow: 32_768 },
        { id: 'small', contextWindow: 16_384 },
      ];
      const config = chainOf(u1, u2, {
        providers: { cerebras: { baseUrl: u1.baseUrl, keys: [{ key: secrets.cerebras }], models } },
        chain: ['cerebras/medium', 'cerebras/small', u2Name],
      });
      const gateway = await bed.gateway({ config, clock });
      for (let n = 1; n <= 2; n += 1) {
        const response = await gateway.chat();
        assert.equal(response.headers['x-fallback-trail'], 'cerebras/medium=too_large');
        assert.equal(await textOf(response), 'from two');
        assert.equal(u1.requests.length, n); // no cooldown, and never the smaller one
      }
    });
  }

  it('case 40: too large for all is 400 context_length_exceeded', async () => {
    const tooLong = errorStatus(400, "This model's maximum context length is 8192 tokens, you requested 9100.");
    const { gateway, u2 } = await pair(tooLong);
    u2.script(tooLong);
    const error = await assertError(await gateway.chat(), 400, 'invalid_request_error', 'context_length_exceeded');
    assert.match(error.message, /maximum context length/);
  });

  it('case 40: too large for every known window is refused without a call', async () => {
    const u1 = await bed.provider();
    const config = configOf(
      {
        'custom:lab': {
          baseUrl: u1.baseUrl,
          keys: [{ key: 'lab' }],
          models: [{ id: 'small', contextWindow: 4096 }],
        },
      },
      ['custom:lab/small'],
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const response = await gateway.chat({ messages: [{ role: 'user', content: largeText }] });
    const error = await assertError(response, 400, 'invalid_request_error', 'context_length_exceeded');
    assert.match(error.message, /maximum context length/);
    assert.equal(u1.requests.length, 0);
  });

  for (const [number, code] of [
    [42, 400],
    [43, 422],
  ] as const) {
    it(`case ${number}: a ${code} about a parameter goes to U2`, async () => {
      const scene = await pair(errorStatus(code, "Unsupported parameter: 'frobnicate'"));
      await failsOver(scene, 'bad_request');
      // Nobody is benched for what the client said.
      await failsOver(scene, 'bad_request');
    });

    it(`case ${number}: if every provider says ${code}, the client gets their words`, async () => {
      const { gateway, u2 } = await pair(errorStatus(code, "Unsupported parameter: 'frobnicate'"));
      u2.script(errorStatus(code, 'frobnicate is not a parameter'));
      const response = await gateway.chat();
      const error = await assertError(response, 400, 'invalid_request_error', 'provider_rejected_request');
      assert.match(error.message, /frobnicate/);
    });
  }

  it('case 44: a request without messages is refused without a call', async () => {
    const { gateway, u1, u2 } = await pair(chatCompletion());
    const response = await gateway.v1('/v1/chat/completions', { body: { model: 'auto' } });
    const error = await assertError(response, 400, 'invalid_request_error', 'invalid_request');
    assert.equal(error.param, 'messages');
    assert.equal(u1.requests.length + u2.requests.length, 0);
  });

  for (const [number, title, answer] of [
    [45, 'an HTML page', status(200, '<html><body>It works!</body></html>', { 'content-type': 'text/html' })],
    [
      46,
      'truncated JSON',
      status(200, '{"id":"x","choices":[{"index":0,"mess', { 'content-type': 'application/json' }),
    ],
    [47, 'no choices', json(200, { ...completionBody(), choices: [] })],
    [47, 'empty content and stop', chatCompletion({ text: '' })],
    [47, 'null content and stop', chatCompletion({ text: null })],
    [47, 'whitespace and stop', chatCompletion({ text: ' \n ' })],
  ] as [number, string, Handler][]) {
    it(`case ${number}: 200 with ${title} goes to U2`, async () => {
      await failsOver(await pair(answer), 'empty');
    });
  }

  it("case 47: length without text is the client's own limit and passed on (design.md)", async () => {
    const scene = await pair(chatCompletion({ text: '', finish: 'length' }));
    const response = await scene.gateway.chat({ max_tokens: 1 });
    assert.equal(response.status, 200);
    assert.equal(response.headers['x-routed-via'], u1Name);
    assert.equal((await response.json()).choices[0].finish_reason, 'length');
    const stream = await (await scene.gateway.chat({ max_tokens: 1, stream: true })).stream();
    assert.deepEqual(stream.finishReasons, ['length']);
    assert.equal(scene.u2.requests.length, 0);
  });

  it('case 47: empty answers bench only at the third in a row', async () => {
    const scene = await pair(chatCompletion({ text: '' }));
    for (let n = 0; n < 3; n += 1) await failsOver(scene, 'empty');
    await isBenchedFor(scene, 30 * second);
  });

  it('case 48: tool calls without content are an answer', async () => {
    const call = { id: 'call_a', name: 'get_weather', arguments: '{"city":"Paris"}' };
    const { gateway, u2 } = await pair(chatCompletion({ toolCalls: [call] }));
    const body = await (await gateway.chat({ tools: [offeredTool] })).json();
    assert.equal(body.choices[0].message.tool_calls[0].function.arguments, '{"city":"Paris"}');
    assert.equal(body.choices[0].finish_reason, 'tool_calls');
    assert.equal(u2.requests.length, 0);
  });

  for (const failedGeneration of [
    '<function=get_weather>{"city":"Paris"}</function>',
    '{"name":"get_weather","arguments":{"city":"Paris"}}',
  ]) {
    for (const stream of [false, true]) {
      it(`case 50: Groq's tool_use_failed is rescued (${failedGeneration.slice(0, 9)}…, stream ${stream})`, async () => {
        const error = {
          message: "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
          type: 'invalid_request_error',
          code: 'tool_use_failed',
          failed_generation: failedGeneration,
        };
        const { gateway, u2 } = await pair(json(400, { error }));
        const response = await gateway.chat({ tools: [offeredTool], stream });
        assert.equal(response.status, 200);
        assert.equal(response.headers['x-routed-via'], u1Name);
        if (stream) {
          const answer = await response.stream();
          assert.equal(answer.toolCalls[0]?.name, 'get_weather');
          assert.deepEqual(JSON.parse(answer.toolCalls[0]?.arguments ?? ''), { city: 'Paris' });
          assert.deepEqual(answer.finishReasons, ['tool_calls']);
        } else {
          const choice = (await response.json()).choices[0];
          assert.equal(choice.message.tool_calls[0].function.name, 'get_weather');
          assert.deepEqual(JSON.parse(choice.message.tool_calls[0].function.arguments), { city: 'Paris' });
          assert.equal(choice.finish_reason, 'tool_calls');
        }
        assert.equal(u2.requests.length, 0);
      });
    }
  }

  it('case 51: a provider that hangs costs its budget, not more', async () => {
    const { gateway, clock, u1 } = await pair(hang());
    const pending = gateway.chat();
    await u1.request(1);
    clock.advance(31 * second);
    const response = await pending;
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=slow`);
    assert.equal(await textOf(response), 'from two');
    await u1.closed(1);
  });

  it('case 52: twenty-five failing providers: twenty attempts and a full account', async () => {
    const all = await bed.provider(errorStatus(500, 'Broken inside'));
    const ids = Array.from({ length: 25 }, (_unused, index) => `custom:p${index + 1}`);
    const config = configOf(
      Object.fromEntries(
        ids.map((id) => [
          id,
          { baseUrl: `${all.origin}/${id.slice(7)}/v1`, keys: [{ key: `key-of-${id}` }], models: [{ id: 'm1' }] },
        ]),
      ),
      ids.map((id) => `${id}/m1`),
    );
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const response = await gateway.chat();
    assert.equal(response.headers['x-should-retry'], 'false');
    const error = await assertError(response, 502, 'api_error', 'upstream_error');
    assert.equal(all.requests.length, 20);
    for (const id of ids.slice(0, 20)) assert.match(error.message, new RegExp(`${id}/m1`));
    assert.match(error.message, /Broken inside/);
    assert.match(error.message, /overloaded/);
  });

  it('case 52: no third attempt starts a minute after the request came; all timed out is 504', async () => {
    const clock = createManualClock();
    const all = await bed.provider(hang());
    const ids = ['custom:p1', 'custom:p2', 'custom:p3'];
    const config = configOf(
      Object.fromEntries(
        ids.map((id) => [
          id,
          { baseUrl: `${all.origin}/${id.slice(7)}/v1`, keys: [{ key: 'k' }], models: [{ id: 'm1' }] },
        ]),
      ),
      ids.map((id) => `${id}/m1`),
    );
    const gateway = await bed.gateway({ config, clock });
    const pending = gateway.chat();
    await all.request(1);
    clock.advance(31 * second);
    await all.request(2);
    clock.advance(31 * second);
    const response = await pending;
    assert.equal(response.headers['x-should-retry'], 'false');
    await assertError(response, 504, 'api_error', 'upstream_timeout');
    assert.equal(all.requests.length, 2);
  });

  for (const code of [429, 500]) {
    it(`case 53: a custom endpoint on loopback is benched at most 5 s for a ${code}`, async () => {
      const clock = createManualClock();
      const lab = await bed.provider([errorStatus(code, 'busy'), chatCompletion({ text: 'from the lab' })]);
      const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
      const config = configOf(
        {
          'custom:lab': { baseUrl: lab.baseUrl, keys: [{ key: 'lab-key' }], models: [{ id: 'm1' }] },
          mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
        },
        ['custom:lab/m1', u2Name],
      );
      const gateway = await bed.gateway({ config, clock });
      assert.equal(await textOf(await gateway.chat()), 'from two');
      clock.advance(5 * second);
      assert.equal(await textOf(await gateway.chat()), 'from the lab');
    });
  }

  it('case 54: after two 5xx of one provider the rest of the request skips it', async () => {
    const keys = [{ key: secrets.groq }, { key: secrets.groq2 }];
    const scene: { u1: FakeProvider; u2: FakeProvider } = {
      u1: await bed.provider(errorStatus(500, 'Internal error')),
      u2: await bed.provider(chatCompletion({ text: 'from two' })),
    };
    const config = chainOf(scene.u1, scene.u2, {
      providers: { groq: { baseUrl: `${scene.u1.origin}/openai/v1`, keys } },
      chain: [u1Name, 'groq/llama-3.1-8b-instant', 'groq/qwen/qwen3-32b', 'groq/openai/gpt-oss-20b', u2Name],
    });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    assert.equal(await textOf(await gateway.chat()), 'from two');
    assert.equal(scene.u1.requests.length, 2);
  });
});
