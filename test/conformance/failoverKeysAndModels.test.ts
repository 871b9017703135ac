import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { day, failsOver, hour, isBenchedFor, isListed, second, startScene } from '../support/failoverScene.js';
import { gemini, geminiError } from '../support/gemini.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, json, status } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

describe('conformance B: failover, keys and models that are refused', () => {
  const bed = useBed();

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
    const scene = await startScene(bed, [errorStatus(402, 'Insufficient credits'), chatCompletion()]);
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
    const scene = await startScene(
      bed,
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
    const scene = await startScene(bed, [
      status(403, page, { 'content-type': 'text/html; charset=UTF-8', server: 'cloudflare' }),
      chatCompletion(),
    ]);
    await failsOver(scene, 'challenge');
    const keys = await (await scene.gateway.api('GET', '/api/keys')).json();
    const key = keys.data.find((one: { provider: string }) => one.provider === 'groq');
    assert.notEqual(key.health.status, 'invalid');
    await isBenchedFor(scene, 90 * second);
  });

  it('case 36: two 404s of two requests disable the model in the catalog', async () => {
    const scene = await startScene(bed, errorStatus(404, 'The model `llama-3.3-70b-versatile` does not exist'));
    await failsOver(scene, 'gone');
    assert.equal(await isListed(scene.gateway, u1Name), true);
    await isBenchedFor(scene, hour);
    scene.clock.advance(23 * hour);
    assert.equal(await textOf(await scene.gateway.chat()), 'from two');
    assert.equal(scene.u1.requests.length, 2);
    assert.equal(await isListed(scene.gateway, u1Name), false);
  });

  for (const [code, message] of [
    [410, 'Gone'],
    [404, 'The model llama-3.3-70b-versatile has been decommissioned and is no longer supported'],
  ] as const) {
    it(`case 36: a ${code} "${message.slice(0, 4)}…" once disables it`, async () => {
      const scene = await startScene(bed, errorStatus(code, message));
      await failsOver(scene, 'gone');
      scene.clock.advance(23 * hour);
      assert.equal(await textOf(await scene.gateway.chat()), 'from two');
      assert.equal(scene.u1.requests.length, 1);
      assert.equal(await isListed(scene.gateway, u1Name), false);
    });
  }
});
