import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfigFile } from '../../../src/gateway/config/configFile.js';
import { configKeys } from '../../../src/gateway/config/configKeys.js';
import { createKeyPool } from '../../../src/gateway/keys/keyPool.js';
import { Bookkeeping } from '../../../src/gateway/ledger/bookkeeping.js';
import { UpstreamError, type UpstreamHandler } from '../../../src/gateway/net/upstream.js';
import type { Clock } from '../../../src/gateway/ports.js';
import { createGeminiAdapter } from '../../../src/gateway/providers/gemini/adapter.js';
import { createOpenAiAdapter } from '../../../src/gateway/providers/openai.js';
import type { QuotaTarget } from '../../../src/gateway/quota/limits.js';
import { TRANSIT_MS } from '../../../src/gateway/quota/windows.js';
import { AbortLatch, type ChatRun } from '../../../src/gateway/routing/attemptLoop.js';
import type { Cooldown } from '../../../src/gateway/routing/cooldowns.js';
import type { Candidate } from '../../../src/gateway/routing/inventory.js';
import { Router } from '../../../src/gateway/routing/router.js';
import { Settings } from '../../../src/gateway/settings.js';
import { decodeChatRequest } from '../../../src/gateway/surfaces/decodeChatRequest.js';
import { requestNeeds } from '../../../src/gateway/surfaces/requestNeeds.js';
import { completionBody } from '../../support/provider.js';
import { Disk } from '../quota/world.js';

/** True time, a wall clock that can be set, a machine that can sleep; and timers, which go by the monotonic clock. */
export class LoopClock implements Clock {
  private offset = 0;
  private slept = 0;
  private order = 0;
  private timers: { at: number; order: number; run: () => void }[] = [];

  constructor(public time: number) {}

  now = () => this.time + this.offset;
  monotonic = () => this.time - this.slept;
  after = (ms: number, run: () => void) => {
    const timer = { at: this.monotonic() + Math.max(0, ms), order: this.order++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  };

  /** True time of the next timer; Infinity when there is none. */
  next(): number {
    return Math.min(...this.timers.map(({ at }) => at)) + this.slept;
  }

  fire(): void {
    const [due] = this.timers.sort((a, b) => a.at - b.at || a.order - b.order);
    if (!due) return;
    this.timers = this.timers.filter((one) => one !== due);
    due.run();
  }

  setOffset(ms: number): void {
    this.offset = ms;
  }

  sleep(ms: number): void {
    this.time += ms;
    this.slept += ms;
  }

  /** The process is dead, and its timers with it. */
  die(): void {
    this.timers = [];
  }
}

/** How one attempt goes, in ms. */
export interface Fate {
  /** `defect`: our own code throws. */
  type: 'answered' | 'error' | 'refused' | 'lost' | 'defect';
  /** Until it reaches the provider, then until headers come, then until the end. */
  transit: number;
  headers: number;
  rest: number;
}

export interface Visit {
  comesAfter: number;
  /** When its client leaves, after it came; null: it waits for its answer. */
  leavesAfter: number | null;
}

export type Event =
  | { type: 'none' }
  | { type: 'set'; offset: number }
  | { type: 'sleep'; ms: number }
  | { type: 'restart'; ms: number };

/** A request as its provider saw it. */
export interface Arrival {
  at: number;
  key: string;
  sentAt: number;
  isRefused: boolean;
}

/** What the provider says to a request; it may count. */
export interface Strict {
  answer(arrival: Arrival): { status: number; headers: Record<string, string> };
}

/** A request of ours as the one who counts by hand knows it. Monotonic ms. */
interface Sent {
  key: string;
  /** The last moment at which it can have arrived. */
  latest: number;
}

/** Limiters answer before any model does. */
const REFUSED_AFTER_MS = 200;
const MODEL = 'llama-3.3-70b-versatile';

function hello(provider: string) {
  return { model: `${provider}/${MODEL}`, messages: [{ role: 'user', content: 'hi' }], max_tokens: 10 };
}

/**
 * Real routing (Router: inventory, attempt loop, waiting room, quota, cooldowns) against a provider that this test plays,
 * under a clock that it moves. One model of Groq, whose days roll, or of a custom endpoint, on as many keys as wanted.
 */
export class LoopWorld {
  readonly clock: LoopClock;
  readonly arrivals: Arrival[] = [];
  /** What each client got: an answer, the code of an error, or nothing because the process died. */
  readonly ends: (string | null)[] = [];
  /** True time at which the first good answer's headers reached us. */
  firstAnswerAt = Number.POSITIVE_INFINITY;
  private readonly agenda: { at: number; life: number; run: () => void }[] = [];
  private readonly disk = new Disk();
  private readonly cooldowns = new Map<string, Cooldown>();
  private sent: Sent[] = [];
  private life = 0;
  private attempts = 0;
  private router: Router;
  private readonly provider: string;
  private readonly hello: ReturnType<typeof hello>;

