import assert from 'node:assert/strict';
import { type Back, readBack } from '../../webview/lib/chain/back.js';

describe('the way back of a deed on the chain', () => {
  it('is read as it was kept, and nonsense as none', () => {
    const back: Back = [
      { to: 'strategy', strategy: 'balanced', setting: null },
      { to: 'chain', data: [{ model: 'a/b', enabled: false }] },
      { to: 'inForce' },
    ];
    assert.deepEqual(readBack(JSON.parse(JSON.stringify(back))), back);
    for (const nonsense of [undefined, null, 5, {}, [5], [{}], [{ to: 'toString' }], [{ to: 'inForce' }, null]])
      assert.equal(readBack(nonsense), null, JSON.stringify(nonsense));
  });
});
