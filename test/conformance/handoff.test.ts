import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { HANDOFF_TEXT } from '../../src/gateway/routing/sticky/handoff.js';
import { useBed } from '../support/bed.js';
import { Conversation, type ConversationOptions } from '../support/conversation.js';
import { type FailoverScene, second, startScene } from '../support/failoverScene.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type FakeProvider, type Handler } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, u1Name, u2Name } from '../support/scenario.js';

const busy = errorStatus(429, 'slow down', { 'retry-after': '10' });

/** Of each request that a provider got: how often the handoff stands in it. */
function handoffs(provider: FakeProvider): number[] {
  return provider.requests.map(({ rawBody }) => rawBody.split(HANDOFF_TEXT).length - 1);
}

describe('context handoff: the model that must take a conversation over is told, once', () => {
  const bed = useBed();
  const system = 'You are brief.';

  /** A conversation whose turns 1 and 2 U1 answers, and turn 3 U2, because U1 is benched. */
  async function switched(scene: FailoverScene, options: ConversationOptions = {}): Promise<Conversation> {
    const conversation = new Conversation(scene.gateway, options);
    await conversation.say('Hello there');
    assert.equal((await conversation.say('Go on')).via, u1Name);
    scene.u1.script(busy);
    assert.equal((await conversation.say('And on')).via, u2Name);
    scene.u1.script(chatCompletion({ text: 'from one' }));
    scene.clock.advance(10 * second);
    return conversation;
  }

  for (const [way, options] of [
    ['whole', {}],
    ['streamed', { stream: true }],
    ['by id', { headers: { 'x-session-id': 'one' } }],
  ] as [string, ConversationOptions][]) {
    it(`is in the first request to the new model and in no other, until it is switched back (${way})`, async () => {
      const scene = await startScene(bed, chatCompletion({ text: 'from one' }));
      const { u1, u2 } = scene;
      const conversation = await switched(scene, { ...options, system });
      assert.deepEqual(handoffs(u1), [0, 0, 0]);
      assert.deepEqual(handoffs(u2), [1]);
      const [told] = u2.requests[0]?.body.messages ?? [];
      assert.deepEqual(told, { role: 'system', content: `${system}\n\n${HANDOFF_TEXT}` });
      assert.deepEqual(u2.requests[0]?.body.messages.slice(1), conversation.messages.slice(1, -1));
      for (const words of ['More', 'And more']) assert.equal((await conversation.say(words)).via, u2Name);
      assert.deepEqual(handoffs(u2), [1, 0, 0], 'once');
      u2.script(busy);
      assert.equal((await conversation.say('Back')).via, u1Name);
      assert.equal((await conversation.say('And there')).via, u1Name);
      assert.deepEqual(handoffs(u1), [0, 0, 0, 1, 0], 'the way back is a switch too');
      assert.ok(!conversation.seen.includes('another model wrote'), 'no client ever sees it');
      assert.ok(!JSON.stringify(conversation.messages).includes('another model wrote'));
    });
  }

  it('goes to each model that is tried, and counts as told only by the one that answered', async () => {
    const scene = await startScene(bed, chatCompletion({ text: 'from one' }));
    const { u1, u2, clock } = scene;
    const conversation = new Conversation(scene.gateway);
    await conversation.say('Hello there');
    u1.script(busy);
    u2.script(busy);
    const failed = await scene.gateway.chat({
      messages: [...conversation.messages, { role: 'user', content: 'Go on' }],
    });
    await assertError(failed, 429, 'rate_limit_error', 'rate_limit_exceeded');
    u2.script(chatCompletion({ text: 'from two' }));
    clock.advance(10 * second);
    assert.equal((await conversation.say('Go on')).via, u2Name);
    assert.equal((await conversation.say('And on')).via, u2Name);
    assert.deepEqual(handoffs(u2), [1, 1, 0]);
  });

  it('becomes the system message where there is none, in front', async () => {
    const scene = await startScene(bed, chatCompletion({ text: 'from one' }));
    await switched(scene);
    const roles = scene.u2.requests[0]?.body.messages.map(({ role }: { role: string }) => role);
    assert.deepEqual(roles, ['system', 'user', 'assistant', 'user', 'assistant', 'user']);
  });

  it('is off by setting; the session moves all the same', async () => {
    const scene = await startScene(bed, chatCompletion({ text: 'from one' }), { settings: { contextHandoff: false } });
    const conversation = await switched(scene);
    assert.equal((await conversation.say('More')).via, u2Name);
    assert.deepEqual(handoffs(scene.u2), [0, 0]);
  });

  it('is for a forced switch: not for a failover in the first turn, nor for a client that names another model', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway, { headers: { 'x-session-id': 'one' } });
    assert.equal((await conversation.say('Hello there')).via, u2Name);
    scene.u1.script(chatCompletion({ text: 'from one' }));
    scene.clock.advance(10 * second);
    assert.equal((await conversation.say('Go on', { model: u1Name })).via, u1Name);
    assert.deepEqual([...handoffs(scene.u1), ...handoffs(scene.u2)], [0, 0, 0]);
  });

  it('is for a conversation: not for another one of the same session that has no answer yet', async () => {
    const scene = await startScene(bed, chatCompletion({ text: 'from one' }));
    const headers = { 'x-session-id': 'one' };
    await new Conversation(scene.gateway, { headers }).say('Hello there');
    scene.u1.script(busy);
    assert.equal((await new Conversation(scene.gateway, { headers }).say('A title, please')).via, u2Name);
    assert.deepEqual(handoffs(scene.u2), [0]);
  });

  it('is not for another key of the same model, nor for the same model at another provider', async () => {
    const [groq, cerebras] = [await bed.provider(busy), await bed.provider(chatCompletion({ text: 'two' }))];
    groq.script([chatCompletion({ text: 'one' }), busy, chatCompletion({ text: 'one' }), busy]);
    const gateway = await bed.gateway({
      clock: createManualClock(),
      config: configOf(
        {
          groq: { baseUrl: `${groq.origin}/openai/v1`, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] },
          cerebras: { baseUrl: cerebras.baseUrl, keys: [{ key: secrets.cerebras }] },
        },
        ['groq/openai/gpt-oss-120b', 'cerebras/gpt-oss-120b'],
      ),
    });
    const conversation = new Conversation(gateway);
    const vias: (string | undefined)[] = [];
    for (const words of ['Hello there', 'Go on', 'And on']) vias.push((await conversation.say(words)).via);
    assert.deepEqual(vias, ['groq/openai/gpt-oss-120b', 'groq/openai/gpt-oss-120b', 'cerebras/gpt-oss-120b']);
    assert.deepEqual([...handoffs(groq), ...handoffs(cerebras)], [0, 0, 0, 0, 0]);
  });

  for (const [name, before] of [
    ['', 'Cannot read'],
    [', where they are cut too', `${'x'.repeat(400)} Cannot read`],
  ] as const) {
    it(`is taken out of the words of a provider that repeats what it was sent${name}`, async () => {
      const scene = await startScene(bed, chatCompletion({ text: 'from one' }));
      const conversation = new Conversation(scene.gateway);
      await conversation.say('Hello there');
      const echo: Handler = (request, response, n) =>
        errorStatus(400, `${before} ${request.body.messages[0].content}`)(request, response, n);
      scene.u1.script(errorStatus(400, 'Cannot read'));
      scene.u2.script(echo);
      const messages = [...conversation.messages, { role: 'user', content: 'Go on' }];
      const error = await assertError(
        await scene.gateway.chat({ messages }),
        400,
        'invalid_request_error',
        'provider_rejected_request',
      );
      assert.deepEqual(handoffs(scene.u2), [1]);
      assert.match(error.message, /Cannot read …/);
      assert.doesNotMatch(error.message, /Until now|another model/);
    });
  }

  it('is told with the request: which were led by their session, and which were handed over', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-handoff-'));
    try {
      const [u1, u2] = [
        await bed.provider([chatCompletion({ text: 'one' }), busy]),
        await bed.provider(chatCompletion({ text: 'two' })),
      ];
      const gateway = await bed.gateway({ config: chainOf(u1, u2), dataDir: folder });
      const conversation = new Conversation(gateway);
      const told: unknown[] = [];
      for (const words of ['Hello there', 'Go on', 'And on']) {
        const { requestId } = await conversation.say(words);
        const { sticky, handoff, servedModel } = await (await gateway.api('GET', `/api/requests/${requestId}`)).json();
        told.push([sticky, handoff, servedModel]);
      }
      assert.deepEqual(told, [
        [false, false, 'llama-3.3-70b-versatile'],
        [true, true, 'mistral-large-latest'],
        [true, false, 'mistral-large-latest'],
      ]);
      await gateway.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