  constructor(
    start: number,
    private readonly options: {
      limits: NonNullable<ConfigFile['limits']>[string];
      keys: number;
      fates: readonly Fate[];
      queueSeconds: number;
      /** Of a custom endpoint; Groq if left out. */
      baseUrl?: string;
      strict?: Strict;
      /** Windows that are counted by hand after every step, by length: nobody may wait while there is room in all. */
      counted?: { readonly [kind in 'rpm' | 'rph']?: number };
    },
  ) {
    this.clock = new LoopClock(start);
    this.provider = options.baseUrl === undefined ? 'groq' : 'custom:lab';
    this.hello = hello(this.provider);
    this.router = this.makeRouter();
  }

  /** Runs all visits to their end. */
  async run(visits: readonly Visit[], events: readonly Event[] = []): Promise<void> {
    let comesAt = 0;
    for (const [number, visit] of visits.entries()) {
      comesAt += visit.comesAfter;
      const event = events[number] ?? { type: 'none' };
      this.later(comesAt, -1, () => {
        this.happen(event);
        this.come(number, visit);
      });
    }
    for (let steps = 0; steps < 20_000; steps++) {
      const mine = this.agenda[0]?.at ?? Number.POSITIVE_INFINITY;
      const next = Math.min(mine, this.clock.next());
      if (next > this.clock.time + 2) this.assertNoneIdle();
      if (next === Number.POSITIVE_INFINITY) break;
      this.clock.time = Math.max(this.clock.time, next);
      if (next === mine) {
        const step = this.agenda.shift();
        if (step && (step.life === -1 || step.life === this.life)) step.run();
      } else this.clock.fire();
      await nextTurn();
      // Every 100 ms in life; here at once, so that a kill loses nothing that this test knows of.
      this.disk.save(this.router.quota);
    }
    assert.equal(this.router.waiting, 0, 'nobody waits for ever');
    for (let number = 0; number < visits.length; number++) {
      assert.notEqual(this.ends[number], undefined, `request ${number} had no end`);
    }
  }

  private makeRouter(): Router {
    const { limits, keys: count, queueSeconds, baseUrl = 'http://upstream.test/v1' } = this.options;
    const { provider, hello } = this;
    const secrets = Array.from({ length: count }, (_unused, place) => ({ key: `gsk_key-${place}-0123456789` }));
    const config: ConfigFile = {
      providers: { [provider]: { baseUrl, keys: secrets } },
      limits: { [hello.model]: limits },
      chain: [hello.model],
      strategy: 'priority',
    };
    const books = new Bookkeeping(false);
    const settings = new Settings(books, { 'queue.timeoutSeconds': queueSeconds, healthProbes: false }, {}, () => {});
    const pool = createKeyPool(this.clock.now, () => {});
    for (const key of configKeys(config)) pool.add(key, 'config');
    const openai = createOpenAiAdapter();
    let ids = 0;
    const { life } = this;
    return new Router(
      {
        clock: this.clock,
        newId: (prefix) => `${prefix}${++ids}`,
        upstreamFor: (candidate) => ({ send: (_request, _timeouts, handler) => this.send(candidate, handler, life) }),
        adapters: { openai, demo: openai, cohere: openai, gemini: createGeminiAdapter() },
      },
      {
        config,
        keys: pool,
        models: () => [
          {
            provider,
            id: MODEL,
            name: MODEL,
            contextWindow: null,
            tools: true,
            vision: true,
            reasoning: false,
            intelligenceRank: 1,
            speedRank: 1,
            enabled: true,
            limits: {},
            source: 'catalog',
          },
        ],
        logicalModels: {},
        settings: () => settings.all,
        strategy: () => 'priority',
        profiles: () => [],
        chain: { entries: null, gone: new Map() },
      },
      {
        onCooldown: (cooldown, until) => {
          if (until === null) this.cooldowns.delete(cooldown.id);
          else this.cooldowns.set(cooldown.id, cooldown);
        },
        onGone: () => {},
        onWaiting: () => {},
        onAttempt: () => {},
        onFailure: () => {},
        onSuccess: () => {},
      },
    );
  }

  private later(ms: number, life: number, run: () => void): void {
    const at = this.clock.time + ms;
    let place = this.agenda.length;
    while (place > 0 && (this.agenda[place - 1]?.at ?? 0) > at) place--;
    this.agenda.splice(place, 0, { at, life, run });
  }

  private happen(event: Event): void {
    if (event.type === 'set') this.clock.setOffset(event.offset);
    else if (event.type === 'sleep') this.clock.sleep(event.ms);
    else if (event.type === 'restart') {
      this.life++;
      this.clock.die();
      this.clock.time += event.ms;
      for (let number = 0; number < this.ends.length; number++) this.ends[number] ??= null;
      this.router = this.makeRouter();
      this.disk.load(this.router.quota, this.clock.now());
      this.router.cooldowns.restore([...this.cooldowns.values()]);
      this.cooldowns.clear();
    }
  }

