import assert from 'node:assert/strict';
import { capacityUsed } from './capacity.js';
import { runDay } from './day.js';
import { pooledModels } from './pool.js';
import { ACCOUNTS, StrictAccount } from './strictAccount.js';
import { type Result, resultOf, tableOf } from './table.js';

const NOON = Date.UTC(2026, 10, 2, 12);
const MINUTE_MS = 60_000;
/** A pool small enough that one busy hour is too much for it. */
const SMALL = {
  providers: ['groq', 'google', 'mistral', 'openrouter', 'cerebras', 'opencode'],
  starts: [0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 60, 120, 10],
};

const small = async (seed: string): Promise<Result> => resultOf(await runDay({ ...SMALL, seed, strategy: 'priority' }));

describe('the strict providers', () => {
  const account = (provider: string) => {
    const models = pooledModels([provider]);
    return { models, account: new StrictAccount(ACCOUNTS[provider]!, models, 0) };
  };
  const admitted = (from: StrictAccount, at: number, model: string, times: number, tokens = 10) =>
    Array.from({ length: times }, () => from.arrive(at, model, tokens).isAdmitted).filter(Boolean).length;

  it('take no request more in a minute, to the millisecond', () => {
    const { account: mistral } = account('mistral');
    assert.equal(admitted(mistral, NOON, 'codestral-latest', 5), 2);
    assert.equal(admitted(mistral, NOON + MINUTE_MS - 1, 'codestral-latest', 1), 0);
    assert.equal(admitted(mistral, NOON + MINUTE_MS, 'codestral-latest', 5), 2);
  });

  it('count an account over its models, and refusals where those count', () => {
    const { account: nvidia, models } = account('nvidia');
    assert.equal(
      models.reduce((sum, { id }) => sum + admitted(nvidia, NOON, id, 10), 0),
      40,
    );
    const { account: openrouter } = account('openrouter');
    assert.equal(admitted(openrouter, NOON, 'qwen/qwen3-coder:free', 30), 20);
    assert.equal(admitted(openrouter, NOON + MINUTE_MS - 1, 'qwen/qwen3-coder:free', 1), 0);
    // 20 taken and 11 refused: 19 are left of the day's 50, though the minute would take 20.
    assert.equal(admitted(openrouter, NOON + 2 * MINUTE_MS, 'openai/gpt-oss-20b:free', 20), 19);
  });

  it('count real tokens, of the prompt at once and of the answer at its end', () => {
    const { account: groq } = account('groq');
    const model = 'openai/gpt-oss-120b';
    assert.equal(groq.arrive(NOON, model, 5000).isAdmitted, true);
    assert.equal(groq.arrive(NOON, model, 3001).isAdmitted, false);
    groq.answered(NOON + 1000, model, 2000);
    assert.equal(groq.arrive(NOON + 2000, model, 1001).isAdmitted, false);
    assert.equal(groq.arrive(NOON + MINUTE_MS, model, 6001).isAdmitted, false, 'the answer came later');
    assert.equal(groq.arrive(NOON + MINUTE_MS, model, 6000).isAdmitted, true);
  });

  it("end Google's day at midnight Pacific", () => {
    const { account: google } = account('google');
    const midnight = Date.UTC(2026, 10, 3, 8);
    const inDay = (at: number) => admitted(google, at, 'gemini-3.5-flash', 10);
    assert.equal(inDay(midnight - 3 * MINUTE_MS) + inDay(midnight - 2 * MINUTE_MS) + inDay(midnight - 1), 20);
    assert.equal(inDay(midnight), 10);
  });
});

describe('the capacity that was used', () => {
  const models = pooledModels(['mistral']);
  const refused = { at: NOON, waitingSince: NOON - 2 * MINUTE_MS, tools: true, promptTokens: 10, tokensAt: () => 20 };

  it('is all of it where no slot stayed free, and less for each that did', () => {
    const mistral = new StrictAccount(ACCOUNTS['mistral']!, models, 0);
    const accounts = new Map([['mistral', mistral]]);
    for (const { id } of models) {
      for (const ago of [2 * MINUTE_MS - 1, 2 * MINUTE_MS - 1, 1, 1]) mistral.arrive(NOON - ago, id, 10);
    }
    assert.deepEqual(capacityUsed(models, accounts, refused).all, { used: 28, capacity: 28 });
    const idle = new Map([['mistral', new StrictAccount(ACCOUNTS['mistral']!, models, 0)]]);
    assert.deepEqual(capacityUsed(models, idle, refused).all, { used: 0, capacity: 28 });
  });

  it('counts a used-up day, not its minutes, and only models that could have taken the request', () => {
    const cohere = pooledModels(['cohere', 'kilo']);
    const account = new StrictAccount(
      ACCOUNTS['cohere']!,
      cohere.filter(({ provider }) => provider === 'cohere'),
      0,
    );
    for (let count = 0; count < 33; count++) account.arrive(NOON - 3_600_000 + count * 10_000, cohere[0]!.id, 10);
    const { all, minutes } = capacityUsed(cohere, new Map([['cohere', account]]), refused);
    // Four models with 33 a day each; in two minutes each could have had 40.
    assert.deepEqual(
      [all, minutes],
      [
        { used: 33, capacity: 4 * 33 },
        { used: 0, capacity: 0 },
      ],
    );
  });
});

describe('a day simulated', function () {
  this.timeout(120_000);

  it('provokes no 429 from a limit that is known, and uses 95 % of the capacity before a client sees one', async () => {
    let minutes = 0;
    for (const seed of ['1', '2', '3']) {
      const { provoked, capacity, minuteWindows, refused, failed } = await small(seed);
      minutes += minuteWindows ?? 0;
      assert.equal(provoked, 0, `seed ${seed}`);
      assert.equal(failed, 0, `seed ${seed}`);
      assert.ok(refused > 0, 'the pool was too small');
      assert.ok(capacity !== null && capacity >= 0.95, `seed ${seed}: ${capacity}`);
    }
    // The sharp part: days are used up sooner or later, a minute's slot that stays free is lost. Before slots were given
    // back by when a request was written, it was 0.74 here. Few slots, short waits: one of them is a percent or two.
    assert.ok(minutes / 3 >= 0.9, `${minutes / 3}`);
  });

  it('comes out the same from the same seed, and otherwise from another', async () => {
    const [first, second, other] = [await small('4'), await small('4'), await small('5')];
    assert.equal(tableOf([first]), tableOf([second]));
    assert.deepEqual(first, second);
    assert.notEqual(tableOf([first]), tableOf([other]));
  });
});
