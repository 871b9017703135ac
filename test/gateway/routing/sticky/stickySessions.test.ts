import assert from 'node:assert/strict';
import { CandidateSearch } from '../../../../src/gateway/routing/candidateSearch.js';
import type { Candidate } from '../../../../src/gateway/routing/inventory.js';
import { HANDOFF_TOKENS } from '../../../../src/gateway/routing/sticky/handoff.js';
import type { StickyRun } from '../../../../src/gateway/routing/sticky/stickyRun.js';
import { StickySessions } from '../../../../src/gateway/routing/sticky/stickySessions.js';
import type { ChatMessage, ChatRequest } from '../../../../src/protocol/chat.js';
import { createManualClock } from '../../../support/manualClock.js';

/** What sessions look at of a candidate. */
function candidateOf(name: string, keyId = 'k1'): Candidate {
  return { name, provider: name.slice(0, name.indexOf('/')), model: name, keyId } as Candidate;
}

const [a, a2, b, c, demo] = [
  candidateOf('one/a', 'k1'),
  candidateOf('one/a', 'k2'),
  candidateOf('two/b'),
  candidateOf('three/b-elsewhere'),
  candidateOf('demo/demo'),
];
const chain = [a, a2, b, c, demo];
const user: ChatMessage = { role: 'user', content: 'Hello' };
const answer: ChatMessage = { role: 'assistant', content: 'Hi.' };
const requestOf = (...messages: ChatMessage[]): ChatRequest => ({ model: 'auto', stream: false, messages });
const first = requestOf(user);
const second = requestOf(user, answer, { role: 'user', content: 'Go on' });

function sessions(settings = { stickyMinutes: 30, contextHandoff: true }): StickySessions {
  return new StickySessions(createManualClock(), () => settings, { b: ['two/b', 'three/b-elsewhere'] });
}

function open(from: StickySessions, request: ChatRequest, id: string | null = null): StickyRun {
  return from.open(id, request) ?? assert.fail('there is no session');
}

/** The whole answer "Hi." to `request`. */
function answeredBy(from: StickySessions, candidate: Candidate, request = first, id: string | null = null): void {
  const run = open(from, request, id);
  run.hear({ role: 'assistant', content: 'Hi.' });
  run.answered(candidate);
}

describe('StickySessions', () => {
  it('hands list and request of a new conversation through as they are, and hears its answer', () => {
    const run = open(sessions(), first);
    assert.equal(run.order(chain), chain);
    assert.equal(run.requestFor(a), first);
    assert.equal(run.isLed, false);
    assert.notEqual(run.listener(), undefined);
    assert.notEqual(run.listener(), run.listener(), 'each attempt is heard anew');
  });

  it('puts the last candidate first, then the other keys of its model, and leaves the order else', () => {
    const all = sessions();
    answeredBy(all, a2);
    const run = open(all, second);
    assert.deepEqual(run.order(chain), [a2, a, b, c, demo]);
    assert.equal(run.isLed, true);
    assert.deepEqual(open(all, second).order([a, b]), [a, b], 'the key is gone: another of the model');
    assert.deepEqual(open(all, second).order([c, b, a]), [a, c, b]);
    const inOrder = sessions();
    answeredBy(inOrder, a);
    assert.deepEqual(open(inOrder, second).order(chain), chain);
    const without = open(all, second);
    assert.deepEqual(without.order([b, c]), [b, c]);
    assert.equal(without.isLed, false);
  });

  it('listens to no answer where the session is known otherwise', () => {
    const all = sessions();
    assert.equal(open(all, second).listener(), undefined);
    assert.equal(open(all, first, 'id').listener(), undefined);
  });

  it('learns a conversation late: a turn that was answered elsewhere before', () => {
    const all = sessions();
    answeredBy(all, b, second);
    assert.deepEqual(open(all, second).order(chain)[0], b);
  });

  it('hands over to another model only: not to another key, nor to the same weights elsewhere', () => {
    const all = sessions();
    answeredBy(all, b);
    const run = open(all, second);
    assert.deepEqual(
      [a, b, c, demo].map((candidate) => run.isHandedTo(candidate)),
      [true, false, false, false],
    );
    assert.equal(run.requestFor(b), second);
    assert.equal(run.requestFor(a), run.requestFor(a2), 'made once');
    assert.equal(run.requestFor(a).messages.length, second.messages.length + 1);
    answeredBy(all, a, second);
    assert.equal(open(all, second).isHandedTo(a), false);
    assert.equal(open(all, second).isHandedTo(b), true);
  });

  it('does not let the demo keep a conversation', () => {
    const all = sessions();
    answeredBy(all, demo);
    assert.equal(open(all, second).order(chain), chain);
    answeredBy(all, a);
    answeredBy(all, demo, second);
    assert.equal(open(all, second).order([demo, a])[0], a);
  });

  it('keeps nothing of an answer that said nothing', () => {
    const all = sessions();
    const run = open(all, first);
    run.hear({ role: 'assistant', content: '' });
    run.answered(b);
    assert.equal(open(all, second).order(chain), chain);
  });

  it('is off at 0 minutes, and without a user', () => {
    assert.equal(sessions({ stickyMinutes: 0, contextHandoff: true }).open('id', second), null);
    assert.equal(sessions().open('id', requestOf({ role: 'system', content: 'x' })), null);
  });

  it('has the handoff counted where it is sent', () => {
    const all = sessions();
    answeredBy(all, b);
    const asked: [string, number][] = [];
    const note = ({ name }: { name: string }, tokens: number) => {
      asked.push([name, tokens]);
      return { ok: false as const, kind: 'tpm' as const, until: 1 };
    };
    const context = {
      cooldowns: { check: () => null, held: () => null } as never,
      quota: { ask: note, peek: note } as never,
    };
    const run = { needs: { promptTokens: 100 }, request: second, sticky: open(all, second) };
    const search = new CandidateSearch(context, [b, a], run);
    assert.equal(search.take(), null);
    search.blocks();
    assert.deepEqual(asked, [
      ['two/b', 100],
      ['one/a', 100 + HANDOFF_TOKENS],
      ['two/b', 100],
      ['one/a', 100 + HANDOFF_TOKENS],
    ]);
  });
});
