import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { useBed } from '../support/bed.js';
import { minute } from '../support/failoverScene.js';
import { createGate } from '../support/gate.js';
import type { TestGateway } from '../support/gateway.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, chunk, errorStatus, type Handler, paced, sseText } from '../support/provider.js';
import { assertError, chainOf, textOf, u1Name, u2Name } from '../support/scenario.js';

const limited = errorStatus(429, 'slow down');

describe('after a rest of which nobody knows how many may go', () => {
  const bed = useBed();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-half-open-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (gateway: TestGateway, where: string) => (await gateway.api('GET', where)).json();

  /** U1 has rested for its minute; U1 answers the next request with `next`. */
  async function rested(next: Handler, hasSecond = true, queueSeconds = 0) {
    const clock = createManualClock();
    const u1 = await bed.provider([limited, next, chatCompletion({ text: 'from one' })]);
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const settings = { 'queue.timeoutSeconds': queueSeconds };
    const config = chainOf(u1, hasSecond ? u2 : undefined, { settings, limits: { [u2Name]: { rpm: 1000 } } });
    // The limits that the catalog has do not explain the 429: there is one that nobody knows.
    const gateway = await bed.gateway({ config, clock, dataDir: folder });
    await (await gateway.chat()).text();
    clock.advance(minute);
    return { clock, u1, u2, gateway };
  }

  it('one request tries it and the others go on to the next; the log, the cooldowns and the chain say so', async () => {
    const gate = createGate();
    const { u1, gateway } = await rested(async (request, response, n) => {
      await gate.opened;
      await chatCompletion({ text: 'it is back' })(request, response, n);
    });
    const trying = gateway.chat();
    await u1.request(2);
    const other = await gateway.chat();
    assert.equal(await textOf(other), 'from two');
    const { data } = await read(gateway, '/api/cooldowns');
    assert.deepEqual(
      data.map(({ state, kind, provider }: Record<string, string>) => [state, kind, provider]),
      [['trying', 'rate_limit', 'groq']],
    );
    const [first] = (await read(gateway, '/api/chain')).data;
    assert.deepEqual([first.model, first.available, first.trying], [u1Name, true, true]);
    gate.open();
    assert.equal(await textOf(await trying), 'it is back');
    assert.deepEqual((await read(gateway, '/api/cooldowns')).data, []);
    assert.equal((await read(gateway, '/api/chain')).data[0].trying, false);
    assert.equal(await textOf(await gateway.chat()), 'from one');
    const { passedOver } = await read(gateway, `/api/requests/${other.headers['x-request-id']}`);
    assert.deepEqual(
      passedOver.map(({ provider, why, kind }: Record<string, string>) => [provider, why, kind]),
      [['groq', 'trial', 'rate_limit']],
    );
  });

  it('where nobody else is there, those that may not wait are told that it is being tried', async () => {
    const gate = createGate();
    const { u1, gateway } = await rested(async (request, response, n) => {
      await gate.opened;
      await chatCompletion()(request, response, n);
    }, false);
    const trying = gateway.chat();
    await u1.request(2);
    const refused = await gateway.chat();
    assert.equal(refused.headers['retry-after'], '3');
    const { message } = await assertError(refused, 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.match(message, /\(rate_limit\) is being tried again by another request/);
    gate.open();
    assert.equal((await trying).status, 200);
    assert.equal(await textOf(await gateway.chat()), 'from one');
  });

  it('those that wait go on as soon as a stream begins', async () => {
    const gate = createGate();
    const { u1, gateway } = await rested(
      paced([gate.opened, sseText([chunk({ role: 'assistant', content: 'Hel' })]), new Promise(() => {})]),
      false,
      60,
    );
    const trying = gateway.chat({ stream: true });
    await u1.request(2);
    const waiting = gateway.chat();
    gate.open();
    assert.equal(await textOf(await waiting), 'from one');
    (await trying).abort();
  });

  it('a client that leaves while it tries gives its place to the next', async () => {
    const { u1, gateway } = await rested(() => {}, false, 60);
    const leaving = new AbortController();
    const trying = gateway.chat({}, { signal: leaving.signal });
    await u1.request(2);
    const waiting = gateway.chat();
    leaving.abort();
    await assert.rejects(trying);
    assert.equal(await textOf(await waiting), 'from one');
  });

  it('a provider that says nothing holds the others up for 3 s', async () => {
    const { clock, u1, gateway } = await rested(() => {}, false, 60);
    const leaving = new AbortController();
    const trying = gateway.chat({}, { signal: leaving.signal });
    await u1.request(2);
    const waiting = gateway.chat();
    await clock.armed(2900, 3000);
    clock.advance(3000);
    assert.equal(await textOf(await waiting), 'from one');
    leaving.abort();
    await assert.rejects(trying);
  });
});
