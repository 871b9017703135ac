import assert from 'node:assert/strict';
import { openKeys } from '../../../src/gateway/leadership/handover.js';
import { SCHEMA_VERSION } from '../../../src/gateway/ledger/schema.js';
import { credentialOf, verifyProof } from '../../../src/loopback/proof.js';
import { useBed } from '../../support/bed.js';
import { testInstance, testSecret, testToken } from '../../support/gateway.js';
import { assertError, secrets } from '../../support/scenario.js';

const nonce = '00112233445566778899aabbccddeeff';
const credential = credentialOf(testSecret, testInstance);
const stored = { id: 'k1', provider: 'groq', label: 'mine', enabled: true, secret: secrets.groq };

describe('whois', () => {
  const bed = useBed();

  it('proves the gateway to whoever asks, for this nonce, port and instance', async () => {
    const gateway = await bed.gateway();
    const response = await gateway.raw(`/api/whois?nonce=${nonce}`);
    assert.equal(response.status, 200);
    assert.ok(response.headers['x-request-id']);
    const { proof, ...rest } = await response.json();
    assert.deepEqual(rest, {
      app: 'freellm',
      instance: testInstance,
      version: '0.0.0-test',
      schema: SCHEMA_VERSION,
    });
    assert.ok(verifyProof(testSecret, { nonce, port: gateway.port, instance: testInstance }, proof));
    assert.ok(!verifyProof(testSecret, { nonce, port: gateway.port + 1, instance: testInstance }, proof));
  });

  it('checks Host and Origin like everything else', async () => {
    const gateway = await bed.gateway();
    const ask = (headers: Record<string, string>) => gateway.raw(`/api/whois?nonce=${nonce}`, { headers });
    await assertError(await ask({ host: 'evil.example' }), 403, 'permission_error', 'forbidden_host');
    await assertError(await ask({ origin: 'http://evil.example' }), 403, 'permission_error', 'forbidden_origin');
    assert.equal((await ask({ host: 'localhost:9' })).status, 200);
  });

  it('refuses what is no nonce', async () => {
    const gateway = await bed.gateway();
    for (const query of ['', '?nonce=', '?nonce=abc', `?nonce=${'a'.repeat(129)}`, '?nonce=0123456789abcdeg']) {
      const error = await assertError(
        await gateway.raw(`/api/whois${query}`),
        400,
        'invalid_request_error',
        'invalid_request',
      );
      assert.equal(error.param, 'nonce');
    }
  });

  it('opens the admin API to the credential of this instance, never to the unified token', async () => {
    const gateway = await bed.gateway({ keys: [stored] });
    const ask = (path: string, bearer: string) => gateway.raw(path, { headers: { authorization: `Bearer ${bearer}` } });
    for (const path of ['/api/state', '/api/keys', '/api/endpoint']) {
      assert.equal((await ask(path, credential)).status, 200, path);
      assert.equal((await ask(path, gateway.adminToken)).status, 200, path);
      for (const wrong of [testToken, credentialOf(testSecret, 'another'), credentialOf('another', testInstance)]) {
        await assertError(await ask(path, wrong), 401, 'authentication_error', 'invalid_api_key');
      }
    }
    assert.equal((await ask('/v1/models', credential)).status, 401);
  });

  it('tells followers what clients need', async () => {
    const gateway = await bed.gateway();
    const { baseUrl, token } = await (await gateway.api('GET', '/api/endpoint')).json();
    assert.deepEqual([baseUrl, token], [`${gateway.url}/v1`, gateway.token]);
  });

  it('hands the keys to followers alone, sealed', async () => {
    const gateway = await bed.gateway({ keys: [stored] });
    const ask = (bearer: string) => gateway.raw('/api/handover', { headers: { authorization: `Bearer ${bearer}` } });
    for (const wrong of [gateway.adminToken, testToken]) {
      await assertError(await ask(wrong), 401, 'authentication_error', 'invalid_api_key');
    }
    const text = await (await ask(credential)).text();
    assert.ok(!text.includes(secrets.groq));
    assert.deepEqual(openKeys(testSecret, testInstance, JSON.parse(text)), [stored]);
    assert.throws(() => openKeys('another', testInstance, JSON.parse(text)));
  });

  it('ends live events at once when the gateway closes, so that followers take their turn', async () => {
    const gateway = await bed.gateway();
    const events = await gateway.api('GET', '/api/events');
    const closed = gateway.closeIn(60_000);
    assert.match(await events.text(), /^event: gateway\.changed\n/);
    await closed;
  });
});
