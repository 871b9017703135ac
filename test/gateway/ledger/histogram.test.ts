import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addToBlob, bucketOf, bucketValue, Histogram } from '../../../src/gateway/ledger/histogram.js';

/** Three significant digits, whole numbers: what the figures are shown with. */
function shown(value: number): number {
  return Number(value.toPrecision(3));
}

function nearestRank(values: readonly number[], percent: number): number | undefined {
  const sorted = values.map(shown).sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil((percent * sorted.length) / 100)) - 1];
}

function histogramOf(...blobs: (Uint8Array | null)[]): Histogram {
  const histogram = new Histogram();
  for (const blob of blobs) if (blob) histogram.merge(blob);
  return histogram;
}

const value = fc.oneof(
  fc.integer({ min: 0, max: 1100 }),
  fc.integer({ min: 0, max: 120_000 }),
  fc.integer({ min: 0, max: 1e12 }),
  fc.constantFrom(0, 1, 999, 1000, 1004, 1005, 9994, 9995, 9999, 10_000, 99_950, 999_499, 999_500),
);
const percents = [0, 1, 50, 95, 99, 100];

describe('histogram', () => {
  it('gives the percentile of the values as they are shown', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
        const histogram = histogramOf(addToBlob(null, values.map(bucketOf)));
        assert.equal(histogram.count, values.length);
        assert.deepEqual(
          histogram.percentiles(percents),
          percents.map((percent) => nearestRank(values, percent)),
        );
      }),
    );
  });

  it('is the same whether values came at once, one after the other, or in blobs that are summed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(value, { maxLength: 40 }), { maxLength: 8 }), (batches) => {
        const atOnce = addToBlob(null, batches.flat().map(bucketOf));
        const inTurn = batches.reduce<Uint8Array | null>((blob, batch) => addToBlob(blob, batch.map(bucketOf)), null);
        assert.deepEqual(inTurn, atOnce);
        const summed = histogramOf(...batches.map((batch) => addToBlob(null, batch.map(bucketOf))));
        const added = new Histogram();
        for (const batch of batches) added.addAll(histogramOf(addToBlob(null, batch.map(bucketOf))));
        for (const histogram of [summed, added]) {
          assert.equal(histogram.count, batches.flat().length);
          assert.deepEqual(histogram.percentiles(percents), histogramOf(atOnce).percentiles(percents));
        }
      }),
    );
  });

  it('keeps whole numbers under 1,000, rounds the others to three digits, and buckets rise with the value', () => {
    for (let exact = 0; exact < 1000; exact++) assert.equal(bucketValue(bucketOf(exact)), exact);
    fc.assert(
      fc.property(value, value, (a, b) => {
        assert.equal(bucketValue(bucketOf(a)), shown(a));
        if (shown(a) < shown(b)) assert.ok(bucketOf(a) < bucketOf(b));
      }),
    );
    const odd = [-5, Number.NaN, Number.POSITIVE_INFINITY].map(bucketOf);
    assert.deepEqual(odd, [0, 0, bucketOf(Number.MAX_SAFE_INTEGER)]);
  });

  it('has no percentile without values, and a byte for a value that is alone', () => {
    assert.equal(addToBlob(null, []), null);
    assert.deepEqual(new Histogram().percentiles([50]), []);
    assert.equal(addToBlob(null, [7])?.length, 1);
  });

  it('takes counts above 2^31, and reads any bytes without failing', () => {
    const many = Uint8Array.from([1, 0xff, 0xff, 0xff, 0xff, 0x07]);
    assert.equal(histogramOf(many).count, 2 ** 31 + 1);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        histogramOf(bytes).percentiles([50]);
        addToBlob(bytes, [3, 5000]);
      }),
    );
  });
});
