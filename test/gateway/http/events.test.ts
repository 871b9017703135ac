import assert from 'node:assert/strict';
import { useBed } from '../../support/bed.js';
import { type Listener, listen } from '../../support/events.js';
import { createGate } from '../../support/gate.js';
import { createManualClock } from '../../support/manualClock.js';
import { chatCompletion, chunk, errorStatus, paced, sseText } from '../../support/provider.js';
import { chainOf, u1Name, u2Name } from '../../support/scenario.js';

describe('live events', () => {
  const bed = useBed();
  let listeners: Listener[] = [];
  afterEach(() => {
    for (const listener of listeners) listener.close();
    listeners = [];
  });
  const listenTo: typeof listen = async (gateway, after) => {
    const listener = await listen(gateway, after);
    listeners.push(listener);
    return listener;
  };

  it('tell a stream from its start to its end, with growing token counts', async () => {
    const clock = createManualClock();
    const gate = createGate();
    const text = 'four token are in';
    const u1 = await bed.provider(
      paced([
        sseText([chunk({ role: 'assistant', content: text })]),
        gate.opened,
        sseText([chunk({ content: text }), chunk({}, 'stop'), '[DONE]']),
      ]),
    );
    const gateway = await bed.gateway({ config: chainOf(u1), clock });
    const listener = await listenTo(gateway);
    const response = await gateway.chat({ stream: true }, { headers: { 'user-agent': 'Cline/3.1 (linux)' } });
    await response.nextFrame();
    const started = await listener.next('request.started');
    assert.deepEqual([started.stream, started.client, started.model], [true, 'Cline', 'auto']);
    const routed = await listener.next('request.routed');
    assert.equal(`${routed.provider}/${routed.model}`, u1Name);
    clock.advance(500);
    const progressed = await listener.next('request.progressed');
    assert.deepEqual([progressed.id, progressed.completionTokens], [started.id, Math.ceil(text.length / 4)]);
    const { active } = await (await gateway.api('GET', '/api/state')).json();
    assert.deepEqual(
      active.map(({ id, client, attempt }: Record<string, unknown>) => [id, client, attempt]),
      [[started.id, 'Cline', 1]],
    );
    gate.open();
    await response.text();
    const { outcome } = await listener.next('request.ended');
    assert.equal(outcome.status, 'success');
    assert.equal(outcome.completionTokens, Math.ceil((2 * text.length) / 4), 'estimated: the provider did not count');
    assert.ok(
      listener.heard.slice(1).every(({ id, event }) => (id === undefined) === isPassing(event.type)),
      'after the snapshot, what lasts has an id, and nothing else',
    );
  });

  it('tell a failover, the cooldown and what was used of the quota', async () => {
    const u1 = await bed.provider(errorStatus(429, 'slow down'));
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const clock = createManualClock();
    const gateway = await bed.gateway({ config: chainOf(u1, u2), clock });
    const listener = await listenTo(gateway);
    await (await gateway.chat()).text();
    assert.equal((await listener.next('cooldown.changed')).kind, 'rate_limit');
    const { outcome } = await listener.next('request.ended');
    assert.deepEqual([outcome.provider, outcome.fallbacks.length], ['mistral', 1]);
    clock.advance(200);
    const { windows } = await listener.next('quota.changed');
    const used = windows.map(({ kind, provider, model, used }) => `${kind} ${provider}/${model} ${used}`);
    assert.ok(used.includes(`rpd ${u2Name} 1`) && used.includes(`tpd ${u2Name} 18`), used.join());
    assert.ok(!used.includes(`rpd ${u1Name} 1`), 'Groq does not count what it refuses');
  });

  it('tell that a key brought models, when its provider has listed them', async () => {
    const listed = createGate();
    const provider = await bed.provider(chatCompletion());
    provider.onGet(async (_request, response) => {
      await listed.opened;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[{"id":"large"}]}');
    });
    const gateway = await bed.gateway();
    const listener = await listenTo(gateway);
    const { baseUrl } = provider;
    const added = gateway.api('POST', '/api/keys', {
      provider: 'custom:lab',
      baseUrl,
      key: 'sk-lab-0123456789',
      check: false,
    });
    await listener.next('key.changed');
    const before = listener.heard.length;
    listed.open();
    assert.equal((await added).status, 201);
    for (;;) {
      const changed = await listener.next('gateway.changed');
      if (listener.heard.findIndex(({ event }) => event === changed) >= before) break;
    }
    const { data } = await (await gateway.api('GET', '/api/chain')).json();
    assert.deepEqual(
      data.map(({ id }: { id: string }) => id),
      ['large'],
    );
  });

  it('resume where they broke off', async () => {
    const u1 = await bed.provider(chatCompletion());
    const gateway = await bed.gateway({ config: chainOf(u1) });
    const first = await listenTo(gateway);
    await (await gateway.chat()).text();
    await first.next('request.ended');
    const last = first.heard.findLast(({ id }) => id !== undefined)?.id;
    first.close();
    await (await gateway.chat()).text();
    const second = await listenTo(gateway, last);
    await second.next('request.ended');
    const types = second.heard.flatMap(({ id, event }) => (id === undefined ? [] : event.type));
    assert.deepEqual(types.slice(0, 3), ['request.started', 'request.routed', 'request.ended']);
  });
});

function isPassing(type: string): boolean {
  return ['request.progressed', 'quota.changed'].includes(type);
}
