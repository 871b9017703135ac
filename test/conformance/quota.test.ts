import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigFile } from '../../src/gateway/config/configFile.js';
import { useBed } from '../support/bed.js';
import { day, minute, second } from '../support/failoverScene.js';
import { createGate } from '../support/gate.js';
import type { TestGateway } from '../support/gateway.js';
import { gemini } from '../support/gemini.js';
import { createManualClock } from '../support/manualClock.js';
import { chatCompletion, errorStatus, type Handler, json } from '../support/provider.js';
import { assertError, chainOf, configOf, secrets, u1Name, u2Name } from '../support/scenario.js';

type Limits = NonNullable<ConfigFile['limits']>[string];

describe('conformance E: quota', () => {
  const bed = useBed();

  /** U1 with these limits before U2 without any; a clock that the test moves. */
  async function scene(
    limits: Limits,
    first: Handler = chatCompletion({ text: 'one' }),
    more: Partial<ConfigFile> = {},
  ) {
    const clock = createManualClock();
    const u1 = await bed.provider(first);
    const u2 = await bed.provider(chatCompletion({ text: 'two' }));
    const config = chainOf(u1, u2, { limits: { [u1Name]: limits, [u2Name]: { rpm: 1000 } }, ...more });
    const gateway = await bed.gateway({ config, clock });
    const via = async () => (await gateway.chat()).headers['x-routed-via'];
    return { clock, u1, u2, gateway, via };
  }

  it('case 72: rpm 2: the third goes to U2 without asking U1; after the minute U1 is used again', async () => {
    const { clock, u1, via } = await scene({ rpm: 2 });
    assert.deepEqual([await via(), await via(), await via()], [u1Name, u1Name, u2Name]);
    assert.equal(u1.requests.length, 2);
    clock.advance(minute + second);
    assert.equal(await via(), u1Name);
  });

  it('case 73: rpd 3: the fourth skips U1, also after a restart', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'freellm-quota-'));
    try {
      const u1 = await bed.provider();
      const u2 = await bed.provider();
      const config = chainOf(u1, u2, { limits: { [u1Name]: { rpd: 3 }, [u2Name]: { rpm: 1000 } } });
      const first = await bed.gateway({ config, dataDir: folder });
      for (let n = 0; n < 3; n++) assert.equal((await first.chat()).headers['x-routed-via'], u1Name);
      await first.close();
      const second = await bed.gateway({ config, dataDir: folder });
      assert.equal((await second.chat()).headers['x-routed-via'], u2Name);
      assert.equal(u1.requests.length, 3);
      await second.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('case 74: tpm: the second of two that are over it together skips U1', async () => {
    const { u1, via } = await scene({ tpm: 600 });
    assert.equal(await via(), u1Name);
    assert.equal(await via(), u1Name, 'the first cost 18 tokens, not what was estimated');
    const busy = await scene({ tpm: 600 }, slow());
    const running = busy.gateway.chat();
    await busy.u1.request(1);
    assert.equal((await busy.gateway.chat()).headers['x-routed-via'], u2Name);
    busy.u1.requests.at(-1);
    open();
    await (await running).text();
    assert.equal(u1.requests.length, 2);
  });

  /** An answer that the test lets go. */
  let open: () => void = () => {};
  function slow(): Handler {
    const gate = createGate();
    open = gate.open;
    return async (request, response, n) => {
      await gate.opened;
      await chatCompletion({ text: 'slow' })(request, response, n);
    };
  }

  it('case 75: ten at once with rpm 5: U1 sees five', async () => {
    const { u1, u2, gateway } = await scene({ rpm: 5 });
    await Promise.all([...Array(10)].map(async () => (await gateway.chat()).text()));
    assert.deepEqual([u1.requests.length, u2.requests.length], [5, 5]);
  });

  /** What the day's window of U1's one key holds, over all its models or of one. */
  async function countedToday(gateway: TestGateway, provider: string): Promise<number[]> {
    const { data } = await (await gateway.api('GET', '/api/quota')).json();
    type Use = { kind: string; provider: string; model: string | null; used: number };
    return data.filter((use: Use) => use.kind === 'rpd' && use.provider === provider).map(({ used }: Use) => used);
  }

  it('case 76: what a provider counts though it failed is counted: a 500 everywhere', async () => {
    const { gateway } = await scene({ rpd: 1 }, errorStatus(500, 'broken'));
    assert.equal((await gateway.chat()).headers['x-routed-via'], u2Name);
    assert.deepEqual(await countedToday(gateway, 'groq'), [1]);
  });

  for (const [title, provider, countsRefusals, counted] of [
    ['a refusal is not counted at Groq', 'groq', undefined, []],
    ['a refusal is counted at OpenRouter, for all its models', 'openrouter', undefined, [1, 1]],
    ['the config says that Groq counts it', 'groq', true, [1]],
    ['the config says that OpenRouter does not', 'openrouter', false, []],
  ] as const) {
    it(`case 76: ${title}`, async () => {
      const u1 = await bed.provider(errorStatus(429, 'slow down'));
      const more = countsRefusals === undefined ? {} : { countsRefusals };
      const of = { baseUrl: u1.baseUrl, keys: [{ key: secrets[provider] }], models: [{ id: 'm' }], ...more };
      const config = configOf({ [provider]: of }, [`${provider}/m`]);
      const gateway = await bed.gateway({ config, clock: createManualClock() });
      assert.equal((await gateway.chat()).status, 429);
      const uses = (await countedToday(gateway, provider)).filter((used) => used > 0);
      assert.deepEqual(uses, counted);
    });
  }

  for (const [title, now, midnight] of [
    ['on an ordinary day', '2026-11-21T12:00:00Z', '2026-11-22T08:00:00Z'],
    ['as summer time begins', '2026-03-08T20:00:00Z', '2026-03-09T07:00:00Z'],
    ['as summer time ends', '2026-11-01T07:30:00Z', '2026-11-02T08:00:00Z'],
  ] as const) {
    it(`case 77: Google's day ends at midnight Pacific, ${title}; Mistral's at midnight UTC`, async () => {
      const clock = createManualClock(Date.parse(now));
      const u1 = await bed.provider(gemini([[{ text: 'from Google' }]]));
      const u2 = await bed.provider(chatCompletion({ text: 'from Mistral' }));
      const google = 'google/gemini-3-flash-preview';
      const config = {
        ...configOf(
          {
            google: { baseUrl: `${u1.origin}/v1beta`, keys: [{ key: secrets.google }] },
            mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
          },
          [google, u2Name],
        ),
        limits: { [google]: { rpd: 1 }, [u2Name]: { rpd: 1, rpm: 1000 } },
      };
      const gateway = await bed.gateway({ config, clock });
      const isServed = async (model: string) => (await gateway.chat({ model })).status === 200;
      assert.deepEqual([await isServed(google), await isServed(google)], [true, false]);
      assert.deepEqual([await isServed(u2Name), await isServed(u2Name)], [true, false]);
      // A second more than a day's end: the provider's clock may be off.
      const utc = Date.parse(`${new Date(Date.parse(now) + day).toISOString().slice(0, 10)}T00:00:00Z`);
      for (const [model, end] of (
        [
          [google, Date.parse(midnight)],
          [u2Name, utc],
        ] as const
      ).toSorted((a, b) => a[1] - b[1])) {
        clock.advance(end - clock.now());
        assert.equal(await isServed(model), false, `${model} at midnight`);
        clock.advance(second);
        assert.equal(await isServed(model), true, `${model} after midnight`);
      }
    });
  }

  it('case 78: nothing remaining on a success closes U1 until its reset, before any 429', async () => {
    const headers = { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '20s' };
    const answer: Handler = (request, response, n) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      return chatCompletion({ text: 'last' })(request, response, n);
    };
    const { clock, u1, via } = await scene({}, answer);
    assert.deepEqual([await via(), await via()], [u1Name, u2Name]);
    clock.advance(20 * second);
    assert.equal(await via(), u1Name);
    assert.equal(u1.requests.length, 2);
  });

  it('case 79: two keys of a provider have counters of their own', async () => {
    const u1 = await bed.provider();
    const providers = {
      groq: { baseUrl: u1.baseUrl, keys: [{ key: 'gsk_first-0123456789' }, { key: 'gsk_second-0123456789' }] },
    };
    const config: ConfigFile = { ...chainOf(u1), providers, limits: { [u1Name]: { rpm: 1 } } };
    const gateway = await bed.gateway({ config, clock: createManualClock() });
    for (let n = 0; n < 2; n++) assert.equal((await gateway.chat()).status, 200);
    assert.deepEqual(
      u1.requests.map((request) => request.headers.authorization),
      ['Bearer gsk_first-0123456789', 'Bearer gsk_second-0123456789'],
    );
    const refused = await gateway.chat();
    const { message } = await assertError(refused, 429, 'rate_limit_error', 'rate_limit_exceeded');
    assert.match(message, /rpm/);
    assert.equal(Number(refused.headers['retry-after']), 61);
  });

  it('case 41: a limit that a 413 states is learned: the next such request is not sent there', async () => {
    const words = 'Request too large for model: Limit 6000, Requested 9000 tokens per minute (TPM)';
    const { u1, gateway } = await scene({}, json(413, { error: { message: words } }));
    const long = { messages: [{ role: 'user', content: 'word '.repeat(6000) }] };
    assert.equal((await gateway.chat(long)).headers['x-routed-via'], u2Name);
    assert.equal((await gateway.chat(long)).headers['x-routed-via'], u2Name);
    assert.equal(u1.requests.length, 1);
  });

  it('a request that is too large only with the margin of its estimate is sent where nobody else could take it', async () => {
    const u1 = await bed.provider(chatCompletion({ text: 'served' }));
    const gateway = await bed.gateway({ config: chainOf(u1) });
    // About 9,500 tokens of 12,000 a minute; with the margin of a model that nothing is known of, more than those.
    const long = { messages: [{ role: 'user', content: 'word '.repeat(7600) }] };
    assert.equal((await gateway.chat(long)).status, 200);
    assert.equal(u1.requests.length, 1);
  });
});

