import assert from 'node:assert/strict';
import { fromPage } from '../../../src/protocol/pages.js';
import { refusalOf } from '../../../src/vscode/panels/refusal.js';

describe('a link of a page', () => {
  it('is https, and leads where it looks like', () => {
    const isTaken = (url: string) => fromPage.safeParse({ type: 'openExternal', url }).success;
    assert.ok(isTaken('https://a.b/c?d=e@f'));
    for (const url of ['http://a.b', 'https://a.b@c.d', 'https://a:b@c.d', 'vscode://x', 'javascript:1', ''])
      assert.equal(isTaken(url), false, url);
  });
});

describe('a message of a page that is not understood', () => {
  it('is answered where the page waits', () => {
    const call = refusalOf({ type: 'call', id: 7, method: 'GET', path: 'x'.repeat(3_000) });
    assert.ok(call?.type === 'answer' && call.id === 7 && !call.ok);
    const saved = refusalOf({ type: 'conversations', id: 8, request: { deed: 'read', conversation: '../x' } });
    assert.ok(saved?.type === 'answer' && saved.id === 8 && !saved.ok);
    const chat = refusalOf({ type: 'chat.start', id: 'aaaaaaaa', body: { model: 'x'.repeat(2_000) } });
    assert.ok(chat?.type === 'chat.end' && chat.id === 'aaaaaaaa' && chat.end.kind === 'failed');
    for (const other of [null, 5, 'call', {}, { type: 'call' }, { type: 'chat.start', id: 3 }, { type: 'copy' }])
      assert.equal(refusalOf(other), null);
  });
});
