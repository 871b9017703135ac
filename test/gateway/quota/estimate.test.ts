import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createTokenEstimator } from '../../../src/gateway/quota/estimate.js';
import { requestNeeds } from '../../../src/gateway/surfaces/requestNeeds.js';

const M = 'groq/m';

describe('token estimates', () => {
  it('are the prompt with tools and images, and the answer that is expected, at most what the client allows', () => {
    const estimator = createTokenEstimator();
    assert.equal(estimator.estimate(M, 1000), 1512);
    assert.equal(estimator.estimate(M, 1000, 100), 1100);
    assert.equal(estimator.estimate(M, 1000, 65_536), 1512, 'clients ask for far more than they use');
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
    for (let count = 0; count < 50; count++) estimator.observe(M, 1000, { prompt: 1400, completion: 100 });
    const estimate = estimator.estimate(M, 1000);
    assert.ok(estimate > 1450 && estimate < 1600, `${estimate}`);
    assert.equal(estimator.estimate('other/m', 1000), 1512, 'each model for itself');
  });

  it('leave room for answers that vary', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 100; count++)
      estimator.observe(M, 100, { prompt: 100, completion: count % 2 ? 100 : 900 });
    const answer = estimator.estimate(M, 100) - 100;
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

  it('are of a bounded number of models', () => {
    const estimator = createTokenEstimator();
    for (let count = 0; count < 2500; count++) estimator.observe(`p/${count}`, 1000, { prompt: 3000, completion: 1 });
    assert.equal(estimator.estimate('p/0', 1000), 1512);
    assert.ok(estimator.estimate('p/2499', 1000, 1) > 1200);
  });
});
