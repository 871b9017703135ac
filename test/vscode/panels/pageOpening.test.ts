import assert from 'node:assert/strict';
import type { TextTransport } from '../../../src/protocol/apiClient.js';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import { FirstReads } from '../../../src/vscode/panels/firstReads.js';
import { PageOpening } from '../../../src/vscode/panels/pageOpening.js';
import { createGate } from '../../support/gate.js';

/** A gateway that numbers its answers, and may fail. */
function numbered(): { send: TextTransport; asked: string[]; failNext(): void } {
  const asked: string[] = [];
  let isBroken = false;
  return {
    asked,
    failNext: () => {
      isBroken = true;
    },
    send: async ({ method, path }) => {
      asked.push(`${method} ${path}`);
      const isNow = isBroken;
      isBroken = false;
      if (isNow) throw new Error('lost');
      return String(asked.length);
    },
  };
}
const event = (id: string) => ({ type: 'request.started', id }) as unknown as GatewayEvent;

describe('the opening of a page', () => {
  it('hands out once what was read ahead, and asks for everything else', async () => {
    const { send, asked } = numbered();
    const opening = new PageOpening(['/api/keys', '/api/quota'], () => send);
    opening.readAhead();
    assert.deepEqual(asked, ['GET /api/keys', 'GET /api/quota']);
    const transport = opening.transport();
    assert.equal(await transport?.({ method: 'GET', path: '/api/quota' }), '2');
    assert.equal(await transport?.({ method: 'GET', path: '/api/quota' }), '3');
    assert.equal(await transport?.({ method: 'POST', path: '/api/keys' }), '4');
    assert.equal(await transport?.({ method: 'GET', path: '/api/keys' }), '1');
  });

  it('asks again where reading ahead failed', async () => {
    const { send, failNext } = numbered();
    failNext();
    const opening = new PageOpening(['/api/keys'], () => send);
    opening.readAhead();
    assert.equal(await opening.transport()?.({ method: 'GET', path: '/api/keys' }), '2');
  });

  it('reads ahead anew when events may have been missed, and forgets those of before', async () => {
    const { send } = numbered();
    const opening = new PageOpening(['/api/keys'], () => send);
    opening.readAhead();
    opening.hold([event('old')]);
    opening.readAhead();
    opening.hold([event('new')]);
    const answered = opening.transport()?.({ method: 'GET', path: '/api/keys' });
    opening.note({ method: 'GET', path: '/api/keys' }, answered as Promise<unknown>);
    assert.equal(await answered, '2');
    assert.deepEqual(await opening.ready(() => undefined), [event('new')]);
  });

  it('holds events back until the page has its first answers, and remembers what was asked', async () => {
    const { send } = numbered();
    const opening = new PageOpening([], () => send);
    const answer = createGate();
    assert.equal(opening.hasAsked, false);
    opening.note({ method: 'GET', path: '/api/keys' }, answer.opened);
    opening.note({ method: 'PUT', path: '/api/chain' }, Promise.reject(new Error('no')));
    const remembered: string[][] = [];
    assert.equal(opening.hasAsked, true);
    let handed: readonly GatewayEvent[] | null = null;
    const ready = opening
      .ready((paths) => remembered.push([...paths]))
      .then((events) => {
        handed = events;
      });
    opening.note({ method: 'GET', path: '/api/requests' }, new Promise(() => {}));
    opening.hold([event('one')]);
    await new Promise(setImmediate);
    assert.equal(handed, null);
    opening.hold([event('two')]);
    answer.open();
    await ready;
    assert.deepEqual(handed, [event('one'), event('two')]);
    assert.deepEqual(remembered, [['/api/keys']]);
  });

  it('lets a page read by itself that was kept waiting too long', async () => {
    const { send } = numbered();
    const opening = new PageOpening(['/api/keys'], () => send);
    opening.readAhead();
    opening.hold(Array.from({ length: 2_001 }, (_, at) => event(String(at))));
    assert.equal(await opening.transport()?.({ method: 'GET', path: '/api/keys' }), '2');
    assert.deepEqual(await opening.ready(() => undefined), []);
  });

  it('has a page read anew that got answers from before more than it can hold', async () => {
    const { send } = numbered();
    const opening = new PageOpening([], () => send);
    const answer = createGate();
    opening.note({ method: 'GET', path: '/api/state' }, answer.opened);
    const ready = opening.ready(() => undefined);
    opening.hold(Array.from({ length: 2_001 }, (_, at) => event(String(at))));
    opening.hold([event('last')]);
    answer.open();
    assert.equal(await ready, null);
  });

  it('reads no more ahead than a page asks', () => {
    const { send, asked } = numbered();
    const paths = Array.from({ length: 1_000 }, (_, at) => `/api/keys/${at}/activity`);
    new PageOpening(paths, () => send).readAhead();
    assert.equal(asked.length, 12);
  });

  it('has nothing to say once the page is gone, nor without a gateway', async () => {
    const opening = new PageOpening(['/api/keys'], () => null);
    opening.readAhead();
    assert.equal(opening.transport(), null);
    let isHanded = false;
    void opening
      .ready(() => undefined)
      .then(() => {
        isHanded = true;
      });
    opening.dispose();
    await new Promise(setImmediate);
    assert.equal(isHanded, false);
  });
});

describe('what pages ask first', () => {
  it('is kept by page, and anything else in its place is nothing', () => {
    const kept = new Map<string, unknown>();
    const store = {
      get: (key: string) => kept.get(key),
      update: (key: string, value: unknown) => kept.set(key, value),
    };
    const reads = new FirstReads(store);
    assert.deepEqual(reads.of('keys'), []);
    reads.keep('keys', ['/api/keys']);
    reads.keep('chain', ['/api/chain']);
    assert.deepEqual(new FirstReads(store).of('keys'), ['/api/keys']);
    kept.set('pages.firstReads', { keys: 3, chain: ['/api/chain', 4] });
    assert.deepEqual([reads.of('keys'), reads.of('chain')], [[], ['/api/chain']]);
  });
});
