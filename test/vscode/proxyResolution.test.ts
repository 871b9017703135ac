import assert from 'node:assert/strict';
import { type RawProxySettings, resolveProxy } from '../../src/vscode/proxyResolution.js';

const unset: RawProxySettings = {
  proxy: '',
  noProxy: [],
  strictTls: true,
  authorization: null,
  support: 'override',
};

describe('proxy settings', () => {
  it('are none by default', () => {
    assert.deepEqual(resolveProxy(unset, {}, []), {
      url: null,
      bypass: [],
      strictTls: true,
      certificates: [],
      authorization: null,
    });
  });

  it('come from VS Code first, then from the environment', () => {
    const env = { https_proxy: 'http://env:1', NO_PROXY: 'localhost, .corp' };
    assert.deepEqual(resolveProxy(unset, env, ['pem']), {
      url: 'http://env:1',
      bypass: ['localhost', '.corp'],
      strictTls: true,
      certificates: ['pem'],
      authorization: null,
    });
    const set = {
      ...unset,
      proxy: ' http://set:2 ',
      noProxy: ['a.corp', 7],
      strictTls: false,
      authorization: 'Basic x',
    };
    assert.deepEqual(resolveProxy(set, env, []), {
      url: 'http://set:2',
      bypass: ['a.corp'],
      strictTls: false,
      certificates: [],
      authorization: 'Basic x',
    });
    assert.equal(resolveProxy(unset, { HTTP_PROXY: 'http://up:3' }, []).url, 'http://up:3');
  });

  it('are none when proxy support is off, whatever else is set', () => {
    const off = { ...unset, support: 'off', proxy: 'http://set:2', authorization: 'Basic x' };
    const found = resolveProxy(off, { HTTPS_PROXY: 'http://env:1' }, []);
    assert.deepEqual([found.url, found.authorization], [null, null]);
  });
});
