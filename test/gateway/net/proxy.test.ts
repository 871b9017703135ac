import assert from 'node:assert/strict';
import { isBypassed, noProxy, parseProxy, proxyFromEnvironment } from '../../../src/gateway/net/proxy.js';
import { UpstreamError } from '../../../src/gateway/net/upstream.js';

describe('parseProxy', () => {
  const parse = (url: string, authorization: string | null = null) => parseProxy({ ...noProxy, url, authorization });

  it('reads schemes, default ports and credentials', () => {
    assert.equal(parseProxy(noProxy), null);
    assert.deepEqual(parse('http://us%40er:p%3Aw@proxy.corp:8080'), {
      scheme: 'http',
      hostname: 'proxy.corp',
      port: 8080,
      username: 'us@er',
      password: 'p:w',
      authorization: `Basic ${Buffer.from('us@er:p:w').toString('base64')}`,
    });
    assert.equal(parse('https://proxy.corp')?.port, 443);
    assert.equal(parse('proxy.corp:3128')?.port, 3128);
    assert.equal(parse('socks5://[::1]')?.hostname, '::1');
    assert.equal(parse('socks5h://proxy.corp')?.port, 1080);
    assert.equal(parse('socks://proxy.corp')?.scheme, 'socks5h');
    assert.equal(parse('http://u:p@proxy.corp', 'Negotiate abc')?.authorization, 'Negotiate abc');
  });

  it('refuses other schemes without repeating the URL', () => {
    for (const url of ['ftp://u:hunter2@proxy', 'http://u:hunter2@pro xy']) {
      assert.throws(
        () => parse(url),
        (error: unknown) =>
          error instanceof UpstreamError && error.kind === 'proxy' && !error.message.includes('hunter2'),
      );
    }
  });
});

describe('isBypassed', () => {
  const cases: [url: string, rules: string[], expected: boolean][] = [
    ['http://localhost:11434/', [], true],
    ['http://127.9.9.9/', [], true],
    ['http://[::1]:1234/', [], true],
    ['http://a.localhost/', [], true],
    ['https://api.groq.com/', [], false],
    ['https://api.groq.com/', ['*'], true],
    ['https://api.groq.com/', ['api.groq.com'], true],
    ['https://api.groq.com/', ['groq.com'], true],
    ['https://api.groq.com/', ['.groq.com'], true],
    ['https://api.groq.com/', ['*.groq.com'], true],
    ['https://groq.com/', ['*.groq.com'], true],
    ['https://notgroq.com/', ['groq.com'], false],
    ['https://API.GROQ.COM/', ['Groq.Com '], true],
    ['https://api.groq.com/', ['api.groq.com:443'], true],
    ['https://api.groq.com:8443/', ['api.groq.com:443'], false],
    ['http://10.1.2.3/', ['10.0.0.0/8'], true],
    ['http://11.1.2.3/', ['10.0.0.0/8'], false],
    ['http://10.1.2.3/', ['10.0.0.0/99'], false],
    ['http://[fd00::1]/', ['fd00::/8'], true],
    ['http://[fd00::1]:80/', ['[fd00::1]:80'], true],
    ['http://gpu-box:8000/', ['<local>'], true],
    ['http://gpu.box:8000/', ['<local>'], false],
    ['http://1.10.1.2/', ['10.1.2'], false],
    ['https://api.groq.com/', ['', '.'], false],
  ];
  for (const [url, rules, expected] of cases) {
    it(`${url} with [${rules.join(' ')}]: ${expected ? 'direct' : 'proxied'}`, () => {
      assert.equal(isBypassed(new URL(url), rules), expected);
    });
  }
});

describe('proxyFromEnvironment', () => {
  it('prefers HTTPS_PROXY, and lower case', () => {
    assert.deepEqual(proxyFromEnvironment({}), noProxy);
    assert.equal(proxyFromEnvironment({ HTTP_PROXY: 'http://a', ALL_PROXY: 'socks5://b' }).url, 'socks5://b');
    assert.equal(proxyFromEnvironment({ HTTPS_PROXY: 'http://a', https_proxy: 'http://b' }).url, 'http://b');
    assert.deepEqual(proxyFromEnvironment({ NO_PROXY: 'a, .b,10.0.0.0/8' }).bypass, ['a', '.b', '10.0.0.0/8']);
  });
});
