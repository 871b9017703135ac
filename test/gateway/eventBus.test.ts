import assert from 'node:assert/strict';
import { createEventBus, type NumberedEvent } from '../../src/gateway/eventBus.js';
import { createManualClock } from '../support/manualClock.js';

const changed = (keyId: string) => ({ type: 'key.changed', keyId, provider: 'groq', change: 'added' }) as const;
const growing = { type: 'request.progressed', id: 'r', provider: 'p', model: 'm', completionTokens: 1 } as const;

describe('event bus', () => {
  const bus = () => createEventBus(createManualClock(), 'life1');
  const listen = (on: ReturnType<typeof bus>, after?: string) => {
    const heard: NumberedEvent[] = [];
    on.subscribe((event) => heard.push(event), after);
    return heard;
  };
  const namesOf = (events: NumberedEvent[]) =>
    events.map(({ event }) => (event.type === 'key.changed' ? event.keyId : event.type));

  it('resumes after the last event that was seen', () => {
    const on = bus();
    const first = listen(on);
    for (const id of ['a', 'b', 'c']) on.emit(changed(id));
    assert.deepEqual(namesOf(listen(on, first[0]?.id ?? '')), ['b', 'c']);
    assert.deepEqual(namesOf(listen(on)), []);
  });

  it('gives whoever comes from an earlier gateway all that is remembered', () => {
    const on = bus();
    for (const id of ['a', 'b']) on.emit(changed(id));
    for (const id of ['life0-1', 'life0-99', '7', 'life1-x']) assert.deepEqual(namesOf(listen(on, id)), ['a', 'b'], id);
  });

  it('neither numbers nor remembers what passes', () => {
    const on = bus();
    const heard = listen(on);
    on.emit(changed('a'));
    on.emitTransient({ ...growing });
    on.emit(changed('b'));
    assert.deepEqual(
      heard.map(({ id }) => id),
      ['life1-1', null, 'life1-2'],
    );
    assert.deepEqual(namesOf(listen(on, 'life1-0')), ['a', 'b']);
  });

  it('remembers a bounded number, the newest', () => {
    const on = bus();
    for (let n = 1; n <= 2000; n++) on.emit(changed(String(n)));
    const again = namesOf(listen(on, 'life1-0'));
    assert.ok(again.length >= 256 && again.length <= 512, String(again.length));
    assert.equal(again.at(-1), '2000');
  });
});
