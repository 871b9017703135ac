import assert from 'node:assert/strict';
import { nearestNames } from '../../../src/gateway/routing/nearestNames.js';

describe('nearest names', () => {
  it('are those a typo away, nearest first, with and without their provider', () => {
    const names = ['groq/llama-3.3-70b', 'groq/llama-3.1-8b', 'google/gemini', 'auto'];
    assert.deepEqual(nearestNames('lama-3.3-70b', names, 2), ['groq/llama-3.3-70b', 'groq/llama-3.1-8b']);
    assert.deepEqual(nearestNames('GROQ/llama-3.3-70', names, 1), ['groq/llama-3.3-70b']);
    assert.deepEqual(nearestNames('atuo', names, 3), ['auto']);
    assert.deepEqual(nearestNames('xyzzyx', names, 3), []);
  });

  it('are not looked for where no name is that long', () => {
    let read = 0;
    function* names(): Generator<string> {
      read++;
      yield 'auto';
    }
    assert.deepEqual(nearestNames(`auto${'x'.repeat(297)}`, names(), 3), []);
    assert.equal(read, 0, 'no name was compared');
  });
});

describe('nearest names, loosely spelled', () => {
  it('are found without punctuation and under another provider', () => {
    const names = ['groq/llama-3.3-70b', 'google/gemini-2.5-flash', 'google/gemini-2.5-flash-lite', 'auto'];
    assert.deepEqual(nearestNames('llama3.3', names, 3), ['groq/llama-3.3-70b']);
    assert.deepEqual(nearestNames('gemini/gemini-2.5-flash', names, 1), ['google/gemini-2.5-flash']);
    assert.deepEqual(nearestNames('gemini/gemini-2.5-flash-002', names, 1), ['google/gemini-2.5-flash']);
  });

  it('share letters: one of a single letter is near to nothing', () => {
    for (const wrong of ['mixtral', 'x1', 'ab', 'my-x-model', 'openai/x-large']) {
      assert.deepEqual(nearestNames(wrong, ['x'], 3), [], wrong);
    }
  });
});
