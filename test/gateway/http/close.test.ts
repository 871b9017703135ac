import assert from 'node:assert/strict';
import { useBed } from '../../support/bed.js';
import { createGate } from '../../support/gate.js';
import { chunk, paced, sseText } from '../../support/provider.js';
import { chainOf } from '../../support/scenario.js';

describe('a gateway that closes', () => {
  const bed = useBed();

  it('ends what it cannot wait for with an error that a client can read', async () => {
    const gate = createGate();
    const u1 = await bed.provider(
      paced([sseText([chunk({ role: 'assistant', content: 'some words' })]), gate.opened, sseText(['[DONE]'])]),
    );
    const gateway = await bed.gateway({ config: chainOf(u1) });
    const begun = await gateway.chat({ stream: true });
    await begun.nextFrame();
    const waiting = gateway.chat({ stream: false });
    while (u1.requests.length < 2) await new Promise(setImmediate);
    const closed = gateway.closeIn(0);
    const rest = await begun.text();
    assert.match(rest, /gateway_closing/);
    assert.ok(rest.endsWith('data: [DONE]\n\n'));
    const refused = await waiting;
    assert.equal(refused.status, 503);
    assert.equal((await refused.json()).error.code, 'gateway_closing');
    await closed;
    gate.open();
  });
});
