import assert from 'node:assert/strict';
import {
  keptUndoables,
  readUndoables,
  stillUndoable,
  type Undoable,
  withUndoable,
} from '../../webview/lib/undoList.js';

const deed = (id: string, until: number, kept?: unknown): Undoable => ({
  ...{ id, text: id, until, focus: `#${id}`, undo: () => {} },
  ...(kept === undefined ? {} : { kept }),
});

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

  it('is offered again by the next document of the page, for the rest of its time', () => {
    const kept = JSON.parse(JSON.stringify(keptUndoables([deed('a', 10, [1]), deed('b', 20, [2]), deed('c', 20)])));
    assert.deepEqual(readUndoables(kept, 10), [{ id: 'b', text: 'b', until: 20, focus: '#b', kept: [2] }]);
    for (const nonsense of [null, 5, {}, [null, 5, {}, { ...deed('a', 20), text: 5 }]])
      assert.deepEqual(readUndoables(nonsense, 10), []);
  });
});
