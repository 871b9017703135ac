import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { second, startScene } from '../support/failoverScene.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type FakeProvider, hang, reset } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const largeText = 'word '.repeat(9_000);

describe('conformance B: failover, servers that break, hang or are too small', () => {
  const bed = useBed();

  for (const code of [408, 409, 500, 502, 503, 504, 529]) {
    it(`case 37: a ${code} goes to U2`, async () => {
      const scene = await startScene(bed, errorStatus(code, 'Something broke'));
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
      const scene = await startScene(bed, hang(), { providers: { groq: { baseUrl, keys: [{ key: secrets.groq }] } } });
      const response = await scene.gateway.chat();
      assert.equal(response.headers['x-fallback-trail'], `${u1Name}=network`, baseUrl);
      assert.equal(await textOf(response), 'from two');
    }
  });

  for (const [title, answer] of [
    ['413', errorStatus(413, 'Request too large')],
    [
      '"maximum context length"',
      errorStatus(400, "This model's maximum context length is 32768 tokens. Please reduce."),
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
    const { gateway, u2 } = await startScene(bed, tooLong);
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

  it('case 51: a provider that hangs costs its budget, not more', async () => {
    // Streaming: the limit of the first delta. Whole answers are only sent when written, so they may take longer; a
    // configured `firstByteMs` holds for both.
    for (const [stream, timeouts, limit] of [
      [true, {}, 31 * second],
      [false, {}, 121 * second],
      [true, { firstByteMs: 1000 }, 2 * second],
      [false, { firstByteMs: 1000 }, 5 * second],
    ] as const) {
      const { gateway, clock, u1 } = await startScene(bed, hang(), (u1) => ({
        groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }], timeouts },
      }));
      const pending = gateway.chat({ stream });
      await u1.request(1);
      clock.advance(limit);
      const response = await pending;
      assert.ok((await response.text()).includes('from two'));
      await u1.closed(1);
    }
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
          {
            baseUrl: `${all.origin}/${id.slice(7)}/v1`,
            keys: [{ key: 'k' }],
            models: [{ id: 'm1' }],
            timeouts: { firstByteMs: 30_000 },
          },
        ]),
      ),
      ids.map((id) => `${id}/m1`),
    );
    const gateway = await bed.gateway({ config, clock });
    const pending = gateway.chat();
    for (const n of [1, 2]) {
      await all.request(n);
      clock.advance(121 * second);
    }
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

  it('a context window that the provider states is learned: such a prompt is not sent there again', async () => {
    const tooLong = errorStatus(400, "This model's maximum context length is 2000 tokens, you requested 3100.");
    const u1 = await bed.provider(tooLong);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock: createManualClock() });
    const messages = [{ role: 'user', content: 'word '.repeat(2500) }];
    for (const failures of ['1', undefined]) {
      const response = await gateway.chat({ messages });
      assert.equal(response.headers['x-routed-via'], u2Name);
      assert.equal(response.headers['x-fallback-attempts'], failures);
    }
    const { data } = await (await gateway.v1('/v1/models')).json();
    const model = data.find(({ id }: { id: string }) => id === u1Name);
    assert.equal(model.context_length, 2000);
    await gateway.chat();
    assert.equal(u1.requests.length, 2, 'short prompts still go there');
  });
});
