import assert from 'node:assert/strict';
import { ago, countdown, duration, exactNumber, percent, shortNumber } from '../../webview/lib/format.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;

function each<T>(read: (value: T) => string, table: [T, string][]): void {
  for (const [value, words] of table) assert.equal(read(value), words, String(value));
}

describe('numbers and times of the pages', () => {
  it('shortens numbers to three digits', () => {
    each(shortNumber, [
      [0, '0'],
      [7, '7'],
      [999, '999'],
      [999.6, '1 k'],
      [1000, '1 k'],
      [12_400, '12.4 k'],
      [99_960, '100 k'],
      [999_499, '999 k'],
      [999_500, '1 M'],
      [3_100_000, '3.1 M'],
      [58e6, '58 M'],
      [1.25e9, '1.3 G'],
    ]);
    assert.equal(exactNumber(1284), '1,284');
  });

  it('tells lengths of time', () => {
    each(duration, [
      [0, '0 ms'],
      [412.4, '412 ms'],
      [999.6, '1.0 s'],
      [1800, '1.8 s'],
      [12_400, '12 s'],
      [59_600, '1 min 0 s'],
      [125_000, '2 min 5 s'],
    ]);
  });

  it('counts down, to the second near the end', () => {
    each(
      (left: number) => countdown(NOW + left, NOW),
      [
        [-5, '0 s'],
        [0, '0 s'],
        [400, '1 s'],
        [41 * S, '41 s'],
        [90 * S, '90 s'],
        [91 * S, '2 min'],
        [59 * MIN, '59 min'],
        [59 * MIN + 1, '1 h'],
        [3 * H + 12 * MIN, '3 h 12 min'],
        [23 * H + 59.5 * MIN, '24 h'],
        [24 * H, '1 d'],
        [52 * H, '2 d 4 h'],
      ],
    );
  });

  it('tells how long ago', () => {
    each(
      (passed: number) => ago(NOW - passed, NOW),
      [
        [-MIN, 'just now'],
        [44 * S, 'just now'],
        [46 * S, '1 min ago'],
        [3 * MIN, '3 min ago'],
        [59.6 * MIN, '1 h ago'],
        [23.6 * H, '1 d ago'],
        [50 * H, '2 d ago'],
      ],
    );
  });

  it('says 100 % of nothing but all', () => {
    each(percent, [
      [0, '0 %'],
      [0.982, '98.2 %'],
      [0.99999, '99.9 %'],
      [1, '100 %'],
    ]);
  });
});
