import assert from 'node:assert/strict';
import { filteredRows, inOrder, inOut, leftOf, type RowFilter, rowsOf } from '../../webview/lib/chain/rows.js';
import { chainModel, today } from './chainModels.js';

const ids = (rows: readonly { id: string }[]) => rows.map(({ id }) => id).join();
const ALL: RowFilter = { search: '', state: 'all', can: [], provider: null };

describe('the rows of the chain', () => {
  const one = chainModel('a/gpt', { group: 'gpt' });
  const two = chainModel('b/other');
  const three = chainModel('c/gpt', { group: 'gpt' });
  const off = chainModel('a/off', { enabled: false });

  it('put copies of a model together where the first of them is tried', () => {
    const rows = rowsOf([two, one, three, off], true);
    assert.equal(ids(rows), 'b/other,gpt,a/off');
    assert.deepEqual(
      rows.map(({ place }) => place),
      [1, 2, null],
    );
    assert.deepEqual(rows[1]?.members, [one, three]);
  });

  it('name what they stand for without the provider, where it is more than one', () => {
    const copies = [
      { ...one, name: 'GPT (A)' },
      { ...three, name: 'GPT (C)' },
    ];
    const names = (isGrouped: boolean) => rowsOf(copies, isGrouped).map(({ name }) => name);
    assert.deepEqual(names(true), ['GPT']);
    assert.deepEqual(names(false), ['GPT (A)', 'GPT (C)']);
  });

  it('are one for each copy when that is wanted', () => {
    const rows = rowsOf([two, one, three, off], false);
    assert.equal(ids(rows), 'b/other,a/gpt,c/gpt,a/off');
    assert.deepEqual(
      rows.map(({ place }) => place),
      [1, 2, 3, null],
    );
  });

  it('keep an order of names; what it does not know follows, what is off comes last', () => {
    const models = inOrder([off, one, two, three], ['c/gpt', 'a/off', 'b/other']);
    assert.deepEqual(models, [three, two, one, off]);
  });

  it('say of several copies whether all, some or none are asked', () => {
    const all = rowsOf([one, three], true)[0];
    const some = rowsOf([one, { ...three, enabled: false }], true)[0];
    const none = rowsOf([off], true)[0];
    assert.deepEqual(
      [all, some, none].map((row) => row && inOut(row)),
      ['in', 'mixed', 'out'],
    );
  });

  it('have left what their best copy has, and nothing where no limit is known', () => {
    const left = (...lefts: number[]) =>
      leftOf({
        ...one,
        id: 'x',
        head: one,
        place: 1,
        members: lefts.map((share) => ({ ...one, today: today(share) })),
      });
    assert.equal(left(0.2, 0.7), 0.7);
    assert.equal(left(0), 0);
    assert.equal(left(1), null);
    const full = { ...one, today: today(1, { used: 0, limit: 10 }) };
    assert.equal(leftOf({ id: 'x', head: full, name: 'x', place: 1, members: [full] }), 1);
  });

  it('are found by words in names, providers and ids, all of which must be there', () => {
    const rows = rowsOf([one, two, three], true);
    const found = (search: string) => ids(filteredRows(rows, { ...ALL, search }, (id) => `Provider ${id}`));
    assert.equal(found('GPT provider'), 'gpt');
    assert.equal(found('provider other'), 'b/other');
    assert.equal(found('b/oth'), 'b/other');
    assert.equal(found('gpt nobody'), '');
  });

  it('are filtered by a single copy that fits in everything', () => {
    const sees = { ...one, vision: true, available: false };
    const rows = rowsOf([sees, three, off], true);
    const found = (filter: Partial<RowFilter>) => ids(filteredRows(rows, { ...ALL, ...filter }, (id) => id));
    assert.equal(found({ can: ['vision'] }), 'gpt');
    assert.equal(found({ can: ['vision'], provider: 'c' }), '');
    assert.equal(found({ can: ['vision'], state: 'now' }), '');
    assert.equal(found({ state: 'now' }), 'gpt');
    assert.equal(found({ state: 'off' }), 'a/off');
    assert.equal(found({ provider: 'a' }), 'gpt,a/off');
  });
});
