import assert from 'node:assert/strict';
import { conversationKey, digestOf, idKey, openingOf } from '../../../../src/gateway/routing/sticky/sessionKeys.js';
import type { ChatMessage } from '../../../../src/protocol/chat.js';

const system: ChatMessage = { role: 'system', content: 'It is Monday.' };
const user = (content: ChatMessage['content']): ChatMessage => ({ role: 'user', content });
const answer = (content: string): ChatMessage => ({ role: 'assistant', content });

function keyOf(messages: ChatMessage[], model = 'auto'): number | null {
  const opening = openingOf(messages);
  assert.ok(opening?.answer);
  return conversationKey(opening.user, digestOf(opening.answer), model);
}

describe('the key of a conversation', () => {
  const key = keyOf([user('Fix it'), answer('Done.')]);

  it('is that of its opening at every later turn, whatever the system prompt says by then', () => {
    assert.notEqual(key, null);
    const later = [user('Fix it'), answer('Done.'), user('And that'), answer('Done too.'), user('Thanks')];
    assert.equal(keyOf([system, ...later]), key);
    assert.equal(keyOf([{ role: 'system', content: 'It is Tuesday.' }, ...later]), key);
    assert.equal(keyOf([user([{ type: 'text', text: 'Fix it\n' }]), answer('Done.')]), key);
  });

  it('differs with the question, the answer and the model that is asked for', () => {
    assert.notEqual(keyOf([user('Fix that'), answer('Done.')]), key);
    assert.notEqual(keyOf([user('Fix it'), answer('Done!')]), key);
    assert.notEqual(keyOf([user('Fix it'), answer('Done.')], 'auto:fastest'), key);
    assert.notEqual(keyOf([user('Fix itD'), answer('one.')]), key);
  });

  it('reads nothing into a greeting before the user, or into an answer that says nothing', () => {
    assert.equal(keyOf([answer('Hello, I am a bot.'), user('Fix it'), answer('Done.')]), key);
    assert.equal(openingOf([answer('Hello'), user('Fix it')])?.answer, null);
    assert.equal(openingOf([system, answer('Hello')]), null);
    assert.equal(keyOf([user('Fix it'), answer('')]), null);
  });

  it('does not take images for the question: clients leave them out later', () => {
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
    assert.equal(keyOf([user([image, { type: 'text', text: 'Fix it' }]), answer('Done.')]), key);
  });

  it('looks at the ends and the length of a long question', () => {
    const long = `${'a'.repeat(3000)} ${'b'.repeat(3000)} ${'c'.repeat(3000)}`;
    const of = (text: string) => keyOf([user(text), answer('Done.')]);
    assert.equal(of(`\n${long}\n`), of(long));
    assert.equal(of(`${' '.repeat(99)}${long.slice(0, 1020)}`), of(long.slice(0, 1020)));
    assert.notEqual(of(`${long}d`), of(long));
    assert.notEqual(of(`d${long}`), of(long));
    assert.notEqual(of(long.replace('b', 'bb')), of(long));
  });

  it("is never a client's own id's", () => {
    assert.equal(idKey('Fix it', 'auto'), idKey('Fix it', 'auto'));
    assert.notEqual(idKey('Fix it', 'auto'), idKey('Fix it', 'auto:fastest'));
    assert.notEqual(idKey('Fix it', 'auto'), conversationKey(user('Fix it'), 0, 'auto'));
  });
});
