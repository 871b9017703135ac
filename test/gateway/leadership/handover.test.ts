import assert from 'node:assert/strict';
import { createInheritance, openKeys, sealKeys } from '../../../src/gateway/leadership/handover.js';
import type { StoredKey } from '../../../src/protocol/worker.js';

const key = (id: string, secret = `secret-of-${id}`): StoredKey => ({
  id,
  provider: 'groq',
  label: id,
  enabled: true,
  secret,
});
const ids = (keys: StoredKey[]) => keys.map(({ id }) => id);

describe('handover', () => {
  it('is read by who holds the secret, of this instance, unchanged', () => {
    const sealed = sealKeys('secret', 'one', [key('a')]);
    assert.deepEqual(openKeys('secret', 'one', sealed), [key('a')]);
    assert.ok(!Buffer.from(sealed.sealed, 'base64').toString('latin1').includes('secret-of-a'));
    assert.throws(() => openKeys('other', 'one', sealed));
    assert.throws(() => openKeys('secret', 'two', sealed));
    const bytes = Buffer.from(sealed.sealed, 'base64');
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    assert.throws(() => openKeys('secret', 'one', { sealed: bytes.toString('base64') }));
    assert.throws(() => openKeys('secret', 'one', { sealed: '' }));
  });

  it('leaves what is stored as it is where nothing was handed over', () => {
    assert.deepEqual(createInheritance().merge([key('a')]), { keys: [key('a')], isMore: false });
  });

  it('puts the leader’s keys first and keeps those of this editor alone', () => {
    const inheritance = createInheritance();
    inheritance.received([key('a', 'renewed'), key('b')]);
    const { keys, isMore } = inheritance.merge([key('a'), key('c'), key('b2', 'secret-of-b')]);
    assert.deepEqual(ids(keys), ['a', 'b', 'c'], 'the same secret of the same provider is one key');
    assert.deepEqual([keys[0]?.secret, isMore], ['renewed', true]);
    assert.deepEqual(ids(inheritance.merge([]).keys), ['a', 'b'], 'also after a bind that failed');
    inheritance.received([key('a')]);
    assert.equal(inheritance.merge([key('a')]).isMore, false);
  });

  it('forgets what was removed, unless it came back', () => {
    const inheritance = createInheritance();
    inheritance.received([key('a'), key('b')]);
    inheritance.removed('b');
    inheritance.received([key('a')]);
    assert.deepEqual(ids(inheritance.merge([key('a'), key('b')]).keys), ['a']);
    inheritance.received([key('a'), key('b')]);
    assert.deepEqual(ids(inheritance.merge([key('a')]).keys), ['a', 'b']);
  });
});
