import assert from 'node:assert/strict';
import type { ScoreView } from '../../src/protocol/strategy.js';
import { bodyOf, savedBody, sortedBy, stepOf, switchedBody, withMoved } from '../../webview/lib/chain/order.js';
import { rowsOf } from '../../webview/lib/chain/rows.js';
import { chainModel } from './chainModels.js';

const order = ['a/1', 'b/2', 'c/3', 'd/4'];
const moved = (names: string[], anchor: string, side: 'before' | 'behind') =>
  withMoved(order, names, { anchor, side }).join();

describe('an order of models', () => {
  it('has what is moved where it lands', () => {
    assert.equal(moved(['d/4'], 'a/1', 'before'), 'd/4,a/1,b/2,c/3');
    assert.equal(moved(['a/1'], 'c/3', 'behind'), 'b/2,c/3,a/1,d/4');
    assert.equal(moved(['d/4', 'b/2'], 'a/1', 'before'), 'b/2,d/4,a/1,c/3');
  });

  it('stays the same list where a move changes nothing', () => {
    assert.equal(withMoved(order, ['a/1'], { anchor: 'b/2', side: 'before' }), order);
    assert.equal(withMoved(order, ['a/1'], { anchor: 'a/1', side: 'behind' }), order);
    assert.equal(withMoved(order, ['a/1'], { anchor: 'x/9', side: 'behind' }), order);
  });

  it('moves a row among those that are shown, past copies and what is filtered away', () => {
    const models = [chainModel('a/x', { group: 'x' }), chainModel('b/y'), chainModel('c/x', { group: 'x' })];
    const rows = rowsOf([...models, chainModel('d/off', { enabled: false })], true);
    assert.deepEqual(stepOf(rows, 'x', 1), { anchor: 'b/y', side: 'behind' });
    assert.deepEqual(stepOf(rows, 'b/y', -1), { anchor: 'a/x', side: 'before' });
    assert.equal(stepOf(rows, 'x', -1), null);
    assert.equal(stepOf(rows, 'b/y', 1), null, 'nothing goes behind what is off');
    assert.equal(stepOf(rows, 'd/off', -1), null);
  });

  const data = [chainModel('a/1'), chainModel('b/2'), chainModel('c/3', { enabled: false })];

  it('is saved with what is off', () => {
    assert.deepEqual(bodyOf(['b/2', 'c/3', 'a/1'], ['c/3']), [
      { model: 'b/2' },
      { model: 'a/1' },
      { model: 'c/3', enabled: false },
    ]);
  });

  it('can be gone back to, also where there is none', () => {
    assert.deepEqual(savedBody({ hasOrder: false, data: data.slice(0, 2) }, ['a/1', 'b/2']), null);
    assert.deepEqual(savedBody({ hasOrder: false, data }, ['a/1', 'b/2']), [{ model: 'c/3', enabled: false }]);
    assert.deepEqual(savedBody({ hasOrder: true, data }, ['b/2', 'a/1']), [
      { model: 'b/2' },
      { model: 'a/1' },
      { model: 'c/3', enabled: false },
    ]);
  });

  it('is not set by switching models on or off', () => {
    const own = ['a/1', 'b/2'];
    const free = { hasOrder: false, data };
    assert.deepEqual(switchedBody(free, own, ['a/1'], false), [
      { model: 'c/3', enabled: false },
      { model: 'a/1', enabled: false },
    ]);
    assert.equal(switchedBody(free, own, ['c/3'], true), null);
    assert.deepEqual(switchedBody({ hasOrder: true, data }, own, ['c/3'], true), [
      { model: 'a/1' },
      { model: 'b/2' },
      { model: 'c/3' },
    ]);
  });

  it('is sorted by figures, largest first, and equal ones stay as they are', () => {
    const part = (value: number) => ({ value, weight: 0.25, samples: null });
    const scored = (name: string, intelligence: number, contextWindow: number) =>
      chainModel(name, {
        contextWindow,
        score: {
          score: 0,
          reliability: part(0),
          speed: part(0),
          intelligence: part(intelligence),
          headroom: part(0),
        } satisfies ScoreView,
      });
    const models = [scored('b/1', 0.1, 8), scored('a/2', 0.9, 8), scored('c/3', 0.5, 16), chainModel('d/4')];
    const off = chainModel('e/5', { enabled: false });
    assert.equal(sortedBy([...models, off], 'intelligence')?.join(), 'a/2,c/3,b/1,d/4');
    assert.equal(sortedBy(models, 'context')?.join(), 'c/3,b/1,a/2,d/4');
    assert.equal(sortedBy(models, 'provider')?.join(), 'a/2,b/1,c/3,d/4');
    assert.equal(sortedBy(models, 'speed')?.join(), 'b/1,a/2,c/3,d/4');
    assert.equal(sortedBy(models, 'catalog'), null);
  });
});
