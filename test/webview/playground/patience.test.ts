import assert from 'node:assert/strict';
import { highlighted } from '../../../webview/lib/playground/highlight.js';
import { Patience } from '../../../webview/lib/playground/patience.js';

describe('an answer that takes long to show', () => {
  it('is shown as it is from some time on', () => {
    let now = 0;
    const patience = new Patience(() => now);
    const work = (ms: number) =>
      patience.spend(() => {
        now += ms;
        return ms;
      });
    for (let times = 0; times < 1_000; times += 1) assert.equal(work(40), 40);
    assert.deepEqual([work(300), work(90), work(60), work(1), work(40)], [300, 90, 60, null, null]);
  });

  it('has no colours in lines that nobody reads', () => {
    assert.equal(highlighted(`int a;\n${'$'.repeat(4_000)}`, 'java'), null);
    assert.match(highlighted(`int a;\n${'$'.repeat(400)}`, 'java') ?? '', /hljs/);
  });
});
