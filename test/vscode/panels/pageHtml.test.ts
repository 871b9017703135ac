import assert from 'node:assert/strict';
import type { PageInit } from '../../../src/protocol/pages.js';
import { frameEndpoint, frameGateway, maskToken } from '../../../src/vscode/panels/frame.js';
import { pageHtml } from '../../../src/vscode/panels/pageHtml.js';

const init: PageInit = {
  page: 'keys',
  pages: [{ id: 'keys', title: 'Keys & "more" <b>' }],
  locale: 'en',
  texts: { a: '</script><script>alert(1)</script><!--' },
  frame: { gateway: { kind: 'down', reason: 'error', message: '<img onerror=x>' }, endpoint: null, removing: [] },
};
const html = pageHtml({
  script: 'https://x/keys.js',
  style: 'https://x/keys.css',
  cspSource: 'https://x',
  nonce: 'n0',
  init,
});

describe('a page’s document', () => {
  it('runs its own script and nothing else, and connects to nowhere', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1]?.replaceAll('&#39;', "'");
    const rules = new Map(policy?.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]));
    assert.equal(rules.get('default-src'), "'none'");
    assert.equal(rules.get('connect-src'), "'none'");
    assert.equal(rules.get('script-src'), "'nonce-n0'");
    assert.ok(!policy?.includes('unsafe'));
    assert.deepEqual(
      [...html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag),
      ['<script type="application/json" id="init">', '<script type="module" nonce="n0" src="https://x/keys.js">'],
    );
  });

  it('holds what the page begins with, whatever is in it', () => {
    const data = /id="init">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
    assert.deepEqual(JSON.parse(data), init);
    assert.ok(html.includes('<title>Keys &#38; &#34;more&#34; &#60;b&#62;</title>'));
  });
});

describe('the frame of the pages', () => {
  it('never has the token', () => {
    const token = 'freellmapi-0123456789abcdef0123456789abcdef';
    assert.equal(maskToken(token), 'freellmapi-…cdef');
    assert.equal(maskToken('freellmapi-short'), 'freellmapi-…');
    assert.equal(maskToken('of the user’s own, long enough'), '…ough');
    assert.deepEqual(frameEndpoint({ baseUrl: 'http://h/v1', token }), {
      baseUrl: 'http://h/v1',
      tokenMask: 'freellmapi-…cdef',
    });
  });

  it('says how things are with the gateway', () => {
    const up = { url: 'http://127.0.0.1:3001', port: 3001 };
    assert.deepEqual(frameGateway({ kind: 'running', ...up }), { kind: 'up', url: up.url, isHere: true });
    assert.deepEqual(frameGateway({ kind: 'following', ...up, version: '1' }), {
      kind: 'up',
      url: up.url,
      isHere: false,
    });
    assert.deepEqual(frameGateway({ kind: 'stopped', reason: 'crashed', message: 'm' }), {
      kind: 'down',
      reason: 'crashed',
      message: 'm',
    });
  });
});
