import assert from 'node:assert/strict';
import { createTokenEstimator } from '../../../src/gateway/quota/estimate.js';
import { createQuotaDesk, isRefusal, type QuotaCandidate } from '../../../src/gateway/quota/quotaDesk.js';
import { MINUTE_MS } from '../../../src/gateway/quota/windows.js';
import { engineOf } from './engines.js';
import { TARGET } from './world.js';

/** A desk of a model with 6,000 tokens a minute, which answered at a length of 30,000 once. */
function desk() {
  const { clock, engine } = engineOf({ tpm: 6000 });
  const estimator = createTokenEstimator();
  const candidate: QuotaCandidate = { ...TARGET, name: 'p/m', runtime: { spec: { id: 'p' } as never } };
  estimator.observe(candidate.name, 10, { prompt: 10, completion: 30_000 });
  return { clock, engine, candidate, ...createQuotaDesk(engine, estimator, clock) };
}

describe('a request whose usual answer is over a token limit', () => {
  it('is sent all the same, with all of the limit taken for it: nothing else would ever correct the guess', () => {
    const { clock, engine, candidate, ask, peek } = desk();
    const used = () => engine.list().find(({ kind }) => kind === 'tpm')?.used;
    assert.equal(peek(candidate, 100), null);
    const permit = ask(candidate, 100);
    assert.ok(!isRefusal(permit));
    assert.equal(used(), 6000);
    permit.onHeaders(200, {});
    const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
    permit.end({ usage, isCounted: true, isUnsent: false });
    assert.equal(used(), 120);
    const next = peek(candidate, 100);
    assert.equal(next?.until, clock.now() + MINUTE_MS * 1.001, 'the next waits, and is not refused for good');
  });

  it('is sent where the client allows more than the model usually answers', () => {
    const { candidate, ask } = desk();
    assert.ok(!isRefusal(ask(candidate, 100, 100_000)));
  });

  it('is refused for good where the prompt alone is too long', () => {
    const { candidate, ask, peek } = desk();
    for (const isTight of [false, true]) {
      const refusal = ask(candidate, 6001, undefined, isTight);
      assert.ok(isRefusal(refusal) && refusal.until === null);
      assert.equal(peek(candidate, 6001, undefined, isTight)?.until, null);
    }
  });

  it('is refused where the client itself allows more than fits, unless nobody else could take it', () => {
    const { candidate, peek } = desk();
    assert.equal(peek(candidate, 100, 6000)?.until, null);
    assert.equal(peek(candidate, 100, 6000, true), null);
    assert.equal(peek(candidate, 100, 1000), null);
  });
});
