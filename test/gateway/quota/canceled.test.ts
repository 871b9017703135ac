import assert from 'node:assert/strict';
import { useBed } from '../../support/bed.js';
import { listen } from '../../support/events.js';
import { createGate } from '../../support/gate.js';
import { chunk, paced, sseText } from '../../support/provider.js';
import { chainOf } from '../../support/scenario.js';

describe('what a client that left is counted for', () => {
  const bed = useBed();

  it('is the request, once its answer has begun', async () => {
    const gate = createGate();
    const u1 = await bed.provider(
      paced([sseText([chunk({ role: 'assistant', content: 'some words' })]), gate.opened, sseText(['[DONE]'])]),
    );
    const gateway = await bed.gateway({ config: chainOf(u1) });
    const listener = await listen(gateway);
    const response = await gateway.chat({ stream: true });
    await response.nextFrame();
    response.abort();
    const { outcome } = await listener.next('request.ended');
    assert.equal(outcome.status, 'canceled');
    const { data } = await (await gateway.api('GET', '/api/quota')).json();
    assert.deepEqual(data.find(({ kind }: { kind: string }) => kind === 'rpd')?.used, 1);
    listener.close();
    gate.open();
  });
});
