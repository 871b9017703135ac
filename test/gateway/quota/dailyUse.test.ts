import assert from 'node:assert/strict';
import type { AttemptRow, RequestRow } from '../../../src/gateway/ledger/changes.js';
import { createDailyUse } from '../../../src/gateway/quota/dailyUse.js';
import { createManualClock } from '../../support/manualClock.js';

const answered: AttemptRow = { provider: 'groq', model: 'm', keyId: 'k', kind: null, httpStatus: 200, ms: 5 };

function requestOf(attempts: AttemptRow[], tokens = 0): RequestRow {
  const last = attempts.at(-1);
  return {
    id: 'r',
    at: 0,
    client: null,
    tokenId: null,
    model: 'auto',
    isStream: false,
    status: 'success',
    httpStatus: 200,
    errorCode: null,
    provider: last?.provider ?? null,
    servedModel: last?.model ?? null,
    keyId: last?.keyId ?? null,
    firstTokenMs: null,
    totalMs: 5,
    promptTokens: tokens,
    completionTokens: tokens,
    attempts,
  };
}

describe('daily use', () => {
  const clock = createManualClock(Date.UTC(2026, 10, 21, 23, 59, 0));
  const usedOf = (use: ReturnType<typeof createDailyUse>) =>
    use.list().map(({ kind, provider, used }) => `${kind} ${provider} ${used}`);

  it('counts what reached a provider, and the tokens of whoever answered', () => {
    const use = createDailyUse(clock, () => 'utc');
    const refused = { ...answered, provider: 'google', kind: 'rate_limit', httpStatus: 429 };
    const unreached = { ...answered, provider: 'mistral', kind: 'network', httpStatus: null };
    const changed = use.settle(requestOf([unreached, refused, answered], 10));
    assert.deepEqual(usedOf(use), ['rpd google 1', 'rpd groq 1', 'tpd groq 20']);
    assert.deepEqual(
      changed.map(({ used }) => used),
      [1, 1, 20],
    );
  });

  it('begins anew when the provider’s day ends, and takes up a day that goes on', () => {
    const later = createManualClock(Date.UTC(2026, 10, 21, 23, 59, 0));
    const use = createDailyUse(later, (provider) => (provider === 'google' ? 'pacific' : 'utc'));
    use.settle(requestOf([{ ...answered, provider: 'google' }, answered]));
    const kept = use.list();
    later.advance(60_000);
    assert.deepEqual(usedOf(use), ['rpd google 1'], 'in California it is still afternoon');
    const next = createDailyUse(later, () => 'pacific');
    next.restore(kept);
    assert.deepEqual(usedOf(next), ['rpd google 1']);
    next.settle(requestOf([{ ...answered, provider: 'google' }]));
    assert.deepEqual(usedOf(next), ['rpd google 2']);
  });
});
