import assert from 'node:assert/strict';
import { stillUndoable, type Undoable, withUndoable } from '../../webview/lib/undoList.js';

const deed = (id: string, until: number): Undoable => ({ id, text: id, until, undo: () => {} });

describe('what can be undone', () => {
  it('keeps each deed once, the newest last', () => {
    const list = withUndoable(withUndoable(withUndoable([], deed('a', 1)), deed('b', 2)), deed('a', 3));
    assert.deepEqual(
      list.map(({ id, until }) => [id, until]),
      [
        ['b', 2],
        ['a', 3],
      ],
    );
  });

  it('ends with its time', () => {
    const list = [deed('a', 10), deed('b', 20)];
    assert.equal(stillUndoable(list, 9), list);
    assert.deepEqual(stillUndoable(list, 10), [list[1]]);
  });
});
