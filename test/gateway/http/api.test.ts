import assert from 'node:assert/strict';
import type { KeyView } from '../../../src/protocol/keys.js';
import { useBed } from '../../support/bed.js';
import { createManualClock } from '../../support/manualClock.js';
import { chatCompletion, errorStatus, json } from '../../support/provider.js';
import { assertError, assertNoSecret, chainOf, secrets, textOf } from '../../support/scenario.js';

describe('admin API', () => {
  const bed = useBed();

  it('adds a custom endpoint after a check, answers through it, shows it masked, and removes it', async () => {
    const lab = await bed.provider(chatCompletion({ text: 'from the lab' }));
    lab.onGet(json(200, { data: [{ id: 'm1' }] }));
    const gateway = await bed.gateway();
    const input = {
      provider: 'custom:lab',
      baseUrl: lab.baseUrl,
      key: 'lab-secret-1234567890',
      label: 'mine',
      check: true,
    };
    const added = await gateway.api('POST', '/api/keys', input);
    assert.equal(added.status, 201);
    const { key, check } = (await added.json()) as { key: KeyView; check: { status: string; models: number } };
    assert.deepEqual([check.status, check.models, key.mask, key.label], ['healthy', 1, '…7890', 'mine']);
    assert.equal(await textOf(await gateway.chat()), 'from the lab');
    const listed = await (await gateway.api('GET', '/api/keys')).text();
    assert.ok(!listed.includes('lab-secret'));
    assert.equal((await gateway.api('DELETE', `/api/keys/${key.id}`)).status, 204);
    await assertError(await gateway.chat(), 503, 'api_error', 'no_providers_configured');
  });

  it('does not keep a key that its provider refuses, and gives the provider’s words without the key', async () => {
    const lab = await bed.provider();
    lab.onGet(errorStatus(401, `Incorrect API key provided: ${secrets.groq}`));
    const gateway = await bed.gateway();
    const refused = await gateway.api('POST', '/api/keys', {
      provider: 'custom:lab',
      baseUrl: lab.baseUrl,
      key: secrets.groq,
      check: true,
    });
    assert.equal(refused.status, 422);
    const text = await refused.text();
    assert.equal(JSON.parse(text).error.code, 'key_invalid');
    assertNoSecret(text);
    assert.deepEqual((await (await gateway.api('GET', '/api/keys')).json()).data, []);
  });

  it('names the field of a bad body', async () => {
    const gateway = await bed.gateway();
    const response = await gateway.api('POST', '/api/keys', { provider: 7 });
    await assertError(response, 400, 'invalid_request_error', 'invalid_request');
    const unknown = await gateway.api('POST', '/api/keys', { provider: 'nope', key: 'x'.repeat(20) });
    await assertError(unknown, 400, 'invalid_request_error', 'invalid_request');
    const pasted = await gateway.api('POST', '/api/keys', { provider: 'groq', key: 'GROQ_API_KEY="gsk_…"' });
    const { message } = await assertError(pasted, 400, 'invalid_request_error', 'invalid_request');
    assert.match(message, /still the placeholder/);
    const missing = await gateway.api('DELETE', '/api/keys/none');
    await assertError(missing, 404, 'invalid_request_error', 'not_found');
  });

  it('adds a keyless custom endpoint whose models are there when it says so', async () => {
    const lab = await bed.provider(chatCompletion({ text: 'keyless' }));
    lab.onGet(json(200, { data: [{ id: 'm1' }, { id: 'm2' }] }));
    const gateway = await bed.gateway();
    const added = await gateway.api('POST', '/api/keys', { provider: 'custom:lab', baseUrl: lab.baseUrl });
    assert.equal(added.status, 201);
    const state = await (await gateway.api('GET', '/api/state')).json();
    assert.deepEqual([state.counts.models, state.canAnswer], [2, true]);
    assert.equal(await textOf(await gateway.chat()), 'keyless');
  });

  it('refuses keys and names that could not be sent, also when a key is replaced', async () => {
    const lab = await bed.provider();
    const stored = { id: 'k1', provider: 'groq', label: '', enabled: true, secret: secrets.groq };
    const gateway = await bed.gateway({ keys: [stored] });
    const replaced = await gateway.api('PATCH', '/api/keys/k1', { key: 'two\nlines' });
    await assertError(replaced, 400, 'invalid_request_error', 'invalid_request');
    const moved = await gateway.api('POST', '/api/keys', {
      provider: 'groq',
      baseUrl: lab.baseUrl,
      key: 'gsk_0123456789',
    });
    assert.deepEqual([moved.status, (await moved.json()).error.param], [400, 'baseUrl'], 'it would be asked elsewhere');
    const named = await gateway.api('POST', '/api/keys', { provider: 'custom:../x', baseUrl: lab.baseUrl });
    await assertError(named, 400, 'invalid_request_error', 'invalid_request');
  });

  it('lists a cooldown with its reason and lifts it', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider([errorStatus(429, 'slow down'), chatCompletion({ text: 'again' })]);
    const gateway = await bed.gateway({ config: chainOf(u1), clock });
    assert.equal((await gateway.chat()).status, 429);
    const { data } = await (await gateway.api('GET', '/api/cooldowns')).json();
    assert.deepEqual([data[0].kind, data[0].provider], ['rate_limit', 'groq']);
    assert.equal((await gateway.api('DELETE', `/api/cooldowns/${data[0].id}`)).status, 204);
    assert.equal(await textOf(await gateway.chat()), 'again');
  });

  it('keeps settings that are given and refuses unknown ones', async () => {
    const gateway = await bed.gateway();
    const changed = await gateway.api('PUT', '/api/settings', { demo: true });
    assert.equal((await changed.json()).demo, true);
    assert.match(await textOf(await gateway.chat()), /demo/i);
    assert.equal((await gateway.api('PUT', '/api/settings', { colour: 'red' })).status, 400);
  });

  it('describes itself', async () => {
    const gateway = await bed.gateway();
    const document = await (await gateway.api('GET', '/api/openapi.json')).json();
    assert.equal(document.openapi, '3.1.0');
    for (const [path, methods] of Object.entries<Record<string, unknown>>(document.paths)) {
      for (const method of Object.keys(methods)) {
        if (path === '/api/events') continue;
        const response = await gateway.api(
          method.toUpperCase(),
          path.replace('{id}', 'none'),
          method === 'get' ? undefined : {},
        );
        const { error } = response.status < 400 || response.status === 204 ? { error: null } : await response.json();
        assert.ok(error === null || !/There is nothing at/.test(error.message), `${method} ${path} is served`);
      }
    }
  });
});
