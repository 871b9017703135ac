import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTokenEstimator } from '../../../src/gateway/quota/estimate.js';
import { requestNeeds } from '../../../src/gateway/surfaces/requestNeeds.js';
import { Random } from '../../simulate/random.js';

const M = 'groq/m';
/** Of 1,000 tokens: 37.5 % more, in case they are, and an answer of 512. */
const FIRST = 1887;

describe('token estimates', () => {
  it('are the prompt with tools and images, and the answer that is expected, at most what the client allows', () => {
    const estimator = createTokenEstimator();
    assert.equal(estimator.estimate(M, 1000), FIRST);
    assert.equal(estimator.estimate(M, 1000, 100), FIRST - 412);
    assert.equal(estimator.estimate(M, 1000, 65_536), FIRST, 'clients ask for far more than they use');
    const parameters = { type: 'object', properties: { path: { type: 'string', description: 'x'.repeat(4000) } } };
    const { promptTokens } = requestNeeds({
      model: 'auto',
      stream: false,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://x/y.png' } }] }],
      tools: [{ type: 'function', function: { name: 'read', parameters } }],
    });
    assert.ok(estimator.estimate(M, promptTokens, 1) > 2000);
  });

  it('come nearer to what a model really counts', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 150; count++) estimator.observe(M, 1000, { prompt: 1400, completion: 100 });
    const estimate = estimator.estimate(M, 1000);
    assert.ok(estimate > 1500 && estimate < 1700, `${estimate}`);
    assert.equal(estimator.estimate('other/m', 1000), FIRST, 'each model for itself');
  });

  it('are hardly ever below what a prompt really was, though code and prose count differently', () => {
    const estimator = createTokenEstimator();
    let below = 0;
    let total = 0;
    for (let count = 0; count < 400; count++) {
      // 0.85 to 1.20, in an order that has nothing to do with the share.
      const real = 850 + ((count * 7919) % 351);
      const estimate = estimator.estimate(M, 1000, 1);
      if (count >= 10) total += estimate;
      if (estimate < real) below++;
      estimator.observe(M, 1000, { prompt: real, completion: 1 });
    }
    assert.equal(below, 0);
    assert.ok(total / 390 < 1350, `and not far above it: ${total / 390}`);
  });

  it('remember through a long conversation how different the next one may be', () => {
    const random = new Random('conversations');
    const another = () => ({ truth: random.between(0.85, 1.2), left: random.whole(10, 40) });
    const estimator = createTokenEstimator();
    const running = [another(), another(), another()];
    let below = 0;
    let above = 0;
    for (let count = 0; count < 20_000; count++) {
      const at = random.whole(0, running.length - 1);
      const conversation = running[at]!;
      const real = Math.ceil(1000 * conversation.truth * random.between(0.97, 1.03));
      const estimate = estimator.estimate(M, 1000, 1);
      if (count >= 100 && estimate < real) below++;
      above += estimate / real - 1;
      estimator.observe(M, 1000, { prompt: real, completion: 1 });
      if (--conversation.left === 0) running[at] = another();
    }
    assert.ok(below < 80, `${below} of 20,000 below the truth`);
    assert.ok(above / 20_000 < 0.3, `${above / 20_000} above it on average`);
  });

  it('come back to the truth once prompts are alike', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 20; count++)
      estimator.observe(M, 1000, { prompt: count % 2 ? 700 : 1300, completion: 1 });
    assert.ok(estimator.estimate(M, 1000, 1) > 1300);
    for (let count = 0; count < 500; count++) estimator.observe(M, 1000, { prompt: 1000, completion: 1 });
    const estimate = estimator.estimate(M, 1000, 1);
    assert.ok(estimate < 1020, `${estimate}`);
  });

  it('leave room for answers that vary', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 100; count++)
      estimator.observe(M, 100, { prompt: 100, completion: count % 2 ? 100 : 900 });
    const answer = estimator.estimate(M, 100) - estimator.estimate(M, 100, 0);
    assert.ok(answer > 800, `${answer}`);
  });

  it('stay within half and three times the prompt, whatever was observed', () => {
    const usage = fc.option(fc.integer({ min: 0, max: 1_000_000 }), { nil: null });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), usage, usage)), (observed) => {
        const estimator = createTokenEstimator();
        for (const [promptTokens, prompt, completion] of observed)
          estimator.observe(M, promptTokens, { prompt, completion });
        const estimate = estimator.estimate(M, 1000, 1);
        assert.ok(estimate >= 501 && estimate <= 3001, `${estimate}`);
      }),
    );
  });

  it('learn nothing from counts that cannot be one', () => {
    const estimator = createTokenEstimator();
    const bad = [Number.POSITIVE_INFINITY, Number.NaN, -5, 0.5, 1e12];
    for (const count of bad) estimator.observe(M, 1000, { prompt: count, completion: count });
    assert.equal(estimator.estimate(M, 1000), FIRST);
  });

  it('are of a bounded number of models', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 2500; count++) estimator.observe(`p/${count}`, 1000, { prompt: 3000, completion: 1 });
    assert.equal(estimator.estimate('p/0', 1000), FIRST);
    assert.ok(estimator.estimate('p/2499', 1000, 1) > 1200);
  });
});
