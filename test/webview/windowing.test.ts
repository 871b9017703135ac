import assert from 'node:assert/strict';
import { placedRows, Slots, spanAt } from '../../webview/lib/windowing.js';

describe('the rows of a long list that are in the document', () => {
  const none = new Map<number, number>();

  it('are those that are seen and some around', () => {
    assert.deepEqual(spanAt(350, 28, none, { top: -200, bottom: 700 }), { from: 0, to: 40 });
    assert.deepEqual(spanAt(350, 28, none, { top: 2800, bottom: 3640 }), { from: 80, to: 144 });
    assert.deepEqual(spanAt(350, 28, none, { top: 9000, bottom: 9900 }), { from: 304, to: 350 });
  });

  it('stay the same while a scroll is short', () => {
    const at = (top: number) => spanAt(350, 28, none, { top, bottom: top + 840 });
    assert.deepEqual(at(2804), at(2820));
  });

  it('are all of a short list, and none of an empty one', () => {
    assert.deepEqual(spanAt(9, 28, none, { top: -100, bottom: 800 }), { from: 0, to: 9 });
    assert.deepEqual(spanAt(0, 28, none, { top: -100, bottom: 800 }), { from: 0, to: 0 });
  });

  it('take into account that some are higher', () => {
    const open = new Map([[10, 5_600]]);
    // Without it row 210 would be the first that is seen.
    assert.deepEqual(spanAt(350, 28, open, { top: 5_880, bottom: 6_720 }), { from: 0, to: 56 });
  });

  it('hold nothing of a list that ends above what is seen but its end', () => {
    assert.deepEqual(spanAt(20, 28, none, { top: 5_000, bottom: 5_900 }), { from: 8, to: 20 });
  });

  it('are placed with what is left out before each', () => {
    const rows = [...'abcdefghij'];
    assert.deepEqual(
      placedRows(rows, { from: 4, to: 6 }, (row) => row === 'b' || row === 'i'),
      {
        placed: [
          { row: 'b', index: 1, skipped: 1 },
          { row: 'e', index: 4, skipped: 2 },
          { row: 'f', index: 5, skipped: 0 },
          { row: 'i', index: 8, skipped: 2 },
        ],
        skippedAtEnd: 1,
      },
    );
    assert.deepEqual(
      placedRows(rows, { from: 0, to: 99 }, () => false).placed.map(({ row }) => row),
      rows,
    );
    assert.deepEqual(
      placedRows([], { from: 0, to: 9 }, () => true),
      { placed: [], skippedAtEnd: 0 },
    );
  });

  it('keep their numbers, and leave them to others when they go', () => {
    const slots = new Slots();
    assert.deepEqual(slots.assign(['a', 'b', 'c']), [0, 1, 2]);
    assert.deepEqual(slots.assign(['c', 'b', 'd']), [2, 1, 0]);
    assert.deepEqual(slots.assign(['d']), [0]);
    const more = slots.assign(['x', 'd', 'y', 'z']);
    assert.equal(more[1], 0);
    assert.deepEqual([...more].sort(), [0, 1, 2, 3]);
  });
});
