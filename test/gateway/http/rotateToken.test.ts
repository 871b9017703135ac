import assert from 'node:assert/strict';
import { useBed } from '../../support/bed.js';
import { testToken } from '../../support/gateway.js';

describe('the unified token', () => {
  const bed = useBed();

  it('is replaced at once, and kept before it holds', async () => {
    const kept: string[] = [];
    const gateway = await bed.gateway({ saveToken: async (token) => void kept.push(token) });
    const { status, json } = await gateway.api('POST', '/api/endpoint/rotate');
    assert.equal(status, 200);
    const { token, baseUrl } = await json();
    assert.match(token, /^freellmapi-[0-9a-f]{48}$/);
    assert.deepEqual([kept, baseUrl], [[token], `${gateway.url}/v1`]);
    assert.equal((await gateway.v1('/v1/models')).status, 401);
    assert.equal((await gateway.raw('/v1/models', { headers: { authorization: `Bearer ${token}` } })).status, 200);
    assert.deepEqual(await (await gateway.api('GET', '/api/endpoint')).json(), { token, baseUrl });
  });

  it('stays as it is when it cannot be kept', async () => {
    const gateway = await bed.gateway({ saveToken: () => Promise.reject(new Error('the disk is full')) });
    const { status, json } = await gateway.api('POST', '/api/endpoint/rotate');
    assert.equal(status, 503);
    assert.match((await json()).error.message, /could not be stored.*the disk is full/);
    assert.equal((await gateway.v1('/v1/models')).status, 200);
  });

  it('is not replaced where it is given', async () => {
    const gateway = await bed.gateway({ config: { token: testToken }, saveToken: async () => {} });
    const { status, json } = await gateway.api('POST', '/api/endpoint/rotate');
    assert.equal(status, 409);
    assert.equal((await json()).error.code, 'token_in_config');
  });
});
