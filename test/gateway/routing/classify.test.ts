import assert from 'node:assert/strict';
import fc from 'fast-check';
import { UpstreamError } from '../../../src/gateway/net/upstream.js';
import {
  type ClassifyContext,
  classifyInBand,
  classifyResponse,
  classifyTransport,
  failureOf,
} from '../../../src/gateway/routing/classify.js';
import type { Failure } from '../../../src/gateway/routing/failure.js';

const NOW = Date.parse('2026-11-21T20:00:00Z');
const HOUR = 3_600_000;
const CHALLENGE = '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>cf</body></html>';

interface Case {
  name: string;
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  provider?: string;
  dayBoundary?: ClassifyContext['dayBoundary'];
  expected: { [Field in keyof Failure]?: Failure[Field] | undefined };
}
const said = (message: string, more: Record<string, unknown> = {}) => ({ error: { message, ...more } });

const CASES: Case[] = [
  { name: '401', status: 401, body: said('Invalid API Key'), expected: { kind: 'auth' } },
  {
    name: "Google's 400",
    status: 400,
    body: said('API key not valid. Please pass a valid API key.', {
      status: 'INVALID_ARGUMENT',
      details: [{ reason: 'API_KEY_INVALID' }],
    }),
    expected: { kind: 'auth' },
  },
  {
    name: 'an expired key',
    status: 400,
    body: said('API key expired. Please renew the API key.'),
    expected: { kind: 'auth' },
  },
  { name: '403 about the key', status: 403, body: said('Invalid API key provided'), expected: { kind: 'auth' } },
  { name: '402', status: 402, body: said('You have no credits left'), expected: { kind: 'credit' } },
  {
    name: '429 insufficient_quota',
    status: 429,
    body: said('You exceeded your current quota', { code: 'insufficient_quota' }),
    expected: { kind: 'credit' },
  },
  {
    name: '"402" inside prose',
    status: 429,
    body: said('Requested 34026 tokens, error 402 of 402'),
    expected: { kind: 'rate_limit', retryAfterMs: null },
  },
  {
    name: 'ModelScope, a retired model',
    status: 429,
    provider: 'modelscope',
    body: said('insufficient balance (1008)'),
    expected: { kind: 'gone' },
  },
  {
    name: '403, a model of another tier',
    status: 403,
    body: said('model not on your tier'),
    expected: { kind: 'forbidden' },
  },
  {
    name: 'Google SERVICE_DISABLED',
    status: 403,
    body: said('API has not been used', { status: 'PERMISSION_DENIED', details: [{ reason: 'SERVICE_DISABLED' }] }),
    expected: { kind: 'forbidden' },
  },
  {
    name: '403 HTML',
    status: 403,
    body: CHALLENGE,
    headers: { 'content-type': 'text/html' },
    expected: { kind: 'challenge', status: 403 },
  },
  {
    name: '403 cf-mitigated',
    status: 403,
    headers: { 'cf-mitigated': 'challenge' },
    body: '',
    expected: { kind: 'challenge' },
  },
  { name: '403 error 1010', status: 403, body: 'error code: 1010', expected: { kind: 'challenge' } },
  { name: '503 HTML challenge', status: 503, body: CHALLENGE, expected: { kind: 'challenge' } },
  {
    name: '503 HTML',
    status: 503,
    body: '<html><body>Service Unavailable</body></html>',
    expected: { kind: 'overloaded', message: 'The provider answered HTTP 503 with a web page' },
  },
  {
    name: '404',
    status: 404,
    body: said('The model `x` does not exist or you do not have access to it.', { code: 'model_not_found' }),
    expected: { kind: 'gone', isFinal: undefined },
  },
  { name: '410', status: 410, body: said('Gone'), expected: { kind: 'gone', isFinal: true } },
  {
    name: '400 decommissioned',
    status: 400,
    body: said('The model `x` has been decommissioned and is no longer supported.', { code: 'model_decommissioned' }),
    expected: { kind: 'gone', isFinal: true },
  },
  {
    name: 'an ended parameter is no ended model',
    status: 400,
    body: said('`functions` is no longer supported'),
    expected: { kind: 'bad_request' },
  },
  {
    name: '404 end of life',
    status: 404,
    body: said('This model reached its end of life'),
    expected: { kind: 'gone', isFinal: true },
  },
  {
    name: 'OpenRouter without endpoints',
    status: 404,
    body: said('No endpoints found for x/y:free.', { code: 404 }),
    expected: { kind: 'gone' },
  },
  {
    name: 'OpenRouter, no endpoint with tools',
    status: 404,
    body: said('No endpoints found that support tool use.'),
    expected: { kind: 'bad_request' },
  },
  {
    name: 'NVIDIA 404',
    status: 404,
    body: { status: 404, title: 'Not Found', detail: "Function 'a': Not found for account 'b'" },
    expected: { kind: 'gone', message: "Function 'a': Not found for account 'b'" },
  },
  {
    name: '404 of a wrong base URL',
    status: 404,
    body: '<html><body>nginx</body></html>',
    expected: { kind: 'gone', isFinal: false },
  },
  {
    name: 'NVIDIA DEGRADED',
    status: 400,
    body: { detail: "Function id 'a': DEGRADED function cannot be invoked" },
    expected: { kind: 'overloaded' },
  },
  {
    name: 'Cloudflare neurons',
    status: 429,
    body: { errors: [{ message: 'you have used up your daily free allocation of 10,000 neurons' }] },
    expected: { kind: 'daily_quota', retryAfterMs: 4 * HOUR },
  },
  {
    name: 'Cloudflare, with a wait that is over already',
    provider: 'cloudflare',
    status: 429,
    headers: { 'retry-after': '0' },
    body: { errors: [{ message: 'you have used up your daily free allocation of 10,000 neurons' }] },
    expected: { kind: 'daily_quota', retryAfterMs: 4 * HOUR },
  },
  {
    name: 'OpenRouter per day',
    status: 429,
    body: said('Rate limit exceeded: free-models-per-day', {
      metadata: { headers: { 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + HOUR) } },
    }),
    expected: { kind: 'daily_quota', retryAfterMs: HOUR },
  },
  {
    name: 'Google per day, midnight Pacific',
    status: 429,
    provider: 'google',
    dayBoundary: 'pacific',
    body: said('You exceeded your current quota', {
      details: [
        { violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }] },
        { retryDelay: '17s' },
      ],
    }),
    expected: { kind: 'daily_quota', retryAfterMs: 12 * HOUR },
  },
  {
    name: 'Google per minute',
    status: 429,
    provider: 'google',
    body: said('You exceeded your current quota', {
      details: [
        { violations: [{ quotaId: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier' }] },
        { retryDelay: '17s' },
      ],
    }),
    expected: { kind: 'rate_limit', retryAfterMs: 17_000 },
  },
  {
    name: 'Google, no free tier',
    status: 429,
    provider: 'google',
    body: said('Quota exceeded for metric: x, limit: 0, model: gemini-pro'),
    expected: { kind: 'forbidden' },
  },
  {
    name: 'Groq TPD',
    status: 429,
    body: said(
      'Rate limit reached on tokens per day (TPD): Limit 100000, Used 99336, Requested 1500. Please try again in 7m12.5s.',
    ),
    expected: { kind: 'daily_quota', retryAfterMs: 432_500, statedLimit: { axis: 'tpd', value: 100_000 } },
  },
  {
    name: 'Groq TPM, waits',
    status: 429,
    body: said(
      'Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5000, Requested 1500. Please try again in 7.66s.',
    ),
    expected: { kind: 'rate_limit', retryAfterMs: 7660, statedLimit: { axis: 'tpm', value: 6000 } },
  },
  {
    name: 'Groq TPM, never: still a rate limit, its limit learned',
    status: 429,
    body: said('on tokens per minute (TPM): Limit 6000, Requested 9000'),
    expected: { kind: 'rate_limit', statedLimit: { axis: 'tpm', value: 6000 } },
  },
  {
    name: 'Groq 413',
    status: 413,
    body: said('Request too large … tokens per minute (TPM): Limit 6,000, Requested 9000'),
    expected: { kind: 'too_large', statedLimit: { axis: 'tpm', value: 6000 } },
  },
  {
    name: 'case 41',
    status: 413,
    body: said('Limit 6000 TPM, requested 9000'),
    expected: { kind: 'too_large', statedLimit: { axis: 'tpm', value: 6000 } },
  },
  {
    name: '429 with Retry-After',
    status: 429,
    headers: { 'retry-after': '2' },
    body: said('slow down'),
    expected: { kind: 'rate_limit', retryAfterMs: 2000 },
  },
  {
    name: 'context',
    status: 400,
    body: said("This model's maximum context length is 8192 tokens. However, you requested 9000"),
    expected: { kind: 'too_large', statedLimit: { axis: 'context', value: 8192 } },
  },
  {
    name: 'context code',
    status: 400,
    body: said('Please reduce the length. Current length is 9000 while limit is 8192', {
      code: 'context_length_exceeded',
    }),
    expected: { kind: 'too_large', statedLimit: { axis: 'context', value: 8192 } },
  },
  {
    name: 'Gemini context',
    status: 400,
    body: said('The input token count (40000) exceeds the maximum number of tokens allowed (32768).'),
    expected: { kind: 'too_large', statedLimit: { axis: 'context', value: 32768 } },
  },
  {
    name: 'GitHub',
    status: 413,
    body: said('Request body too large for gpt-4o model. Max size: 8000 tokens.', { code: 'tokens_limit_reached' }),
    expected: { kind: 'too_large', statedLimit: { axis: 'context', value: 8000 } },
  },
  {
    name: 'Zhipu 1261',
    status: 400,
    body: said('Prompt exceeds max length', { code: '1261' }),
    expected: { kind: 'too_large' },
  },
  ...[408, 409, 425, 500, 502, 503, 504, 529].map(
    (status): Case => ({
      name: `${status}`,
      status,
      body: '',
      expected: { kind: 'overloaded', status, message: `The provider answered HTTP ${status}` },
    }),
  ),
  {
    name: '400',
    status: 400,
    body: said('Unsupported parameter: x'),
    expected: { kind: 'bad_request', message: 'Unsupported parameter: x' },
  },
  {
    name: '422 of FastAPI',
    status: 422,
    body: { detail: [{ loc: ['body'], msg: 'extra fields not permitted' }] },
    expected: { kind: 'bad_request', message: 'extra fields not permitted' },
  },
  { name: '302', status: 302, body: '', expected: { kind: 'bad_request' } },
];

function classify({
  status,
  body = '',
  headers = {},
  provider = 'groq',
  dayBoundary = 'utc',
}: Omit<Case, 'name' | 'expected'>): Failure {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return classifyResponse(status, headers, text, { provider, dayBoundary, nowMs: NOW });
}

describe('classifyResponse', () => {
  for (const { name, expected, ...given } of CASES) {
    it(name, () => {
      const failure = classify(given);
      for (const [field, value] of Object.entries(expected)) {
        assert.deepEqual(failure[field as keyof Failure], value, `${field} of ${JSON.stringify(failure)}`);
      }
    });
  }

  it('redacts keys and cuts long messages', () => {
    const failure = classify({
      status: 401,
      body: said(`Incorrect API key provided: gsk_${'a'.repeat(40)} ${'x '.repeat(600)}`),
    });
    assert.ok(!failure.message.includes('aaaaaaaa'));
    assert.ok(failure.message.length <= 500);
  });

  it('holds for any body: a message, a kind, no throw, nothing of HTML', () => {
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((error) => JSON.stringify({ error })),
      fc.constant(CHALLENGE),
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), body, (status, text) => {
        const failure = classify({ status, body: text });
        assert.ok(failure.message.length <= 500);
        assert.ok(!failure.message.includes('<html'));
      }),
    );
  });
});

