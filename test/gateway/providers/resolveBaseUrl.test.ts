import assert from 'node:assert/strict';
import { fillAccountId, joinEndpoint, splitSecret } from '../../../src/gateway/providers/resolveBaseUrl.js';

describe('joinEndpoint', () => {
  const expected = 'https://h.example/v1/chat/completions';
  for (const base of [
    'https://h.example/v1',
    'https://h.example/v1/',
    'https://h.example/v1//',
    'https://h.example//v1',
    ' https://h.example/v1 ',
    'https://h.example/v1/chat/completions',
    'https://h.example/v1/chat/completions/',
    'https://h.example/v1/models',
  ]) {
    it(`takes "${base}"`, () => {
      assert.equal(joinEndpoint(base, '/chat/completions'), expected);
      assert.equal(joinEndpoint(base, 'chat/completions'), expected);
    });
  }
  it('takes Cohere’s full endpoint', () => {
    assert.equal(joinEndpoint('https://api.cohere.com/v2/chat', 'v2/chat'), 'https://api.cohere.com/v2/chat');
  });
  it('keeps a query of the base, and an absolute path as it is', () => {
    assert.equal(joinEndpoint('https://h/v1?api-version=1', 'models'), 'https://h/v1/models?api-version=1');
    assert.equal(joinEndpoint('https://h/v1', 'https://other/models'), 'https://other/models');
  });
});

describe('splitSecret and fillAccountId', () => {
  it('split at the first colon', () => {
    assert.deepEqual(splitSecret('acc:to:ken'), { accountId: 'acc', token: 'to:ken' });
    assert.deepEqual(splitSecret('token'), { accountId: null, token: 'token' });
  });
  it('put the id where it belongs', () => {
    assert.equal(fillAccountId('https://h/accounts/{account_id}/ai/v1', 'a/b'), 'https://h/accounts/a%2Fb/ai/v1');
  });
});
