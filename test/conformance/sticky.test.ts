import assert from 'node:assert/strict';
import { useBed } from '../support/bed.js';
import { Conversation, type ConversationOptions } from '../support/conversation.js';
import { type FailoverScene, minute, second, startScene } from '../support/failoverScene.js';
import { chatCompletion, errorStatus, type Handler } from '../support/provider.js';
import { chainOf, secrets, u1Name, u2Name } from '../support/scenario.js';

const busy = errorStatus(429, 'slow down', { 'retry-after': '10' });
const read = (path: string) => ({ id: 'call_up', name: 'read_file', arguments: `{ "path": "${path}" }` });
const tools = [{ type: 'function', function: { name: 'read_file', parameters: { type: 'object', properties: {} } } }];

describe('conformance F: sticky sessions', () => {
  const bed = useBed();

  /** U1 is benched for 10 s, so that a conversation begins at U2; then U1 is well again. */
  async function beginAtU2(
    { u1, clock }: FailoverScene,
    conversation: Conversation,
    words: string,
    u1Answer: Handler = chatCompletion({ text: 'from one' }),
  ): Promise<void> {
    u1.script(busy);
    assert.equal((await conversation.say(words)).via, u2Name);
    u1.script(u1Answer);
    clock.advance(10 * second);
  }

  const ways: [string, ConversationOptions][] = [
    ['whole', {}],
    ['streamed', { stream: true }],
  ];
  for (const [way, options] of ways) {
    it(`case 80: turn 2 goes to who answered turn 1, though the first of the chain is back (${way})`, async () => {
      const scene = await startScene(bed, busy);
      const conversation = new Conversation(scene.gateway, options);
      await beginAtU2(scene, conversation, 'Hello there');
      assert.equal((await conversation.say('Go on')).via, u2Name);
      assert.equal((await conversation.say('And on')).via, u2Name);
      const other = new Conversation(scene.gateway, options);
      assert.equal((await other.say('Something else')).via, u1Name);
      assert.equal((await other.say('Go on')).via, u1Name);
    });

    it(`case 80: the same for an agent, whose first answer is a call that its client writes anew (${way})`, async () => {
      const scene = await startScene(bed, busy);
      scene.u2.script([chatCompletion({ toolCalls: [read('a.ts')] }), chatCompletion({ text: 'done' })]);
      const agent = new Conversation(scene.gateway, { ...options, body: { tools } });
      await beginAtU2(scene, agent, 'Fix it');
      const call = agent.messages[1]?.tool_calls?.[0];
      assert.ok(call);
      call.function.arguments = JSON.stringify(JSON.parse(call.function.arguments));
      assert.equal((await agent.say('Go on')).via, u2Name);
    });

    it(`two chats that begin with the same words keep their own models (${way})`, async () => {
      const scene = await startScene(bed, busy);
      const [one, two] = [new Conversation(scene.gateway, options), new Conversation(scene.gateway, options)];
      await beginAtU2(scene, two, 'Hello there');
      assert.equal((await one.say('Hello there')).via, u1Name);
      for (let turn = 0; turn < 3; turn++) {
        assert.equal((await one.say('Go on')).via, u1Name);
        assert.equal((await two.say('Go on')).via, u2Name);
      }
    });

    it(`two agents that begin with the same words keep their own models (${way})`, async () => {
      const scene = await startScene(bed, busy);
      scene.u2.script([chatCompletion({ toolCalls: [read('b.ts')] }), chatCompletion({ text: 'two' })]);
      const body = { ...options, body: { tools } };
      const [one, two] = [new Conversation(scene.gateway, body), new Conversation(scene.gateway, body)];
      await beginAtU2(scene, two, 'Fix it', chatCompletion({ toolCalls: [read('a.ts')] }));
      assert.equal((await one.say('Fix it')).via, u1Name);
      scene.u1.script(chatCompletion({ text: 'one' }));
      assert.equal((await two.say('Go on')).via, u2Name);
      assert.equal((await one.say('Go on')).via, u1Name);
    });
  }

  it('case 80: parts instead of a string, and another system prompt, are the same conversation', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway, { system: 'It is Monday.' });
    await beginAtU2(scene, conversation, 'Hello there');
    conversation.messages[0] = { role: 'system', content: 'It is Tuesday.' };
    conversation.messages[1] = { role: 'user', content: [{ type: 'text', text: 'Hello there' }] };
    conversation.messages[2] = { role: 'assistant', content: [{ type: 'text', text: 'from two' }] };
    assert.equal((await conversation.say('Go on')).via, u2Name);
  });

  it('case 81: an explicit id wins over the words, and other ids with the same words are independent', async () => {
    const scene = await startScene(bed, busy);
    const withId = (id: string) => new Conversation(scene.gateway, { headers: { 'x-session-id': id } });
    const [one, two] = [withId('one'), withId('two')];
    await beginAtU2(scene, two, 'Hello there');
    assert.equal((await one.say('Hello there')).via, u1Name);
    assert.equal((await one.say('Go on')).via, u1Name);
    assert.equal((await two.say('Go on')).via, u2Name);
    // Other words, no answer yet: the id says who it is.
    assert.equal((await withId('two').say('Forget all that')).via, u2Name);
    assert.equal((await withId('one').say('Forget all that')).via, u1Name);
    // Word for word the second chat, but under the first one's id.
    const quoting = withId('one');
    quoting.messages.push(...two.messages);
    assert.equal((await quoting.say('Go on')).via, u1Name);
  });

  it('case 81: the body, the headers and the metadata of known clients carry an id', async () => {
    const ids: ConversationOptions[] = [
      { body: { session_id: 'a' } },
      { headers: { 'x-claude-code-session-id': 'b' } },
      { headers: { 'session-id': 'c' } },
      { body: { prompt_cache_key: 'd' } },
      { body: { metadata: { user_id: JSON.stringify({ session_id: 'e' }) } } },
    ];
    for (const options of ids) {
      const scene = await startScene(bed, busy);
      await beginAtU2(scene, new Conversation(scene.gateway, options), 'Hello there');
      assert.equal((await new Conversation(scene.gateway, options).say('Anything')).via, u2Name);
      const sent = JSON.stringify(scene.u2.requests.map(({ headers, body }) => [headers, body]));
      assert.doesNotMatch(sent, /session|prompt_cache_key|metadata/, 'ids are ours alone');
    }
  });

  it('case 82: a benched target is passed over, and the session moves', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway);
    await beginAtU2(scene, conversation, 'Hello there');
    scene.u2.script(busy);
    const moved = await conversation.say('Go on');
    assert.deepEqual([moved.via, moved.text], [u1Name, 'from one']);
    scene.u2.script(chatCompletion({ text: 'from two' }));
    scene.clock.advance(10 * second);
    // U1 is also the first of the chain: a new conversation at U2 would tell nothing, this one's third turn does.
    assert.equal((await conversation.say('And on')).via, u1Name);
    scene.u1.script(busy);
    assert.equal((await conversation.say('Still')).via, u2Name);
    scene.u1.script(chatCompletion({ text: 'from one' }));
    scene.clock.advance(10 * second);
    assert.equal((await conversation.say('Further')).via, u2Name, 'it moved back');
  });

  it('case 82: a target that is switched off is passed over, and the session moves', async () => {
    const [u1, u2] = [
      await bed.provider(chatCompletion({ text: 'one' })),
      await bed.provider(chatCompletion({ text: 'two' })),
    ];
    const providers = Object.fromEntries(
      [u1, u2].map(({ baseUrl }, at) => [`custom:u${at + 1}`, { baseUrl, models: [{ id: 'm' }] }]),
    );
    const { settings } = chainOf(u1);
    const gateway = await bed.gateway({ config: { providers, strategy: 'priority', settings: settings ?? {} } });
    const chain = async (models: string[], off: string[] = []) => {
      const data = [...models, ...off].map((model) => ({ model, enabled: !off.includes(model) }));
      assert.equal((await gateway.api('PUT', '/api/chain', { data })).status, 200);
    };
    await chain(['custom:u2/m', 'custom:u1/m']);
    const conversation = new Conversation(gateway);
    assert.equal((await conversation.say('Hello there')).via, 'custom:u2/m');
    await chain(['custom:u1/m'], ['custom:u2/m']);
    assert.equal((await conversation.say('Go on')).via, 'custom:u1/m');
    await chain(['custom:u2/m', 'custom:u1/m']);
    assert.equal((await conversation.say('And on')).via, 'custom:u1/m');
  });

  it('case 83: after 30 minutes without a turn routing is as usual; each turn begins them anew', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway);
    await beginAtU2(scene, conversation, 'Hello there');
    scene.clock.advance(30 * minute - 10 * second - 1);
    assert.equal((await conversation.say('Go on')).via, u2Name);
    scene.clock.advance(30 * minute - 1);
    assert.equal((await conversation.say('And on')).via, u2Name);
    scene.clock.advance(30 * minute);
    assert.equal((await conversation.say('Still there?')).via, u1Name);
  });

  it('is off with stickyMinutes 0, from the next request on', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway, { headers: { 'x-session-id': 'one' } });
    await beginAtU2(scene, conversation, 'Hello there');
    assert.equal((await conversation.say('Go on')).via, u2Name);
    await scene.gateway.api('PUT', '/api/settings', { stickyMinutes: 0 });
    assert.equal((await conversation.say('And on')).via, u1Name);
  });

  it('orders only what the asked model allows, and each asked model has its own session', async () => {
    const scene = await startScene(bed, busy);
    const conversation = new Conversation(scene.gateway, { headers: { 'x-session-id': 'one' } });
    await beginAtU2(scene, conversation, 'Hello there');
    assert.equal((await conversation.say('Go on', { model: u1Name })).via, u1Name);
    assert.equal((await conversation.say('And on')).via, u2Name);
  });

  it('keeps the key too, and falls back to the other keys of the model before other models', async () => {
    const scene = await startScene(bed, chatCompletion({ text: 'one' }), (u1) => ({
      groq: { baseUrl: `${u1.origin}/openai/v1`, keys: [{ key: secrets.groq }, { key: secrets.groq2 }] },
    }));
    const { u1, gateway, clock } = scene;
    const keysUsed = () => u1.requests.map(({ headers }) => (headers.authorization?.includes('gsk_K1') ? 1 : 2));
    const conversation = new Conversation(gateway);
    u1.script([busy, chatCompletion({ text: 'one' })]);
    assert.equal((await conversation.say('Hello there')).via, u1Name);
    clock.advance(10 * second);
    assert.equal((await conversation.say('Go on')).via, u1Name);
    assert.deepEqual(keysUsed(), [1, 2, 2]);
    u1.script([busy, chatCompletion({ text: 'one' })]);
    assert.equal((await conversation.say('And on')).via, u1Name);
    assert.deepEqual(keysUsed().slice(3), [2, 1]);
  });
});
