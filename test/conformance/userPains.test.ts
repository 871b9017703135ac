import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { QuotaUse } from '../../src/protocol/events.js';
import { useBed } from '../support/bed.js';
import { hour, minute, second } from '../support/failoverScene.js';
import type { TestGateway } from '../support/gateway.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type Handler, reset, status } from '../support/provider.js';
import { chainOf, configOf, secrets, textOf, u1Name, u2Name } from '../support/scenario.js';

const nvidia = 'nvapi-0123456789abcdefghij';

/** What users of comparable gateways complain of (the numbers are those of their list), and that it is not so here. */
describe('user pains', () => {
  const bed = useBed();
  const read = async (gateway: TestGateway, where: string) => (await gateway.api('GET', where)).json();

  /** Two providers that have the same model, and a third with another. */
  async function twins() {
    const clock = createManualClock();
    const u1 = await bed.provider(chatCompletion({ text: 'the first copy' }));
    const u2 = await bed.provider(chatCompletion({ text: 'the second copy' }));
    const other = await bed.provider(chatCompletion({ text: 'another model' }));
    const config = configOf(
      {
        groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] },
        nvidia: { baseUrl: u2.baseUrl, keys: [{ key: nvidia }] },
        mistral: { baseUrl: other.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [u2Name, u1Name, 'nvidia/meta/llama-3.3-70b-instruct'],
    );
    return { clock, u1, u2, other, gateway: await bed.gateway({ config, clock }) };
  }

  it('1: a pinned model leaves a provider that fails, stays the same model, and the trail shows every hop', async () => {
    const { u1, u2, other, gateway } = await twins();
    u1.script([errorStatus(401, 'Invalid API Key'), errorStatus(429, 'slow down')]);
    const response = await gateway.chat({ model: 'llama-3.3-70b' });
    assert.equal(response.headers['x-fallback-trail'], `${u1Name}=auth; ${u1Name}=rate_limit`);
    assert.equal(response.headers['x-fallback-attempts'], '2');
    assert.equal(response.headers['x-routed-via'], 'nvidia/meta/llama-3.3-70b-instruct');
    assert.equal(await textOf(response), 'the second copy');
    assert.deepEqual([u1.requests.length, u2.requests.length, other.requests.length], [2, 1, 0]);
  });

  it('1: one failure benches what failed and not the whole chain', async () => {
    const { u1, u2, other, gateway } = await twins();
    other.script(errorStatus(500, 'broken'));
    for (const attempts of ['1', undefined]) {
      const response = await gateway.chat();
      assert.equal(response.headers['x-fallback-attempts'], attempts);
      assert.equal(await textOf(response), 'the first copy');
    }
    assert.deepEqual([u1.requests.length, u2.requests.length, other.requests.length], [2, 0, 1]);
  });

  it('1: who prefers a model has it first, and the chain when it cannot answer', async () => {
    const { u1, u2, other, gateway } = await twins();
    const preferred = { model: 'prefer:llama-3.3-70b' };
    assert.equal(await textOf(await gateway.chat(preferred)), 'the first copy');
    u1.script([errorStatus(401, 'Invalid API Key'), errorStatus(401, 'Invalid API Key')]);
    u2.script(errorStatus(500, 'broken'));
    const response = await gateway.chat(preferred);
    assert.equal(response.headers['x-fallback-attempts'], '3');
    assert.equal(await textOf(response), 'another model');
    assert.equal(other.requests.length, 1);
  });

  it('3: providers that are down cost one attempt a host, once, and no request after it', async () => {
    const down = await bed.provider(reset());
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const ids = ['m1', 'm2', 'm3'];
    const keys = [{ key: secrets.groq }, { key: secrets.groq2 }];
    const config = configOf(
      {
        groq: { baseUrl: down.baseUrl, keys, models: ids.map((id) => ({ id })) },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [...ids.map((id) => `groq/${id}`), u2Name],
    );
    const gateway = await bed.gateway({
      config: { ...config, limits: { [u2Name]: { rpm: 100 } } },
      clock: createManualClock(),
    });
    assert.equal((await gateway.chat()).headers['x-fallback-trail'], 'groq/m1=network');
    for (let n = 0; n < 5; n++) assert.equal((await gateway.chat()).headers['x-fallback-attempts'], undefined);
    assert.equal(down.requests.length, 1);
  });

  it('3: one that does not begin to answer costs its time once, not at every request', async () => {
    const clock = createManualClock();
    const hanging = await bed.provider(() => undefined);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const gateway = await bed.gateway({ config: chainOf(hanging, u2), clock });
    const first = gateway.chat();
    await hanging.request(1);
    clock.advance(121 * second);
    assert.equal((await first).headers['x-fallback-trail'], `${u1Name}=slow`);
    assert.equal((await gateway.chat()).headers['x-fallback-attempts'], undefined);
    assert.equal(hanging.requests.length, 1);
  });

  /** Groq's answer with what is left, as its headers have it. */
  const withHeaders =
    (headers: Record<string, string>): Handler =>
    (request, response, n) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return chatCompletion({ text: 'one' })(request, response, n);
    };

  it('6: how much is left, of what, since when, and when it resets and runs out', async () => {
    const clock = createManualClock();
    const said = {
      'x-ratelimit-limit-requests': '200',
      'x-ratelimit-remaining-requests': '120',
      'x-ratelimit-reset-requests': '8h',
    };
    const u1 = await bed.provider(withHeaders(said));
    const config = { ...chainOf(u1), limits: { [u1Name]: { rpm: 10, tpd: 1000 } } };
    const gateway = await bed.gateway({ config, clock });
    await (await gateway.chat()).text();
    clock.advance(second);
    await (await gateway.chat()).text();
    const uses: (QuotaUse & { learnedAt: number | null; lastsUntil: number | null })[] = (
      await read(gateway, '/api/quota')
    ).data;
    const of = (kind: string) => uses.find((use) => use.kind === kind) ?? assert.fail(`no ${kind}`);
    const start = clock.now() - second;
    assert.deepEqual([of('rpm').used, of('rpm').limit, of('rpm').source], [2, 10, 'user']);
    assert.equal(of('rpm').resetsAt, start + minute + 60, 'when the first of them is forgotten');
    assert.deepEqual([of('tpd').used, of('tpd').limit, of('tpd').learnedAt], [36, 1000, null]);
    assert.deepEqual([of('rpd').limit, of('rpd').source, of('rpd').learnedAt], [200, 'header', start]);
    assert.ok(of('rpd').used >= 80, 'what others spent on the key counts');
    // Two in a second: eight more take four.
    assert.equal(of('rpm').lastsUntil, clock.now() + 4 * second);
    assert.ok(uses.every(({ keyId, resetsAt }) => keyId !== null && resetsAt >= clock.now()));
  });

  it('7: no number in prose makes a limit of a minute one of a day', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider(errorStatus(429, 'Requested 34026 tokens, code 4021. Please slow down.'));
    const u2 = await bed.provider();
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    await (await gateway.chat()).text();
    const [cooldown] = (await read(gateway, '/api/cooldowns')).data;
    assert.deepEqual([cooldown.kind, cooldown.until - clock.now()], ['rate_limit', minute]);
  });

  it('7: every cooldown shows its reason and its end, and "Retry now" lifts it', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider([errorStatus(402, 'Your balance is used up'), chatCompletion({ text: 'paid' })]);
    const gateway = await bed.gateway({ config: chainOf(u1), clock });
    assert.equal((await gateway.chat()).status, 502);
    const [cooldown] = (await read(gateway, '/api/cooldowns')).data;
    assert.deepEqual([cooldown.kind, cooldown.message], ['credit', 'Your balance is used up']);
    assert.equal(cooldown.until, clock.now() + 24 * hour);
    assert.equal((await gateway.chat()).status, 429);
    assert.equal((await gateway.api('DELETE', `/api/cooldowns/${cooldown.id}`)).status, 204);
    assert.equal(await textOf(await gateway.chat()), 'paid');
  });

  it('7: an Ollama on this machine is asked again within seconds, whatever it said', async () => {
    for (const code of [401, 402, 404, 429, 500, 503]) {
      const clock = createManualClock();
      const lab = await bed.provider([errorStatus(code, 'not now, daily limit'), chatCompletion({ text: 'here' })]);
      const models = [{ id: 'm' }];
      const config = configOf({ 'custom:ollama': { baseUrl: lab.baseUrl, keys: [{ key: 'ollama' }], models } }, [
        'custom:ollama/m',
      ]);
      const gateway = await bed.gateway({ config, clock });
      await (await gateway.chat()).text();
      clock.advance(5 * second);
      assert.equal(await textOf(await gateway.chat()), 'here', String(code));
    }
  });

  it('8: nothing but the provider’s own refusal calls a key invalid', async () => {
    const page = '<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>';
    for (const [title, answer] of [
      ['a challenge page', status(403, page, { 'content-type': 'text/html', server: 'cloudflare' })],
      ['a tier', errorStatus(403, 'This model is not available on your plan')],
      ['no credit', errorStatus(402, 'Insufficient credits')],
      ['a limit', errorStatus(429, 'slow down')],
      ['an outage', errorStatus(503, 'Service unavailable')],
      ['a broken connection', reset()],
    ] as [string, Handler][]) {
      const u1 = await bed.provider(answer);
      const u2 = await bed.provider();
      const gateway = await bed.gateway({ config: chainOf(u1, u2), clock: createManualClock() });
      assert.equal((await gateway.chat()).status, 200);
      const { health } = (await read(gateway, '/api/keys')).data[0];
      assert.notEqual(health.status, 'invalid', title);
    }
  });

  it('8: a key that its provider refuses shows the provider’s own words, and is good again as soon as it is', async () => {
    const refused = errorStatus(401, 'This key was revoked on Friday');
    const u1 = await bed.provider([refused, chatCompletion({ text: 'good again' })]);
    u1.onGet(refused);
    const clock = createManualClock();
    const gateway = await bed.gateway({ config: chainOf(u1), clock });
    assert.equal((await gateway.chat()).status, 502);
    const health = async () => (await read(gateway, '/api/keys')).data[0].health;
    const { id } = (await read(gateway, '/api/keys')).data[0];
    assert.deepEqual(
      [(await health()).status, (await health()).message],
      ['invalid', 'This key was revoked on Friday'],
    );
    const check = await (await gateway.api('POST', `/api/keys/${id}/test`)).json();
    assert.deepEqual([check.status, check.message], ['invalid', 'This key was revoked on Friday']);
    u1.onGet(reset());
    assert.equal((await (await gateway.api('POST', `/api/keys/${id}/test`)).json()).status, 'inconclusive');
    assert.equal((await health()).status, 'invalid', 'who could not be asked keeps the verdict');
    u1.onGet(status(200, { data: [] }));
    await gateway.api('POST', `/api/keys/${id}/test`);
    assert.equal((await health()).status, 'healthy');
    assert.equal(await textOf(await gateway.chat()), 'good again');
  });

  it('14: a provider that refuses what is over its limit has nothing to refuse, and all of its room is used', async () => {
    const seen = new Map<string, number>();
    const strict: Handler = (request, response, n) => {
      const key = String(request.headers.authorization);
      const count = (seen.get(key) ?? 0) + 1;
      seen.set(key, count);
      const answer = count > 10 ? errorStatus(429, 'slow down') : chatCompletion({ text: 'one' });
      return answer(request, response, n);
    };
    const u1 = await bed.provider(strict);
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const config = chainOf(u1, u2, {
      providers: { groq: { baseUrl: u1.baseUrl, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] } },
      limits: { [u1Name]: { rpm: 10 }, [u2Name]: { rpm: 1000 } },
    });
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    const answers = await Promise.all([...Array(60)].map(() => gateway.chat()));
    assert.ok(answers.every(({ status, headers }) => status === 200 && headers['x-fallback-attempts'] === undefined));
    assert.deepEqual([...seen.values()], [10, 10], 'no 429 was provoked, and no slot left');
    assert.equal(u2.requests.length, 40);
  });

  it('14: what a provider’s headers say is left holds before its first 429', async () => {
    const said = { 'x-ratelimit-limit-requests': '50', 'x-ratelimit-remaining-requests': '1' };
    const u1 = await bed.provider(withHeaders({ ...said, 'x-ratelimit-reset-requests': '10m' }));
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock: createManualClock() });
    const via: unknown[] = [];
    for (let n = 0; n < 3; n++) via.push((await gateway.chat()).headers['x-routed-via']);
    assert.deepEqual(via, [u1Name, u1Name, u2Name]);
  });

  it('14: load is spread over the keys of a model before any of them is at its limit', async () => {
    const { u1, gateway } = await twins();
    const pinned = { model: u1Name };
    for (let n = 0; n < 6; n++) await textOf(await gateway.chat(pinned));
    const sent = u1.requests.map(({ headers }) => headers.authorization);
    assert.equal(sent.filter((authorization) => authorization === `Bearer ${secrets.groq}`).length, 3);
    assert.equal(sent.filter((authorization) => authorization === `Bearer ${secrets.groq2}`).length, 3);
  });

  it('14: a request that only has to wait a few seconds waits, and no client sees a 429', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider([
      errorStatus(429, 'Please try again in 3s', { 'retry-after': '3' }),
      chatCompletion({ text: 'worth it' }),
    ]);
    const settings = { healthProbes: false, 'queue.timeoutSeconds': 10 };
    const gateway = await bed.gateway({ config: { ...chainOf(u1), settings }, clock });
    const answer = gateway.chat();
    await clock.armed(3 * second, 3 * second);
    clock.advance(3 * second);
    assert.equal(await textOf(await answer), 'worth it');
  });

  it('17: each request tells afterwards who was asked, what they said and how long it took', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-pains-'));
    try {
      const u1 = await bed.provider(errorStatus(503, 'The cluster is on fire'));
      const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
      const gateway = await bed.gateway({ config: chainOf(u1, u2), dataDir: folder });
      const tell = async () => {
        const { headers } = await gateway.chat();
        return read(gateway, `/api/requests/${headers['x-request-id']}`);
      };
      const first = await tell();
      assert.deepEqual(
        first.attempts.map(({ provider, model, kind, httpStatus }: Record<string, unknown>) => [
          `${provider}/${model}`,
          kind,
          httpStatus,
        ]),
        [
          [u1Name, 'overloaded', 503],
          [u2Name, null, 200],
        ],
      );
      assert.ok(first.attempts.every(({ ms }: { ms: number }) => ms >= 0));
      const second = await tell();
      assert.equal(second.attempts.length, 1);
      const [{ provider, why, kind, until }] = second.passedOver;
      assert.deepEqual([provider, why, kind], ['groq', 'cooldown', 'overloaded']);
      assert.ok(until > Date.now());
      await gateway.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('18: the same model at several providers is one name, with all of them behind it', async () => {
    const { u1, u2, gateway } = await twins();
    const { data } = await (await gateway.v1('/v1/models')).json();
    const names = data.map(({ id }: { id: string }) => id).filter((id: string) => id.endsWith('llama-3.3-70b'));
    assert.deepEqual(names, ['llama-3.3-70b']);
    const asked = async () => textOf(await gateway.chat({ model: 'llama-3.3-70b' }));
    assert.equal(await asked(), 'the first copy');
    u1.script(errorStatus(429, 'slow down'));
    assert.equal(await asked(), 'the second copy');
    assert.equal(await asked(), 'the second copy');
    assert.deepEqual([u1.requests.length, u2.requests.length], [3, 2]);
  });
});
