import assert from 'node:assert/strict';
import { nextRow, TypeAhead } from '../../webview/lib/listKeys.js';

describe('keys in a list', () => {
  it('move the focus within it', () => {
    const moves: [string, number, number | null][] = [
      ['ArrowDown', 0, 1],
      ['ArrowDown', 24, 24],
      ['ArrowUp', 0, 0],
      ['ArrowUp', 3, 2],
      ['Home', 9, 0],
      ['End', 0, 24],
      ['PageDown', 20, 24],
      ['PageUp', 20, 10],
      ['Enter', 3, null],
      ['a', 3, null],
    ];
    for (const [key, at, to] of moves) assert.equal(nextRow({ key }, at, 25), to, `${key} at ${at}`);
    assert.equal(nextRow({ key: 'ArrowDown', altKey: true }, 0, 25), null);
    assert.equal(nextRow({ key: 'ArrowDown' }, 0, 0), null);
  });

  it('find what is typed', () => {
    const labels = ['Cerebras', 'Cloudflare', 'Groq', 'GitHub Models', 'Google'];
    const typing = new TypeAhead();
    assert.equal(typing.find({ key: 'g' }, labels, 0, 1000), 2);
    assert.equal(typing.find({ key: 'o' }, labels, 2, 1200), 4);
    assert.equal(typing.find({ key: 'g' }, labels, 4, 3000), 2, 'after a pause anew, and around');
    assert.equal(typing.find({ key: 'g' }, labels, 2, 3100), 3, 'the same letter goes on');
    assert.equal(typing.find({ key: 'x' }, labels, 2, 9000), null);
    assert.equal(typing.find({ key: 'c' }, labels, 2, 9100), 0, 'what fits nothing begins no word');
    assert.equal(typing.find({ key: '/' }, labels, 2, 9200), null);
    assert.equal(typing.find({ key: 'l' }, labels, 0, 9300), 1);
    assert.equal(typing.find({ key: ' ' }, labels, 2, 19_000), null);
    assert.equal(typing.find({ key: 'Enter' }, labels, 2, 29_000), null);
    assert.equal(typing.find({ key: 'c', ctrlKey: true }, labels, 2, 39_000), null);
    assert.equal(typing.find({ key: 'c' }, [], 0, 49_000), null);
  });
});