  private come(number: number, visit: Visit): void {
    const request = decodeChatRequest(this.hello);
    const latch = new AbortLatch();
    const { life } = this;
    const end = (what: string) => {
      if (this.life !== life) return;
      assert.equal(this.ends[number] ?? null, null, `request ${number} had two ends`);
      this.ends[number] = what;
    };
    // Known from now on, so that a kill can say what became of it.
    this.ends[number] = null;
    if (visit.leavesAfter !== null) this.later(visit.leavesAfter, life, () => latch.abort());
    const run: ChatRun = {
      id: `r${number}`,
      request,
      needs: requestNeeds(request),
      candidates: this.router.candidatesFor(request.model),
      sink: {
        answer: () => end('answer'),
        fail: (error) => end(error.code),
        begin: () => {},
        payloads: () => {},
        end: () => {},
      },
      signal: latch,
      startedAt: this.clock.now(),
      progress: { readTokens: () => 0 },
    };
    void this.router.run(run, null).then(
      ({ status }) => {
        if (status === 'canceled') end('left');
        else if (this.life === life) assert.ok(this.ends[number], 'it ended, and its client knows nothing');
      },
      () => end('defect'),
    );
  }

  /** The wire and the provider. */
  private send({ keyId }: QuotaTarget & Candidate, handler: UpstreamHandler, life: number): { abort(): void } {
    const fate = this.options.fates[this.attempts++ % this.options.fates.length];
    if (!fate) throw new Error('no fate');
    if (fate.type === 'defect') throw new Error('a defect');
    const sent: Sent = { key: keyId, latest: Number.POSITIVE_INFINITY };
    this.sent.push(sent);
    let isOver = false;
    const onTime = (ms: number, run: () => void) =>
      this.later(ms, life, () => {
        if (!isOver) run();
      });
    const over = () => {
      isOver = true;
      // Without an answer nobody knows that it has arrived, only that it has been sent.
      sent.latest = Math.min(sent.latest, this.clock.monotonic() + TRANSIT_MS);
    };
    const fail = (kind: 'refused' | 'reset' | 'aborted') => {
      over();
      if (kind === 'refused') this.sent = this.sent.filter((one) => one !== sent);
      handler.onError(new UpstreamError(kind, kind));
    };
    if (fate.type === 'refused') onTime(fate.headers, () => fail('refused'));
    else {
      const arrival = { at: this.clock.time + fate.transit, key: keyId, sentAt: this.clock.time, isRefused: false };
      // What has left us arrives, whether we or the client live or not.
      this.later(fate.transit, -1, () => {
        const said = this.arrive(arrival, fate);
        if (fate.type === 'lost') onTime(fate.headers, () => fail('reset'));
        else
          onTime(arrival.isRefused ? Math.min(fate.headers, REFUSED_AFTER_MS) : fate.headers, () =>
            this.answer(said, fate, handler, onTime, over, sent),
          );
      });
    }
    return {
      abort: () => {
        if (!isOver) fail('aborted');
      },
    };
  }

  private arrive(arrival: Arrival, fate: Fate): ReturnType<Strict['answer']> {
    const said = this.options.strict?.answer(arrival) ?? { status: 200, headers: {} };
    arrival.isRefused = said.status === 429;
    this.arrivals.push(arrival);
    return fate.type === 'error' && said.status === 200 ? { ...said, status: 500 } : said;
  }

  private answer(
    { status, headers }: ReturnType<Strict['answer']>,
    fate: Fate,
    handler: UpstreamHandler,
    onTime: (ms: number, run: () => void) => void,
    over: () => void,
    sent: Sent,
  ): void {
    sent.latest = this.clock.monotonic();
    if (status === 200) this.firstAnswerAt = Math.min(this.firstAnswerAt, this.clock.time);
    handler.onHeaders(status, { 'content-type': 'application/json', ...headers });
    onTime(fate.rest, () => {
      over();
      if (status === 429) this.sent = this.sent.filter((one) => one !== sent);
      const body = status === 200 ? completionBody() : { error: { message: 'it broke' } };
      handler.onData(Buffer.from(JSON.stringify(body)));
      handler.onEnd();
    });
  }

  /** Counts by hand what the provider may have seen: with room in every window of a key, nobody may be waiting. */
  private assertNoneIdle(): void {
    const { counted, limits } = this.options;
    if (!counted || this.router.waiting === 0) return;
    const now = this.clock.monotonic();
    for (const candidate of this.router.candidatesFor(this.hello.model)) {
      if (this.router.cooldowns.check(candidate)) continue;
      const isFree = (Object.entries(counted) as ['rpm' | 'rph', number][]).every(([kind, length]) => {
        // What an engine may know at the earliest, the rounding of its clock and of one timer.
        const used = this.sent.filter(
          ({ key, latest }) => key === candidate.keyId && latest + length * 1.001 > now - 2,
        );
        return used.length < (limits[kind] ?? Number.POSITIVE_INFINITY);
      });
      assert.ok(!isFree, `${this.router.waiting} wait, and ${candidate.keyId} has a slot that nobody uses`);
    }
  }
}
