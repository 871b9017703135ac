import assert from 'node:assert/strict';
import fc from 'fast-check';
import { durationMs, MAX_STATED_MS, statedRetryMs } from '../../../src/gateway/routing/retryAfter.js';

const NOW = Date.parse('2026-11-21T12:00:00Z');

const CASES: [string, Record<string, string>, unknown, number | null][] = [
  ['nothing', {}, '', null],
  ['seconds', { 'retry-after': '2' }, '', 2000],
  ['fractional seconds', { 'retry-after': '7.5' }, '', 7500],
  ['HTTP date', { 'retry-after': 'Sat, 21 Nov 2026 12:00:30 GMT' }, '', 30_000],
  ['past date', { 'retry-after': 'Sat, 21 Nov 2026 11:00:30 GMT' }, '', null],
  ['negative', { 'retry-after': '-5' }, '', null],
  ['zero', { 'retry-after': '0' }, '', null],
  ['past epoch', { 'x-ratelimit-reset-requests': String(NOW / 1000 - 9) }, '', null],
  ['zero, and a wait in the body', { 'retry-after': '0' }, { error: { retry_after: 9 } }, 9000],
  ['less than a millisecond', { 'retry-after-ms': '0.2' }, '', 1],
  ['ten days', { 'retry-after': '864000' }, '', MAX_STATED_MS],
  ['a duration in Retry-After', { 'retry-after': '2m59s' }, '', 179_000],
  ['nonsense', { 'retry-after': 'model 3' }, '', null],
  ['retry-after-ms', { 'retry-after-ms': '1500' }, '', 1500],
  ['retry-after-ms before Retry-After', { 'retry-after-ms': '1500', 'retry-after': '2' }, '', 1500],
  ['Retry-After before the body', { 'retry-after': '2' }, { error: { retry_after: 9 } }, 2000],
  ['Google retryDelay', {}, { error: { details: [{ '@type': 'x' }, { retryDelay: '17s' }] } }, 17_000],
  ['fractional retryDelay', {}, { error: { details: [{ retryDelay: '1.5s' }] } }, 1500],
  ['protobuf object', {}, { error: { details: [{ retryDelay: { seconds: '17' } }] } }, 17_000],
  ['retry_after number', {}, { error: { retry_after: 3.2 } }, 3200],
  ['retryAfterSeconds string', {}, { retryAfterSeconds: '20' }, 20_000],
  ['too deep', {}, { a: { b: { c: { d: { e: { f: { g: { retry_after: 1 } } } } } } } }, null],
  ['Groq prose', {}, { error: { message: 'Limit 6000. Please try again in 7m12.5s. Visit …' } }, 432_500],
  ['Groq short', {}, 'Please try again in 7.66s.', 7660],
  ['Groq ms', {}, 'Please try again in 750ms.', 750],
  ['seconds in words', {}, 'retry after 20 seconds', 20_000],
  ['wait', {}, 'Please wait 1h2m before', 3_720_000],
  ['wait, words', {}, 'please wait for 1 minute and 5 seconds', 65_000],
  ['no unit in prose', {}, 'try again in 5 models', null],
  ['a number that is no wait', {}, 'Requested 34026 tokens', null],
  ['reset duration', { 'x-ratelimit-reset-requests': '2m59.56s' }, '', 179_560],
  ['reset seconds', { 'x-ratelimit-reset': '20' }, '', 20_000],
  ['reset epoch s', { 'x-ratelimit-reset': String(NOW / 1000 + 41) }, '', 41_000],
  ['reset epoch ms', { 'x-ratelimit-reset': String(NOW + 41_500) }, '', 41_500],
  ['reset ISO', { 'x-ratelimit-reset': '2026-11-21T12:01:00Z' }, '', 60_000],
  [
    'the reset of what is used up',
    {
      'x-ratelimit-reset-requests': '2m',
      'x-ratelimit-remaining-requests': '14',
      'x-ratelimit-reset-tokens': '7.66s',
      'x-ratelimit-remaining-tokens': '0',
    },
    '',
    7660,
  ],
  ['windows with room', { 'x-ratelimit-reset-requests': '2m', 'x-ratelimit-remaining-requests': '14' }, '', null],
  [
    'Cerebras',
    { 'x-ratelimit-reset-requests-day': '33011.3', 'x-ratelimit-remaining-requests-day': '0' },
    '',
    33_011_300,
  ],
  ['prose before reset', { 'x-ratelimit-reset': '20' }, 'try again in 3s', 3000],
  [
    'OpenRouter metadata',
    {},
    { error: { metadata: { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + 9000) } } } },
    9000,
  ],
];

describe('statedRetryMs', () => {
  for (const [name, headers, body, expected] of CASES) {
    it(name, () => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      assert.equal(statedRetryMs(headers, text, NOW), expected);
    });
  }

  it('never throws, and stays within 1 ms and 24 h', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('retry-after', 'retry-after-ms', 'x-ratelimit-reset'), fc.string()),
        fc.string(),
        (headers, body) => {
          const ms = statedRetryMs(headers, body, NOW);
          assert.ok(ms === null || (ms >= 1 && ms <= MAX_STATED_MS));
        },
      ),
    );
  });

  it('reads every duration it could write', () => {
    fc.assert(
      fc.property(fc.nat(23), fc.nat(59), fc.integer({ min: 1, max: 59_999 }), (hours, minutes, ms) => {
        const text = `${hours}h${minutes}m${ms / 1000}s`;
        assert.ok(Math.abs((durationMs(text) ?? -1) - (hours * 3_600_000 + minutes * 60_000 + ms)) < 1);
      }),
    );
  });

  it('is linear in hostile text', () => {
    const text = `${'try again in '.repeat(20_000)}${'1h '.repeat(20_000)}x`;
    assert.ok(statedRetryMs({}, text, NOW) !== undefined);
  });
});
