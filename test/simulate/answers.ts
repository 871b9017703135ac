import type { StrictWindow } from './strictWindow.js';

/** What a provider's answer is made of. */
export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** The windows' state as the providers that tell of it do, on every answer. Names as recorded (shared/facts, learn.test.ts). */
export function rateHeaders(provider: string, windows: readonly StrictWindow[], now: number): Record<string, string> {
  const of = (kind: string) => windows.find((window) => window.kind === kind);
  const headers: Record<string, string> = {};
  const put = (prefix: string, window: StrictWindow | undefined, suffix: string, reset?: (ms: number) => string) => {
    if (!window) return;
    const left = Math.max(0, window.limit - window.used(now));
    headers[`${prefix}-limit-${suffix}`] = String(window.limit);
    headers[`${prefix}-remaining-${suffix}`] = String(left);
    if (reset) headers[`${prefix}-reset-${suffix}`] = reset(window.waitFor(now, window.limit));
  };
  const seconds = (ms: number) => `${(ms / 1000).toFixed(3)}`;
  switch (provider) {
    case 'groq':
      put('x-ratelimit', of('rpd'), 'requests', (ms) => `${seconds(ms)}s`);
      put('x-ratelimit', of('tpm'), 'tokens', (ms) => `${seconds(ms)}s`);
      break;
    case 'cerebras':
      put('x-ratelimit', of('rpd'), 'requests-day', seconds);
      put('x-ratelimit', of('tpm'), 'tokens-minute', seconds);
      break;
    case 'mistral':
      put('x-ratelimit', of('rpm'), 'req-minute');
      put('x-ratelimit', of('tpm'), 'tokens-minute');
      break;
    case 'cohere': {
      const [minute, month] = [of('rpm'), of('month')];
      if (minute) headers['x-trial-endpoint-call-limit'] = String(minute.limit);
      if (minute) headers['x-trial-endpoint-call-remaining'] = String(Math.max(0, minute.limit - minute.used(now)));
      if (month) headers['x-endpoint-monthly-call-limit'] = String(month.limit);
    }
  }
  return headers;
}

const AXIS: Readonly<Record<string, string>> = {
  rpm: 'requests per minute (RPM)',
  tpm: 'tokens per minute (TPM)',
  rpd: 'requests per day (RPD)',
  tpd: 'tokens per day (TPD)',
};
const GOOGLE_IDS: Readonly<Record<string, string>> = {
  rpm: 'GenerateRequestsPerMinutePerProjectPerModel-FreeTier',
  tpm: 'GenerateContentInputTokensPerModelPerMinute-FreeTier',
  rpd: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier',
};

/** A refusal as that provider writes it. */
export function refusal(
  provider: string,
  window: StrictWindow,
  waitMs: number,
  promptTokens: number,
  now: number,
): Reply {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const reply = (body: unknown, headers: Record<string, string> = {}): Reply => ({
    status: 429,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const { kind, limit } = window;
  switch (provider) {
    case 'groq': {
      if (window.countsTokens && promptTokens > limit) {
        const message =
          `Request too large for model on ${AXIS[kind]}: Limit ${limit}, Requested ${promptTokens}, ` +
          'please reduce your message size and try again.';
        return { ...reply({ error: { message, type: 'tokens', code: 'rate_limit_exceeded' } }), status: 413 };
      }
      const message =
        `Rate limit reached on ${AXIS[kind]}: Limit ${limit}, Used ${window.used(now)}, Requested 1. ` +
        `Please try again in ${(waitMs / 1000).toFixed(2)}s.`;
      return reply(
        { error: { message, type: 'tokens', code: 'rate_limit_exceeded' } },
        { 'retry-after': `${seconds}` },
      );
    }
    case 'google': {
      const violations = [{ quotaId: GOOGLE_IDS[kind], quotaValue: String(limit) }];
      const details = [
        { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations },
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.min(seconds, 60)}s` },
      ];
      const message = 'You exceeded your current quota, please check your plan and billing details.';
      return reply({ error: { code: 429, message, status: 'RESOURCE_EXHAUSTED', details } });
    }
    case 'openrouter': {
      const headers = {
        'X-RateLimit-Limit': String(limit),
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': String(now + waitMs),
      };
      const message = `Rate limit exceeded: free-models-per-${kind === 'rpd' ? 'day' : 'min'}`;
      return reply({ error: { message, code: 429, metadata: { headers } } });
    }
    case 'mistral':
      return reply({ message: 'Requests rate limit exceeded', code: '1300' });
    case 'nvidia':
      return reply({ status: 429, title: 'Too Many Requests' });
    case 'cohere':
      return reply({
        message: `You are using a Trial key, which is limited to ${limit} API calls / ${kind === 'rpm' ? 'minute' : 'month'}.`,
      });
    default:
      return reply({ error: { message: 'Too many requests' } }, { 'retry-after': String(seconds) });
  }
}

/** The first delta of a streamed answer. */
export const FIRST_CHUNK = Buffer.from(
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Done."},"finish_reason":null}]}\n\n`,
);

export function lastChunks(promptTokens: number, completionTokens: number): string {
  const finish = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n`;
  const usage = JSON.stringify(usageOf(promptTokens, completionTokens));
  return `${finish}data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":${usage}}\n\ndata: [DONE]\n\n`;
}

export function wholeBody(promptTokens: number, completionTokens: number): string {
  return JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Done.' }, finish_reason: 'stop' }],
    usage: usageOf(promptTokens, completionTokens),
  });
}

function usageOf(promptTokens: number, completionTokens: number) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
