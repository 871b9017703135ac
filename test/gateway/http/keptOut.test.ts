import assert from 'node:assert/strict';
import { useBed } from '../../support/bed.js';
import { listen } from '../../support/events.js';
import { chatCompletion, status } from '../../support/provider.js';
import { chainOf } from '../../support/scenario.js';

describe('what is kept out', () => {
  const bed = useBed();

  it('the log has no words of a provider that no longer has a model: they may repeat the prompt', async () => {
    const u1 = await bed.provider(status(410, 'no model for: my secret prompt'));
    const gateway = await bed.gateway({ config: chainOf(u1) });
    await (await gateway.chat()).text();
    assert.ok(gateway.logs.some(({ component }) => component === 'catalog'));
    assert.ok(!JSON.stringify(gateway.logs).includes('secret prompt'));
  });

  it('a key that somebody sent as User-Agent is not the name of a client', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'one' }));
    const gateway = await bed.gateway({ config: chainOf(u1) });
    const agents = ['sk-proj-abcdefghijklmnop/1.0', 'a-rather-long-client-name/2.0'];
    const listener = await listen(gateway);
    const clients: unknown[] = [];
    for (const agent of agents) {
      await (await gateway.chat({}, { headers: { 'user-agent': agent } })).text();
      clients.push((await listener.next('request.started')).client);
    }
    listener.close();
    assert.deepEqual(clients, ['sk-proj-[redacted]', 'a-rather-long-client-name']);
  });
});
