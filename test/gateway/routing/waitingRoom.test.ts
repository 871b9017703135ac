import assert from 'node:assert/strict';
import type { Candidate } from '../../../src/gateway/routing/inventory.js';
import { type Waiting, type WaitingAsk, WaitingRoom } from '../../../src/gateway/routing/waitingRoom.js';
import { createManualClock } from '../../support/manualClock.js';

const CANDIDATES = [{ provider: 'a' }, { provider: 'b' }] as unknown as Candidate[];
const ask = (promptTokens: number, more: Partial<WaitingAsk> = {}): WaitingAsk => ({
  model: 'auto',
  candidates: CANDIDATES,
  needs: { promptTokens, vision: false, tools: false, json: false },
  maxTokens: undefined,
  addedTokens: 0,
  ...more,
});

function roomOf() {
  const clock = createManualClock();
  const room = new WaitingRoom(clock);
  const looks: string[] = [];
  /** Room for prompts up to so many tokens. */
  const state = { roomFor: 0, freeAt: clock.now() + 10_000 };
  const taken: string[] = [];
  const enter = (name: string, wanted: WaitingAsk, since = clock.now()) => {
    const waiting: Waiting = {
      ask: wanted,
      since,
      tryTake(only) {
        looks.push(only ? `${name} at ${[...only]}` : name);
        if (wanted.needs.promptTokens > state.roomFor) return false;
        taken.push(name);
        return true;
      },
      freeAt: () => state.freeAt,
    };
    void room.wait(waiting, clock.now() + 60_000, () => {});
  };
  return { clock, room, looks, state, taken, enter };
}

describe('the waiting room', () => {
  it('does not ask who wants no less than somebody who found nothing', async () => {
    const { room, looks, enter } = roomOf();
    enter('middle', ask(500));
    for (let count = 0; count < 50; count++) enter(`large ${count}`, ask(500 + count));
    enter('small', ask(100));
    enter('with tools', ask(100, { needs: { promptTokens: 100, vision: false, tools: true, json: false } }));
    room.freed();
    await null;
    assert.deepEqual(looks, ['middle', 'small']);
  });

  it('asks who wants something else: another name, another time, a shorter answer', async () => {
    const { room, looks, enter } = roomOf();
    enter('first', ask(500));
    enter('pinned', ask(500, { model: 'groq/m' }));
    enter('later', ask(500, { candidates: [...CANDIDATES, { provider: 'c' } as unknown as Candidate] }));
    enter('renewed', ask(500, { candidates: CANDIDATES.map((each) => ({ ...each })) }));
    enter('short', ask(500, { maxTokens: 10 }));
    enter('told more', ask(490, { addedTokens: 60 }));
    enter('reordered', ask(500, { candidates: [...CANDIDATES].reverse() }));
    room.freed();
    await null;
    assert.deepEqual(looks, ['first', 'pinned', 'later', 'renewed', 'short', 'told more']);
  });

  it('asks who wants more, where somebody who found nothing may have wanted more still', async () => {
    const { room, looks, enter } = roomOf();
    enter('told', ask(500, { addedTokens: 60 }));
    enter('not told', ask(559));
    enter('large', ask(560));
    room.freed();
    await null;
    assert.deepEqual(looks, ['told', 'not told']);
  });

  it('serves in order whoever fits, and nobody is passed over for good', async () => {
    const { clock, state, taken, enter, room } = roomOf();
    enter('large', ask(900));
    enter('larger', ask(950));
    enter('small', ask(100));
    state.roomFor = 100;
    room.freed();
    await null;
    assert.deepEqual(taken, ['small']);
    state.roomFor = 1000;
    clock.advance(10_000);
    assert.deepEqual(taken, ['small', 'large', 'larger']);
  });

  it('gives who comes back refused its old place', async () => {
    const { clock, state, taken, enter, room } = roomOf();
    const first = clock.now();
    clock.advance(1000);
    enter('second', ask(500));
    enter('third', ask(500));
    enter('first', ask(500), first);
    state.roomFor = 500;
    room.freed();
    await null;
    assert.deepEqual(taken, ['first', 'second', 'third']);
  });

  it('looks at those who freed something only, and at all when one is due', async () => {
    const { clock, room, looks, enter } = roomOf();
    enter('one', ask(1));
    room.freed('a');
    room.freed('b');
    await null;
    room.freed('a');
    await null;
    room.freed('a');
    room.freed();
    await null;
    clock.advance(10_000);
    assert.deepEqual(looks.slice(0, 4), ['one at a,b', 'one at a', 'one', 'one']);
  });
});
