import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { useBed } from '../support/bed.js';
import { createManualClock } from '../support/manualClock.js';
import { assertError, assertNoSecret, chainOf, u1Name } from '../support/scenario.js';

const hi = { model: 'auto', messages: [{ role: 'user', content: 'hi' }] };
const path = '/v1/chat/completions';

describe('conformance: bad input', () => {
  const bed = useBed();

  async function setUp() {
    const u1 = await bed.provider();
    const gateway = await bed.gateway({ config: chainOf(u1), clock: createManualClock() });
    return { u1, gateway };
  }

  it('case 106: no token, a wrong token and an empty one are 401, from loopback too', async () => {
    const { u1, gateway } = await setUp();
    const attempts: Record<string, string>[] = [
      {},
      { authorization: 'Bearer freellmapi-wrong' },
      { authorization: 'Bearer ' },
      { authorization: `Basic ${gateway.token}` },
      { 'x-api-key': `${gateway.token}x` },
      { 'x-api-key': '' },
    ];
    for (const headers of attempts) {
      for (const [target, body] of [
        [path, hi],
        ['/v1/models', undefined],
        ['/chat/completions', hi],
      ] as const) {
        const response = await gateway.raw(target, { headers, ...(body ? { body } : {}) });
        await assertError(response, 401, 'authentication_error', 'invalid_api_key');
      }
    }
    assert.equal(u1.requests.length, 0);
  });

  it('case 106: Bearer and x-api-key both work', async () => {
    const { gateway } = await setUp();
    const asBearer = await gateway.raw(path, { body: hi, headers: { authorization: `bearer ${gateway.token}` } });
    assert.equal(asBearer.status, 200, await asBearer.text());
    const asKey = await gateway.raw(path, { body: hi, headers: { 'x-api-key': gateway.token } });
    assert.equal(asKey.status, 200, await asKey.text());
  });

  it('the admin token opens no /v1, the unified token no /api', async () => {
    const { gateway } = await setUp();
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const v1 = await gateway.raw(path, { body: hi, headers: bearer(gateway.adminToken) });
    await assertError(v1, 401, 'authentication_error', 'invalid_api_key');
    for (const target of ['/api/state', '/api/keys', '/api/events', '/api/settings']) {
      const api = await gateway.raw(target, { headers: bearer(gateway.token) });
      await assertError(api, 401, 'authentication_error', 'invalid_api_key');
      const none = await gateway.raw(target);
      await assertError(none, 401, 'authentication_error', 'invalid_api_key');
    }
    assert.equal((await gateway.raw('/api/state', { headers: bearer(gateway.adminToken) })).status, 200);
  });

  it('case 107: a foreign Host is 403 everywhere, token or not', async () => {
    const { u1, gateway } = await setUp();
    const headers = { authorization: `Bearer ${gateway.token}` };
    const admin = { authorization: `Bearer ${gateway.adminToken}` };
    for (const host of [
      'evil.example',
      `evil.example:${gateway.port}`,
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '192.168.1.7',
    ]) {
      for (const [target, init] of [
        [path, { headers: { ...headers, host }, body: hi }],
        ['/v1/models', { headers: { ...headers, host } }],
        ['/api/state', { headers: { ...admin, host } }],
        ['/livez', { headers: { host } }],
        ['/readyz', { headers: { host } }],
      ] as const) {
        await assertError(await gateway.raw(target, init), 403, 'permission_error', 'forbidden_host');
      }
    }
    assert.equal(u1.requests.length, 0);
    for (const host of ['localhost', 'localhost:9999', '127.0.0.1', '[::1]:3001', `LOCALHOST:${gateway.port}`]) {
      assert.equal((await gateway.raw('/v1/models', { headers: { ...headers, host } })).status, 200, host);
    }
  });

  it('a foreign Origin is 403, and a CORS preflight is refused', async () => {
    const { u1, gateway } = await setUp();
    const headers = { authorization: `Bearer ${gateway.token}` };
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
      const response = await gateway.raw(path, { headers: { ...headers, origin }, body: hi });
      assert.equal(response.headers['access-control-allow-origin'], undefined);
      await assertError(response, 403, 'permission_error', 'forbidden_origin');
      const preflight = await gateway.raw(path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type',
        },
      });
      assert.equal(preflight.headers['access-control-allow-origin'], undefined);
      assert.equal(preflight.headers['access-control-allow-methods'], undefined);
      await assertError(preflight, 403, 'permission_error', 'forbidden_origin');
    }
    assert.equal(u1.requests.length, 0);
  });

  const bodies: [string, string, string | null][] = [
    ['no JSON', '{"model": "auto", messages', null],
    ['an empty body', '', null],
    ['an array', '[1,2]', null],
    ['a number', '7', null],
    ['null', 'null', null],
    ['no messages', '{"model":"auto"}', 'messages'],
    ['empty messages', '{"model":"auto","messages":[]}', 'messages'],
    ['messages that are no list', '{"model":"auto","messages":"hi"}', 'messages'],
    ['a message that is no object', '{"model":"auto","messages":["hi"]}', 'messages[0]'],
    ['an unknown role', '{"model":"auto","messages":[{"role":"wizard","content":"hi"}]}', 'messages[0].role'],
    ['no role', '{"model":"auto","messages":[{"content":"hi"}]}', 'messages[0].role'],
    ['a model that is a number', '{"model":7,"messages":[{"role":"user","content":"hi"}]}', 'model'],
    ['n above 1', '{"model":"auto","n":2,"messages":[{"role":"user","content":"hi"}]}', 'n'],
    ['tools that are no list', '{"model":"auto","tools":7,"messages":[{"role":"user","content":"hi"}]}', 'tools'],
  ];
  for (const [title, body, param] of bodies) {
    it(`${title} is 400, and nobody is asked`, async () => {
      const { u1, gateway } = await setUp();
      const response = await gateway.v1(path, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      const error = await assertError(response, 400, 'invalid_request_error', 'invalid_request');
      if (param === null) assert.equal(error.param, null);
      else assert.ok(error.param?.startsWith(param.replace(/\[.*/, '')), `param ${error.param}, expected ${param}`);
      assert.equal(u1.requests.length, 0);
    });
  }

  it('n: 1 is fine', async () => {
    const { gateway } = await setUp();
    assert.equal((await gateway.chat({ n: 1 })).status, 200);
  });

  it('a body without a content type, or with another, is read as JSON all the same', async () => {
    const { gateway } = await setUp();
    for (const headers of [{}, { 'content-type': 'text/plain' }]) {
      const response = await gateway.v1(path, { body: JSON.stringify(hi), headers });
      assert.equal(response.status, 200);
    }
  });

  it('33 MB in chunks, no length announced, is 413', async () => {
    const { u1, gateway } = await setUp();
    const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const outgoing = httpRequest(gateway.url + path, {
        method: 'POST',
        agent: false,
        headers: { authorization: `Bearer ${gateway.token}`, 'content-type': 'application/json' },
      });
      let isAnswered = false;
      outgoing.on('response', (incoming) => {
        isAnswered = true;
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part: string) => {
          text += part;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      });
      outgoing.on('error', (error) => {
        if (!isAnswered) reject(error);
      });
      outgoing.write('{"model":"auto","messages":[{"role":"user","content":"');
      for (let n = 0; n < 33; n += 1) outgoing.write('x'.repeat(1024 * 1024));
      outgoing.end('"}]}');
    });
    assert.equal(answer.status, 413);
    assert.equal(JSON.parse(answer.text).error.code, 'request_too_large');
    assert.equal(u1.requests.length, 0);
    assert.equal((await gateway.chat()).status, 200);
  });

  it('an unknown path is 404 in the same shape', async () => {
    const { gateway } = await setUp();
    for (const [method, target] of [
      ['GET', '/v1/nothing'],
      ['POST', '/v1/nothing/here'],
      ['GET', '/nothing'],
      ['GET', '/'],
      ['GET', '/v1/models/no/such/model'],
    ] as const) {
      const response = await gateway.v1(target, { method });
      const isModel = target.startsWith('/v1/models/');
      await assertError(response, 404, 'invalid_request_error', isModel ? 'model_not_found' : 'not_found');
    }
    const api = await gateway.api('GET', '/api/nothing');
    await assertError(api, 404, 'invalid_request_error', 'not_found');
  });

  it('a wrong method on a known path is a clear error of the same shape', async () => {
    const { gateway } = await setUp();
    const response = await gateway.v1(path, { method: 'GET' });
    const text = await response.text();
    assert.ok(response.status === 404 || response.status === 405, text);
    assert.equal(typeof JSON.parse(text).error.message, 'string');
    assert.ok(response.headers['x-request-id']);
  });

  it('an unknown model comes with the nearest names', async () => {
    const { u1, gateway } = await setUp();
    for (const model of ['groq/llama-3.3-70b-versatil', 'lama-3.3-70b-versatile']) {
      const response = await gateway.chat({ model });
      const error = await assertError(response, 404, 'invalid_request_error', 'model_not_found');
      assert.ok(error.message.includes(u1Name) || error.message.includes(u1Name.slice(5)), error.message);
    }
    assert.equal(u1.requests.length, 0);
  });

  it('nothing of all that logs a token or what was said', async () => {
    const { gateway } = await setUp();
    await (await gateway.chat({ messages: [{ role: 'wizard', content: 'a secret prompt' }] })).text();
    await (await gateway.v1(path, { body: '{"broken": "a secret prompt' })).text();
    await (await gateway.chat({ messages: [{ role: 'user', content: 'a secret prompt' }] })).text();
    const logs = JSON.stringify(gateway.logs);
    assertNoSecret(logs);
    assert.ok(!logs.includes('a secret prompt'));
  });
});
