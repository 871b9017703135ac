import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { dataWith } from '../support/client.js';
import { createGate } from '../support/gate.js';
import { createManualClock } from '../support/manualClock.js';
import { chunk, errorStatus, type Handler, json, paced, sseText, status } from '../support/provider.js';
import { assertError, assertNoSecret, chainOf, configOf, quietSettings, secrets, u1Name } from '../support/scenario.js';

describe('conformance C: exhaustion', () => {
  const bed = useBed();

  async function pair(first: Handler, second: Handler) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(second);
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    return { u1, u2, gateway, clock };
  }

  it('case 55: all keys refused is 502, naming each provider and kind, keys redacted', async () => {
    const { gateway, u1, u2 } = await pair(
      errorStatus(401, `Incorrect API key provided: ${secrets.groq}. You can find your key at the console.`),
      errorStatus(401, `Unauthorized: ${secrets.mistral}`),
    );
    const response = await gateway.chat();
    assert.equal(response.headers['x-should-retry'], 'false');
    const error = await assertError(response, 502, 'api_error', 'upstream_error');
    assert.match(error.message, /groq/);
    assert.match(error.message, /mistral/);
    assert.match(error.message, /auth/);
    assert.match(error.message, /Incorrect API key provided/);
    // Both keys are known to be bad now: the same answer, and nobody is asked.
    await assertError(await gateway.chat(), 502, 'api_error', 'upstream_error');
    assert.equal(u1.requests.length + u2.requests.length, 2);
  });

  it('case 56: all limited is 429 with the soonest relevant reset', async () => {
    const limited = (seconds: number) => errorStatus(429, 'slow down', { 'retry-after': String(seconds) });
    const u1 = await bed.provider(limited(30));
    const u2 = await bed.provider(limited(100));
    const u3 = await bed.provider(limited(5));
    const config = chainOf(u1, u2, {
      providers: {
        cerebras: {
          baseUrl: u3.baseUrl,
          keys: [{ key: secrets.cerebras }],
          models: [{ id: 'no-tools', contextWindow: 32_768, tools: false }],
        },
      },
      chain: [u1Name, 'mistral/mistral-large-latest', 'cerebras/no-tools'],
    });
    const clock = createManualClock();
    const gateway = await bed.gateway({ config, clock });
    const plain = await gateway.chat();
    assert.equal(plain.headers['retry-after'], '5');
    assert.equal(plain.headers['x-should-retry'], undefined);
    const error = await assertError(plain, 429, 'rate_limit_error', 'rate_limit_exceeded');
    for (const name of ['groq', 'mistral', 'cerebras']) assert.match(error.message, new RegExp(name));
    // The third cannot take tools: its reset is of no interest to this request.
    const tool = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };
    const withTools = await gateway.chat({ tools: [tool] });
    assert.equal(withTools.headers['retry-after'], '30');
    assert.equal(withTools.headers['x-should-retry'], 'false');
    const relevant = await assertError(withTools, 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.doesNotMatch(relevant.message, /cerebras/);
    clock.advance(25_000);
    assert.equal((await gateway.chat({ tools: [tool] })).headers['retry-after'], '5');
    assert.equal(u1.requests.length + u2.requests.length, 2);
  });

  it('case 57: all gone is 404', async () => {
    const { gateway } = await pair(errorStatus(404, 'model not found'), errorStatus(404, 'no such model'));
    await assertError(await gateway.chat(), 404, 'invalid_request_error', 'model_not_found');
  });

  it('case 57: mixed is 502 with everybody in their own words', async () => {
    const { gateway } = await pair(errorStatus(500, 'kernel panic'), errorStatus(429, 'slow down'));
    const response = await gateway.chat();
    assert.equal(response.headers['x-should-retry'], 'false');
    const error = await assertError(response, 502, 'api_error', 'upstream_error');
    assert.match(error.message, /groq\/llama-3\.3-70b-versatile/);
    assert.match(error.message, /overloaded/);
    assert.match(error.message, /kernel panic/);
    assert.match(error.message, /mistral\/mistral-large-latest/);
    assert.match(error.message, /rate_limit/);
    assert.match(error.message, /slow down/);
  });

  it('case 57: with no provider configured it is 503 with a hint', async () => {
    for (const config of [{ settings: { ...quietSettings } }, configOf({}, [])]) {
      const gateway = await bed.gateway({ config, clock: createManualClock() });
      const response = await gateway.chat();
      assert.equal(response.headers['x-should-retry'], 'false');
      const error = await assertError(response, 503, 'api_error', 'no_providers_configured');
      assert.match(error.message, /key/i);
    }
  });

  for (const stream of [false, true]) {
    it(`case 58: an echoed key never gets out (stream ${stream})`, async () => {
      const echo = (code: number, secret: string): Handler =>
        json(code, {
          error: {
            message: `bad request with Authorization: Bearer ${secret}`,
            type: 'x',
            param: secret,
            code: secret,
          },
        });
      const { gateway, u1, u2 } = await pair(echo(400, secrets.groq), echo(400, secrets.mistral));
      await assertError(await gateway.chat({ stream }), 400, 'invalid_request_error', 'provider_rejected_request');
      u1.script(status(500, `<html>${secrets.groq}</html>`, { 'content-type': 'text/html' }));
      u2.script(status(403, `forbidden for model with ${secrets.mistral}`));
      await assertError(await gateway.chat({ stream }), 502, 'api_error', 'upstream_error');
      assertNoSecret(JSON.stringify(gateway.logs));
      const state = await (await gateway.api('GET', '/api/state')).text();
      assertNoSecret(state);
    });
  }

  for (const [name, before] of [
    ['long', 'x'.repeat(485)],
    ['mostly blank', `x${' '.repeat(3980)}`],
  ] as const) {
    it(`case 58: nor a part of one, where words are cut that are too ${name}`, async () => {
      const said = `${before} ${secrets.mistral} is no key`;
      const { gateway, u2 } = await pair(errorStatus(400, 'no'), errorStatus(401, said));
      const texts = [await (await gateway.chat()).text()];
      for (const path of ['keys', 'cooldowns']) texts.push(await (await gateway.api('GET', `/api/${path}`)).text());
      u2.onGet(errorStatus(401, said));
      const key = { provider: 'custom:lab', baseUrl: u2.baseUrl, key: secrets.mistral, check: true };
      texts.push(await (await gateway.api('POST', '/api/keys', key)).text());
      for (const text of texts) {
        assert.match(text, /x…|x …/);
        assert.ok(!text.includes(secrets.mistral.slice(0, 5)), text);
      }
    });
  }

  it('case 58: nor in an error after the commit point', async () => {
    const gate = createGate();
    const { gateway } = await pair(
      paced([
        sseText([chunk({ role: 'assistant', content: 'Hel' })]),
        gate.opened,
        sseText([{ error: { message: `died with key ${secrets.groq}` } }]),
      ]),
      errorStatus(500, 'unused'),
    );
    const response = await gateway.chat({ stream: true });
    await response.until(dataWith('Hel'));
    gate.open();
    const stream = await response.stream();
    assert.equal(stream.errors.length, 1);
    assertNoSecret(JSON.stringify(stream.frames));
    assertNoSecret(JSON.stringify(gateway.logs));
  });
});
