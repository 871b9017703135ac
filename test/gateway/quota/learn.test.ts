import assert from 'node:assert/strict';
import { providerSpec } from '../../../src/gateway/providers/table.js';
import { observationsOf, observationsOfProbe, type QuotaObservation } from '../../../src/gateway/quota/learn.js';

const NOW = Date.UTC(2026, 10, 21, 12);

/** Observations in short: `rpd 970/1000 in 180 s (model)`. */
function short(observation: QuotaObservation): string {
  const { kind, scope, limit, remaining, used, resetMs, isGuess, source } = observation;
  const left = remaining === undefined ? '' : ` ${remaining}`;
  const of = limit === undefined ? '' : ` of ${limit}`;
  const spent = used === undefined ? '' : ` used ${used}`;
  const reset = resetMs === undefined ? '' : ` in ${Math.round(resetMs)} ms`;
  return `${kind}${left}${of}${spent}${reset}${scope ? ` ${scope}` : ''} ${source}${isGuess ? ' guess' : ''}`;
}

function learned(id: string, headers: Record<string, string>, status = 200, body: unknown = ''): string[] {
  const bodyText = typeof body === 'string' ? body : JSON.stringify(body);
  const spec = providerSpec(id) ?? { id };
  return observationsOf(spec, { status, headers, bodyText }, NOW).map(short);
}

