import assert from 'node:assert/strict';
import type { FailureKind } from '../../src/gateway/routing/failure.js';
import { FAILURE_POLICY, type Skip, TRIED_KINDS } from '../../src/gateway/routing/failurePolicy.js';
import { useBed } from '../support/bed.js';
import { day, hour, minute, second } from '../support/failoverScene.js';
import { createManualClock, type ManualClock } from '../support/manualClock.js';
import {
  chatCompletion,
  completionBody,
  errorStatus,
  type Handler,
  hang,
  json,
  reset,
  status,
} from '../support/provider.js';
import { configOf, secrets, u2Name } from '../support/scenario.js';

/** One row of docs/routing.md's table, as a client and a provider see it. */
interface Row {
  /** What the provider does. */
  fails: Handler;
  /** How long what failed rests; 0: not at all. */
  ms: number;
  /** What lies still: of the model, of the key, or (neither) of all of the provider. */
  lies: { model: boolean; key: boolean };
}

const all = { model: false, key: false };
const rows: Record<FailureKind, Row> = {
  auth: { fails: errorStatus(401, 'Invalid API Key'), ms: 5 * minute, lies: { model: false, key: true } },
  credit: { fails: errorStatus(402, 'Insufficient credits'), ms: day, lies: { model: false, key: true } },
  forbidden: { fails: errorStatus(403, 'Not available on your tier'), ms: day, lies: { model: true, key: true } },
  challenge: {
    fails: status(403, '<!DOCTYPE html><title>Just a moment...</title>', { 'content-type': 'text/html' }),
    ms: 90 * second,
    lies: all,
  },
  gone: { fails: errorStatus(404, 'The model does not exist'), ms: hour, lies: { model: true, key: false } },
  daily_quota: {
    fails: errorStatus(429, 'Limit of requests per day (RPD) reached'),
    ms: day,
    lies: { model: true, key: true },
  },
  rate_limit: { fails: errorStatus(429, 'Slow down'), ms: minute, lies: { model: true, key: true } },
  overloaded: { fails: errorStatus(503, 'Overloaded'), ms: 30 * second, lies: { model: true, key: false } },
  network: { fails: reset(), ms: 15 * second, lies: all },
  slow: { fails: hang(), ms: 30 * second, lies: { model: true, key: false } },
  too_large: { fails: errorStatus(413, 'Request too large'), ms: 0, lies: all },
  bad_request: { fails: errorStatus(400, 'Unsupported parameter'), ms: 0, lies: all },
  empty: { fails: json(200, { ...completionBody(), choices: [] }), ms: 0, lies: all },
};

/** Which of three models on two keys a request asks, in this order, while all of them fail. */
const asked: Record<Skip, string[]> = {
  key: ['m1 of key 1', 'm1 of key 2'],
  'model-on-key': ['m1 of key 1', 'm1 of key 2', 'm2 of key 1', 'm2 of key 2', 'm3 of key 1', 'm3 of key 2'],
  'model-then-key-last': ['m1 of key 1', 'm1 of key 2', 'm2 of key 1', 'm2 of key 2', 'm3 of key 1', 'm3 of key 2'],
  'model-on-provider': ['m1 of key 1', 'm2 of key 1', 'm3 of key 1'],
  'model-then-provider': ['m1 of key 1', 'm2 of key 1'],
  provider: ['m1 of key 1'],
  host: ['m1 of key 1'],
  'smaller-models': ['m1 of key 1'],
};

const neighbour = 'cerebras/large';

describe('the failure policy, row by row', () => {
  const bed = useBed();

  /** Three models of one size on two keys; a larger one of another provider at the same host; and U2 elsewhere. */
  async function scene(fails: Handler, clock: ManualClock) {
    const u1 = await bed.provider((request, response, n) =>
      (request.url.startsWith('/openai') ? fails : chatCompletion({ text: 'next door' }))(request, response, n),
    );
    const u2 = await bed.provider(chatCompletion({ text: 'from two' }));
    const ids = ['m1', 'm2', 'm3'];
    const config = configOf(
      {
        groq: {
          baseUrl: `${u1.origin}/openai/v1`,
          keys: [{ key: secrets.groq }, { key: secrets.groq2 }],
          models: ids.map((id) => ({ id, contextWindow: 8192 })),
          timeouts: { firstByteMs: second },
        },
        cerebras: {
          baseUrl: u1.baseUrl,
          keys: [{ key: secrets.cerebras }],
          models: [{ id: 'large', contextWindow: 131_072 }],
        },
        mistral: { baseUrl: u2.baseUrl, keys: [{ key: secrets.mistral }] },
      },
      [...ids.map((id) => `groq/${id}`), neighbour, u2Name],
    );
    const gateway = await bed.gateway({ config, clock });
    return { u1, gateway };
  }

  for (const [kind, { fails, ms, lies }] of Object.entries(rows) as [FailureKind, Row][]) {
    const { skips } = FAILURE_POLICY[kind];
    it(`${kind}: the request skips the ${skips}, and what failed rests ${ms / second} s`, async () => {
      const clock = createManualClock();
      const { u1, gateway } = await scene(fails, clock);
      const answering = gateway.chat();
      if (kind === 'slow') {
        for (let n = 1; n <= asked[skips].length; n++) {
          await u1.request(n);
          clock.advance(5 * second);
        }
      }
      const answer = await answering;
      await answer.text();
      const tried = u1.requests
        .filter(({ url }) => url.startsWith('/openai'))
        .map(({ body, headers }) => `${body.model} of key ${headers.authorization?.includes(secrets.groq) ? 1 : 2}`);
      assert.deepEqual(tried, asked[skips]);
      assert.equal(answer.headers['x-routed-via'], skips === 'host' ? u2Name : neighbour);
      const trail = asked[skips].map((name) => `groq/${name.slice(0, 2)}=${kind}`);
      assert.equal(answer.headers['x-fallback-trail'], trail.join('; '));

      const { data } = await (await gateway.api('GET', '/api/cooldowns')).json();
      if (ms === 0) {
        assert.deepEqual(data, []);
        return;
      }
      for (const cooldown of data) {
        assert.deepEqual([cooldown.provider, cooldown.kind, cooldown.until - cooldown.since], ['groq', kind, ms]);
        assert.deepEqual({ model: cooldown.model !== null, key: cooldown.keyId !== null }, lies);
      }
      clock.advance(ms - 1);
      assert.ok(await isResting(gateway));
      clock.advance(1);
      assert.equal(await isResting(gateway), false);
      const states = (await cooldownsOf(gateway)).map(({ state }: { state: string }) => state);
      assert.deepEqual(new Set(states), new Set(isTried(kind) ? ['trying'] : []));
    });
  }

  type Gateway = Awaited<ReturnType<typeof scene>>['gateway'];

  async function cooldownsOf(gateway: Gateway): Promise<{ state: string }[]> {
    return (await (await gateway.api('GET', '/api/cooldowns')).json()).data;
  }

  async function isResting(gateway: Gateway): Promise<boolean> {
    return (await cooldownsOf(gateway)).some(({ state }) => state === 'resting');
  }

  const isTried = (kind: FailureKind) => TRIED_KINDS.has(kind);
});