describe('conformance E: the queue', () => {
  const bed = useBed();
  const keys = [1, 2, 3, 4, 5].map((n) => ({ key: `gsk_key-${n}-0123456789` }));

  async function fiveKeys(timeoutSeconds: number) {
    const clock = createManualClock();
    const u1 = await bed.provider(chatCompletion({ text: 'served' }));
    const gateway = await bed.gateway({
      clock,
      config: {
        ...chainOf(u1),
        providers: { groq: { baseUrl: u1.baseUrl, keys } },
        limits: { [u1Name]: { rpm: 5, tpm: 10_000_000 } },
        settings: { healthProbes: false, 'queue.timeoutSeconds': timeoutSeconds },
      },
    });
    return { clock, u1, gateway };
  }
  const waiting = async (gateway: Awaited<ReturnType<typeof fiveKeys>>['gateway']) =>
    (await (await gateway.api('GET', '/api/state')).json()).counts.waiting;

  it('two hundred at once on five keys with rpm 5: twenty-five are sent, the others get 429 with the right time', async () => {
    const { u1, gateway } = await fiveKeys(0);
    const answers = await Promise.all([...Array(200)].map(() => gateway.chat()));
    const refused = answers.filter(({ status }) => status === 429);
    assert.deepEqual([u1.requests.length, refused.length], [25, 175]);
    for (const { headers } of refused) assert.equal(headers['retry-after'], '61');
    assert.equal(new Set(u1.requests.map(({ headers }) => headers.authorization)).size, 5);
  });

  it('with a queue the rest waits, in order, and is sent as the windows open; nothing is lost or sent twice', async () => {
    const { clock, u1, gateway } = await fiveKeys(600);
    let done = 0;
    const answers = [...Array(100)].map(async (_, n) => {
      const response = await gateway.chat({ messages: [{ role: 'user', content: `number ${n}` }] });
      await response.text();
      done += 1;
      return response;
    });
    for (let round = 1; round <= 4; round++) {
      if (round > 1) clock.advance(minute + second);
      // Their slots run from when they were answered: time stands still until then.
      while (done < 25 * round || (await waiting(gateway)) < 100 - 25 * round) await nextTurn();
      assert.equal(u1.requests.length, 25 * round);
    }
    const texts = await Promise.all(answers.map(async (answer) => (await answer).status));
    assert.ok(texts.every((status) => status === 200));
    const sent = u1.requests.map(({ body }) => body.messages[0].content);
    assert.equal(new Set(sent).size, 100);
  });

  it('who leaves while it waits is forgotten, and who has waited long enough gets 429', async () => {
    const { clock, u1, gateway } = await fiveKeys(30);
    await Promise.all([...Array(25)].map(async () => (await gateway.chat()).text()));
    clock.advance(40 * second);
    const leaving = new AbortController();
    const left = gateway.chat({}, { signal: leaving.signal }).catch(() => 'left');
    const waited = gateway.chat();
    while ((await waiting(gateway)) < 2) await nextTurn();
    leaving.abort();
    assert.equal(await left, 'left');
    while ((await waiting(gateway)) > 1) await nextTurn();
    clock.advance(21 * second + 100);
    assert.equal((await waited).status, 200);
    assert.equal(u1.requests.length, 26);
  });

  it('a cooldown that ends when the waiting must end is not waited for', async () => {
    const clock = createManualClock();
    const u1 = await bed.provider(errorStatus(429, 'slow down', { 'retry-after': '30' }));
    const gateway = await bed.gateway({
      clock,
      config: { ...chainOf(u1), settings: { healthProbes: false, 'queue.timeoutSeconds': 30 } },
    });
    const { headers } = await gateway.chat();
    assert.equal(headers['retry-after'], '30');
    assert.equal(u1.requests.length, 1);
  });
});
