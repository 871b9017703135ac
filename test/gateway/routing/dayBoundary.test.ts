import assert from 'node:assert/strict';
import fc from 'fast-check';
import { msToDayBoundary } from '../../../src/gateway/routing/dayBoundary.js';

const HOUR = 3_600_000;
const at = (iso: string) => Date.parse(iso);

describe('msToDayBoundary', () => {
  const cases: ['utc' | 'pacific' | 'rolling', string, number][] = [
    ['utc', '2026-11-21T20:00:00Z', 4 * HOUR],
    ['utc', '2026-11-21T00:00:00Z', 24 * HOUR],
    ['rolling', '2026-11-21T20:00:00Z', 24 * HOUR],
    ['pacific', '2026-11-21T07:00:00Z', 1 * HOUR],
    ['pacific', '2026-07-01T06:00:00Z', 1 * HOUR],
    ['pacific', '2026-11-21T08:00:00Z', 24 * HOUR],
    // 8 March 2026: the clock goes from 2 to 3, the day has 23 hours
    ['pacific', '2026-03-08T08:00:00Z', 23 * HOUR],
    // 1 November 2026: 25 hours, capped
    ['pacific', '2026-11-01T07:00:00Z', 24 * HOUR],
    ['pacific', '2026-11-01T09:00:00Z', 23 * HOUR],
  ];
  for (const [boundary, iso, expected] of cases) {
    it(`${boundary} at ${iso}`, () => assert.equal(msToDayBoundary(boundary, at(iso)), expected));
  }

  it('ends at a midnight in Los Angeles', () => {
    fc.assert(
      fc.property(fc.integer({ min: at('2026-01-01'), max: at('2028-01-01') }), (now) => {
        const ms = msToDayBoundary('pacific', now);
        assert.ok(ms > 0 && ms <= 24 * HOUR);
        if (ms === 24 * HOUR) return;
        const text = new Date(now + ms).toLocaleTimeString('en-GB', { timeZone: 'America/Los_Angeles' });
        assert.equal(text, '00:00:00');
      }),
    );
  });
});
