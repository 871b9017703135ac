import assert from 'node:assert/strict';
import { piecesOf } from '../../../webview/lib/playground/longText.js';

describe('a long text', () => {
  it('is cut into pieces that stay as they are while it grows', () => {
    for (const unit of ['x', 'a few words ', 'a line\n', '\u{1f600}', '\n', ' ', '名']) {
      const text = unit.repeat(Math.ceil(20_000 / unit.length));
      const pieces = piecesOf(text);
      assert.equal(pieces.join(''), text);
      assert.ok(pieces.every(({ length }) => length <= 4_000 && length > 0));
      assert.ok(pieces.every((piece) => !/\p{Cs}/u.test(piece)));
      for (const length of [0, 3_999, 4_000, 4_001, 9_999, 19_998]) {
        const before = piecesOf(text.slice(0, length));
        assert.deepEqual(pieces.slice(0, before.length - 1), before.slice(0, -1));
      }
    }
    assert.deepEqual(piecesOf(''), ['']);
  });
});
