import assert from 'node:assert/strict';
import { readSessionId } from '../../../../src/gateway/routing/sticky/sessionIds.js';

const uuid = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('readSessionId', () => {
  it('takes the first of all that a client may send, in the order of the docs', () => {
    const body: Record<string, unknown> = {
      session_id: 'body',
      prompt_cache_key: 'cache',
      metadata: { session_id: 'metadata', user_id: JSON.stringify({ session_id: 'user' }) },
    };
    const headers: Record<string, string> = {
      'x-session-id': 'x',
      'x-claude-code-session-id': 'claude',
      'session-id': 'codex',
    };
    assert.equal(readSessionId(body, headers), 'body');
    delete body['session_id'];
    for (const [name, id] of Object.entries(headers)) {
      assert.equal(readSessionId(body, headers), id);
      delete headers[name];
    }
    assert.equal(readSessionId(body, headers), 'cache');
    delete body['prompt_cache_key'];
    assert.equal(readSessionId(body, headers), 'metadata');
    body['metadata'] = { user_id: JSON.stringify({ device_id: 'd', session_id: 'user' }) };
    assert.equal(readSessionId(body, headers), 'user');
    delete body['metadata'];
    assert.equal(readSessionId(body, headers), null);
  });

  it("reads Claude Code's former user id", () => {
    assert.equal(readSessionId({ metadata: { user_id: `user_ab12_account_${uuid}_session_${uuid}` } }, {}), uuid);
    assert.equal(readSessionId({ metadata: { user_id: 'mary' } }, {}), null);
  });

  it('passes over what is no id', () => {
    const nothing = [null, '', '  ', {}, [], true, 'x'.repeat(1001)];
    for (const value of nothing) {
      const body = { session_id: value, prompt_cache_key: value, metadata: { session_id: value, user_id: value } };
      assert.equal(readSessionId(body, { 'x-session-id': ' ' }), null);
      assert.equal(readSessionId(body, { 'session-id': 'real' }), 'real');
    }
    for (const metadata of [null, 'text', [], { user_id: '{broken' }, { user_id: '[]' }, { user_id: '{}' }]) {
      assert.equal(readSessionId({ metadata }, {}), null);
    }
    assert.equal(readSessionId(null, {}), null);
    assert.equal(readSessionId({ session_id: 42 }, {}), '42');
  });
});