describe('classifyInBand', () => {
  const context: ClassifyContext = { provider: 'openrouter', dayBoundary: 'utc', nowMs: NOW };
  const inBand = (body: unknown, status?: number) =>
    classifyInBand(status === undefined ? { body, message: 'error' } : { body, status, message: 'error' }, context);
  const cases: [string, unknown, Failure['kind'], number | null][] = [
    ['a numeric code', { error: { code: 429, message: 'slow' } }, 'rate_limit', 429],
    ['a numeric code as text', { error: { code: '502', message: 'x' } }, 'overloaded', 502],
    ['a code word', { error: { code: 'rate_limit_exceeded', message: 'x' } }, 'rate_limit', null],
    [
      'Google status in an array',
      [{ error: { status: 'UNAVAILABLE', message: 'The model is overloaded' } }],
      'overloaded',
      null,
    ],
    ['wording alone', { error: { message: 'Rate limit reached' } }, 'rate_limit', null],
    ['daily wording', { error: { message: 'Daily quota used up' } }, 'daily_quota', null],
    ['context', { error: { message: 'maximum context length is 8192 tokens' } }, 'too_large', null],
    ['nothing known', { error: { message: 'boom' } }, 'overloaded', null],
    ['a bare string', { error: 'boom' }, 'overloaded', null],
    ['null', null, 'overloaded', null],
  ];
  for (const [name, body, kind, status] of cases) {
    it(name, () => {
      const failure = inBand(body);
      assert.equal(failure.kind, kind);
      assert.equal(failure.status, status);
    });
  }
  it("takes the adapter's status first", () => assert.equal(inBand({ error: { message: 'x' } }, 401).kind, 'auth'));
});

describe('classifyTransport', () => {
  it('slow only without headers in time', () => {
    assert.equal(classifyTransport(new UpstreamError('headers-timeout', 'x')).kind, 'slow');
    for (const kind of ['refused', 'reset', 'dns', 'tls', 'connect-timeout', 'proxy', 'other'] as const) {
      assert.deepEqual(classifyTransport(new UpstreamError(kind, 'x')), failureOf('network', 'x'));
    }
  });
});