describe('what providers say of their quotas', () => {
  it('Groq: requests are the day’s, tokens the minute’s; resets are compound durations', () => {
    const headers = {
      'x-ratelimit-limit-requests': '14400',
      'x-ratelimit-remaining-requests': '14370',
      'x-ratelimit-reset-requests': '2m59.56s',
      'x-ratelimit-limit-tokens': '18000',
      'x-ratelimit-remaining-tokens': '17997',
      'x-ratelimit-reset-tokens': '7.66s',
    };
    assert.deepEqual(learned('groq', headers), [
      'rpd 14370 of 14400 in 179560 ms header',
      'tpm 17997 of 18000 in 7660 ms header',
    ]);
  });

  it('a limit with more left than there ever was is not believed', () => {
    const headers = { 'x-ratelimit-limit-requests': '1', 'x-ratelimit-remaining-requests': '999999' };
    assert.deepEqual(learned('groq', { ...headers, 'x-ratelimit-reset-requests': '0s' }), []);
  });

  it('Groq: a bucket that is empty has the next request long before it is full', () => {
    const headers = {
      'x-ratelimit-limit-requests': '1000',
      'x-ratelimit-remaining-requests': '0',
      'x-ratelimit-reset-requests': '24h0m0s',
    };
    assert.deepEqual(learned('groq', headers), ['rpd 0 of 1000 in 86400 ms header']);
  });

  it('Groq: prose with its axis, limit and use', () => {
    const message =
      'Rate limit reached for model `m` in organization `o` on tokens per minute (TPM): Limit 6000, Used 5400, ' +
      'Requested 900. Please try again in 3s.';
    assert.deepEqual(learned('groq', {}, 429, { error: { message } }), ['tpm of 6000 used 5400 error']);
    const requests = 'on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 2s.';
    assert.deepEqual(learned('groq', {}, 429, requests), ['rpm of 30 used 30 error']);
    const large = 'Request too large on tokens per minute (TPM): Limit 6000, Requested 6791, please reduce';
    assert.deepEqual(learned('groq', {}, 413, large), ['tpm of 6000 error']);
  });

  it('OpenRouter: one limit of the account, in the headers or in the error’s own; epoch milliseconds', () => {
    const headers = {
      'X-RateLimit-Limit': '50',
      'X-RateLimit-Remaining': '0',
      'X-RateLimit-Reset': String(NOW + 12 * 3_600_000),
    };
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const body = (metadata: object) => ({
      error: { message: 'Rate limit exceeded: free-models-per-day', code: 429, metadata },
    });
    const daily = ['rpd 0 of 50 in 43200000 ms account header'];
    assert.deepEqual(learned('openrouter', lower, 429, body({})), daily);
    assert.deepEqual(learned('openrouter', {}, 429, body({ headers })), daily);
    const minute = {
      error: {
        message: 'Rate limit exceeded: free-models-per-min. ',
        metadata: { headers: { ...headers, 'X-RateLimit-Limit': 20, 'X-RateLimit-Reset': NOW + 9000 } },
      },
    };
    assert.deepEqual(learned('openrouter', {}, 429, minute), ['rpm 0 of 20 in 9000 ms account header']);
  });

  it('OpenRouter: the key probe tells which daily limit the account has, and what is used', () => {
    const probe = (data: object) => observationsOfProbe('openrouter', JSON.stringify({ data })).map(short);
    assert.deepEqual(
      probe({ is_free_tier: true, free_model_daily_requests: { limit: 1000, used: 12, remaining: 988 } }),
      ['rpd of 1000 used 12 account header'],
    );
    assert.deepEqual(probe({ is_free_tier: false }), ['rpd of 1000 account header']);
    assert.deepEqual(probe({ is_free_tier: true }), []);
    assert.deepEqual(observationsOfProbe('openrouter', '<html>'), []);
    assert.deepEqual(observationsOfProbe('groq', '{"data":{"is_free_tier":false}}'), []);
  });

  it('Cerebras: the window stands in the name, resets are seconds with a fraction', () => {
    const headers = {
      'x-ratelimit-limit-requests-day': '2400',
      'x-ratelimit-remaining-requests-day': '2399',
      'x-ratelimit-reset-requests-day': '33011.382867',
      'x-ratelimit-limit-tokens-minute': '30000',
      'x-ratelimit-remaining-tokens-minute': '29000',
      'x-ratelimit-reset-tokens-minute': '11.382867',
      'x-ratelimit-limit-requests-hour': '150',
      'x-ratelimit-remaining-requests-hour': '149',
    };
    assert.deepEqual(learned('cerebras', headers), [
      'rpd 2399 of 2400 in 33011383 ms header',
      'tpm 29000 of 30000 in 11383 ms header',
      'rph 149 of 150 header',
    ]);
  });

  it('Mistral: req for requests, also the month’s tokens; a limit of 0 is none', () => {
    const headers = {
      'x-ratelimit-limit-req-minute': '23',
      'x-ratelimit-remaining-req-minute': '0',
      'x-ratelimit-limit-tokens-minute': '356250',
      'x-ratelimit-remaining-tokens-minute': '356000',
      'x-ratelimit-limit-tokens-month': '1000000000',
      'x-ratelimit-remaining-tokens-month': '999999999',
      'x-ratelimit-tokens-query-cost': '52',
    };
    assert.deepEqual(learned('mistral', headers, 429), [
      'rpm 0 of 23 header',
      'tpm 356000 of 356250 header',
      'tpmonth 999999999 of 1000000000 header',
    ]);
    assert.deepEqual(learned('mistral', { 'x-ratelimit-limit-req-minute': '0' }, 429), []);
    const older = { 'x-ratelimitbysize-limit-minute': '500000', 'x-ratelimitbysize-remaining-minute': '499000' };
    assert.deepEqual(learned('mistral', older), ['tpm 499000 of 500000 header']);
  });

  it('GitHub Models: its advertised limit is another’s; an error names the limit that was met', () => {
    const headers = {
      'x-ratelimit-limit-requests': '20000',
      'x-ratelimit-remaining-requests': '19999',
      'x-ratelimit-renewalperiod-requests': '60',
      'x-ratelimit-limit-tokens': '2000000',
      'x-ratelimit-remaining-tokens': '0',
      'x-ratelimit-renewalperiod-tokens': '60',
      'x-ratelimit-reset-tokens': '12',
    };
    assert.deepEqual(learned('github', headers), ['tpm 0 in 12000 ms header']);
    const text =
      'Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 40000 seconds before retrying.';
    const type = { 'x-ratelimit-type': 'UserByModelByDay', 'x-ratelimit-timeremaining': '40000' };
    assert.deepEqual(learned('github', type, 429, { error: { code: 'RateLimitReached', message: text } }), [
      'rpd 0 of 50 in 40000000 ms model error',
    ]);
    assert.deepEqual(learned('github', { 'x-ratelimit-type': 'UserByMinute', 'retry-after': '55' }, 429), [
      'rpm 0 in 55000 ms account error',
    ]);
    assert.deepEqual(learned('github', { 'x-ratelimit-type': 'UserConcurrentRequests' }, 429), []);
  });

  it('SambaNova: the plain ones are the minute’s', () => {
    const headers = {
      'x-ratelimit-limit-requests': '20',
      'x-ratelimit-remaining-requests': '19',
      'x-ratelimit-reset-requests': '30',
      'x-ratelimit-limit-requests-day': '1500',
      'x-ratelimit-remaining-requests-day': '1497',
      'x-ratelimit-reset-requests-day': '4h17m',
    };
    assert.deepEqual(learned('sambanova', headers), [
      'rpm 19 of 20 in 30000 ms header',
      'rpd 1497 of 1500 in 15420000 ms header',
    ]);
  });

  it('ModelScope: the account’s and the model’s day', () => {
    const headers = {
      'modelscope-ratelimit-requests-limit': '2000',
      'modelscope-ratelimit-requests-remaining': '1500',
      'modelscope-ratelimit-model-requests-limit': '500',
      'modelscope-ratelimit-model-requests-remaining': '0',
    };
    assert.deepEqual(learned('modelscope', headers), ['rpd 1500 of 2000 account header', 'rpd 0 of 500 model header']);
  });

  it('Cohere: the trial’s calls a minute and a month, in headers and in prose', () => {
    const headers = {
      'x-endpoint-monthly-call-limit': '1000',
      'x-trial-endpoint-call-limit': '20',
      'x-trial-endpoint-call-remaining': '0',
    };
    assert.deepEqual(learned('cohere', headers), ['rpmonth of 1000 header', 'rpm 0 of 20 header']);
    const message = 'You are using a Trial key, which is limited to 20 API calls / minute. You can continue to use';
    assert.deepEqual(learned('cohere', {}, 429, { message }), ['rpm 0 of 20 error']);
    const month = { message: 'You are using a Trial key, which is limited to 1000 API calls / month.' };
    assert.deepEqual(learned('cohere', {}, 429, month), ['rpmonth 0 of 1000 error']);
  });

  it('Google: each violated quota, its delay only where the minute’s was met', () => {
    const failure = (quotaId: string, quotaValue: string) => ({
      error: {
        code: 429,
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
            violations: [{ quotaMetric: 'x', quotaId, quotaValue }],
          },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '17s' },
        ],
      },
    });
    const of = (id: string, value: string) => learned('google', {}, 429, failure(id, value));
    assert.deepEqual(of('GenerateRequestsPerDayPerProjectPerModel-FreeTier', '20'), ['rpd 0 of 20 model error']);
    assert.deepEqual(of('GenerateRequestsPerMinutePerProjectPerModel-FreeTier', '10'), [
      'rpm 0 of 10 in 17000 ms model error',
    ]);
    assert.deepEqual(of('GenerateContentInputTokensPerModelPerMinute-FreeTier', '250000'), [
      'tpm of 250000 in 17000 ms model error',
    ]);
    assert.deepEqual(of('GenerateRequestsPerDayPerProjectPerModel-FreeTier', '0'), [], 'a model without a free tier');
    assert.deepEqual(learned('google', {}, 429, [failure('GenerateRequestsPerDayPerProject', '20')]), [
      'rpd 0 of 20 account error',
    ]);
  });

  it('others: IETF’s policy, epoch seconds and ISO dates; what the window is of is guessed by its reset', () => {
    const policy = { 'ratelimit-limit': '100, 100;w=3600', 'ratelimit-remaining': '99', 'ratelimit-reset': '50' };
    assert.deepEqual(learned('custom:lab', policy), ['rph 99 of 100 in 50000 ms header']);
    const plain = (reset: string) =>
      learned('custom:lab', { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '3', 'x-ratelimit-reset': reset });
    assert.deepEqual(plain(String(NOW / 1000 + 41)), ['rpm 3 of 60 in 41000 ms header guess']);
    assert.deepEqual(plain('2026-11-21T12:30:00Z'), ['rph 3 of 60 in 1800000 ms header guess']);
    assert.deepEqual(plain('6h'), ['rpd 3 of 60 in 21600000 ms header guess']);
  });

  it('whole numbers only, with or without thousands: half of one would be a limit that nobody set', () => {
    const limit = (text: string) => learned('custom:lab', { 'x-ratelimit-limit-tokens-minute': text });
    assert.deepEqual(limit('1,000,000'), ['tpm of 1000000 header']);
    assert.deepEqual(limit(' 6000 '), ['tpm of 6000 header']);
    for (const text of ['1e99', '1e+06', '0.5', '1.000.000', '-5', '9'.repeat(400), '1,00', 'unlimited', '', '0']) {
      assert.deepEqual(limit(text), [], text);
    }
    const google = (quotaValue: string) => ({
      error: { details: [{ violations: [{ quotaId: 'RequestsPerDayPerProject', quotaValue }] }] },
    });
    assert.deepEqual(learned('google', {}, 429, google('1e99')), ['rpd 0 account error']);
    for (const text of ['1e99', '0.5', '9'.repeat(400)]) {
      assert.deepEqual(learned('groq', {}, 429, `on tokens per minute (TPM): Limit ${text}, Used 1`), [], text);
    }
  });

  it('policies: of several the one with the limit’s own number; one of a window that we do not count is left out', () => {
    const of = (limit: string, more: Record<string, string> = {}) =>
      learned('custom:lab', { 'ratelimit-limit': limit, ...more });
    assert.deepEqual(of('5, 5;w=1', { 'ratelimit-remaining': '4', 'ratelimit-reset': '1' }), []);
    assert.deepEqual(of('100, 10;w=1, 100;w=60'), ['rpm of 100 header']);
    assert.deepEqual(of('100;w=3600'), ['rph of 100 header']);
    assert.deepEqual(of('1000, 1000;window=60;w=86400'), ['rpd of 1000 header']);
    assert.deepEqual(of('10, 20'), ['rpm of 10 header guess']);
  });

  it('nothing where nothing is said', () => {
    const headers = { 'content-type': 'application/json', 'x-ratelimit-reset': '5', 'x-ratelimit-remaining': 'many' };
    assert.deepEqual(learned('nvidia', headers, 429, { status: 429, title: 'Too Many Requests' }), []);
    assert.deepEqual(
      learned('zai', {}, 429, { error: { code: '1302', message: 'Rate limit reached for requests' } }),
      [],
    );
  });
});
