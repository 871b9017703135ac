import assert from 'node:assert/strict';
import { readUsage as readCohere } from '../../../src/gateway/providers/cohereStream.js';
import { toUsage } from '../../../src/gateway/providers/gemini/usage.js';
import { readUsage } from '../../../src/gateway/surfaces/looseParts.js';

/** As JSON may hold them: `1e400` is Infinity once parsed. */
const BAD = ['1e400', '-1', '0.5', '1e10'].map((text) => JSON.parse(text) as number);

describe('usage of a provider that counts wrongly', () => {
  for (const bad of BAD) {
    it(`${bad} is no count: nobody counted`, () => {
      assert.equal(readUsage({ prompt_tokens: bad, completion_tokens: 5, total_tokens: 5 }), null);
      assert.equal(readUsage({ prompt_tokens: 5, completion_tokens: bad }), null);
      assert.equal(readCohere({ tokens: { input_tokens: bad, output_tokens: 5 } }), null);
      assert.equal(readCohere({ tokens: { input_tokens: 5, output_tokens: bad } }), null);
      assert.equal(toUsage({ promptTokenCount: bad, candidatesTokenCount: 5 }), null);
      assert.equal(toUsage({ promptTokenCount: 5, thoughtsTokenCount: bad }), null);
    });

    it(`a total of ${bad} is made anew from its parts`, () => {
      const usage = readUsage({ prompt_tokens: 5, completion_tokens: 7, total_tokens: bad });
      assert.deepEqual(usage, { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 });
    });
  }

  it('what is counted well is left as it is', () => {
    const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 13, extra: 1 };
    assert.equal(readUsage(usage), usage);
    assert.equal(readUsage({ prompt_tokens: 5 })?.total_tokens, 5);
    assert.equal(readCohere({ tokens: { input_tokens: 5 } })?.total_tokens, 5);
    assert.equal(toUsage({ promptTokenCount: 5, candidatesTokenCount: 7 })?.total_tokens, 12);
  });
});
