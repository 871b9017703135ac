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
