import type { CatalogModel } from '../../src/gateway/providers/spec.js';
import { AbortLatch, type ChatRun, type RunOutcome } from '../../src/gateway/routing/attemptLoop.js';
import type { Candidate } from '../../src/gateway/routing/inventory.js';
import type { Router } from '../../src/gateway/routing/router.js';
import { type CapacityUsed, capacityUsed } from './capacity.js';
import { pooledModels, simulatedRouter } from './pool.js';
import { Random } from './random.js';
import { SimulatedClock } from './simulatedClock.js';
import { StrictUpstreams, type TrueRequest } from './strictUpstream.js';
import { AFTER_REFUSAL_MS, type Conversation, dayOfTraffic, type Step } from './traffic.js';

/** Midnight of a Monday in Berlin: Google's day ends at nine in the morning, everybody else's at one. */
export const DAY_STARTS = Date.UTC(2026, 10, 1, 23);
const DAY_MS = 24 * 3_600_000;

/** One request as it went. */
export interface Served {
  conversation: number;
  step: Step;
  arrivedAt: number;
  endedAt: number;
  status: 'success' | 'error' | 'canceled';
  /** The HTTP status that the client saw. */
  code: number;
  candidate: Candidate | null;
}

export interface Day {
  strategy: string;
  served: Served[];
  upstreams: StrictUpstreams;
  router: Router;
  /** The first 429 that a client saw. */
  first429: Served | null;
  capacity: CapacityUsed | null;
  failures: Map<string, number>;
}

export interface DayOptions {
  seed: string;
  strategy: string;
  /** Conversations begun in each hour; a usual day's by default. */
  starts?: readonly number[];
  /** All twelve by default. */
  providers?: readonly string[];
}

/** A day of traffic through the gateway's router, against providers that enforce their limits. */
export async function runDay(options: DayOptions): Promise<Day> {
  const clock = new SimulatedClock(DAY_STARTS);
  const models = pooledModels(options.providers);
  const requests: TrueRequest[] = [];
  const upstreams = new StrictUpstreams(clock, options.seed, models, (number) => requests[number]!);
  const failures = new Map<string, number>();
  let waitingSince = 0;
  const router: Router = simulatedRouter(clock, upstreams, models, {
    onCooldown() {},
    onGone() {},
    onWaiting() {
      if (router.waiting === 0) waitingSince = clock.now();
    },
    onAttempt() {},
    onFailure({ kind }, { name }) {
      failures.set(`${name} ${kind}`, (failures.get(`${name} ${kind}`) ?? 0) + 1);
    },
    onSuccess() {},
  });
  const day: Day = {
    strategy: options.strategy,
    served: [],
    upstreams,
    router,
    first429: null,
    capacity: null,
    failures,
  };
  const tokenizers = tokenizersOf(options.seed, models);
  const talk = async (conversation: Conversation, talker: number) => {
    const random = new Random(`${options.seed}/conversation ${talker}`);
    for (const step of conversation.steps) {
      await pause(clock, step.pauseMs);
      const jitter = random.between(0.98, 1.02);
      requests.push({
        promptTokensAt: (provider) =>
          Math.ceil(step.promptTokens * conversation.truth * jitter * (tokenizers.get(provider) ?? 1)),
        completionTokens: step.completionTokens,
        stream: step.stream,
      });
      const number = requests.length - 1;
      const served = await ask(router, clock, options.strategy, talker, step, number);
      day.served.push(served);
      if (served.code !== 429) continue;
      if (!day.first429) {
        const truth = requests[number]!;
        day.first429 = served;
        day.capacity = capacityUsed(models, upstreams.accounts, {
          at: clock.now(),
          waitingSince: Math.min(waitingSince, served.arrivedAt),
          tools: step.tools,
          tokensAt: (provider) => truth.promptTokensAt(provider) + step.completionTokens,
          promptTokens: step.promptTokens,
        });
      }
      await pause(clock, AFTER_REFUSAL_MS);
    }
  };
  for (const [number, conversation] of dayOfTraffic(options.seed, options.starts).entries()) {
    clock.after(conversation.startsAt, () => void talk(conversation, number));
  }
  for (let minute = 1; minute * 60_000 <= DAY_MS; minute++)
    clock.after(minute * 60_000, () => void router.quota.changed());
  await clock.run(DAY_STARTS + DAY_MS);
  return day;
}

/** Each provider's tokenizer makes more or fewer tokens of the same text. */
function tokenizersOf(seed: string, models: readonly CatalogModel[]): Map<string, number> {
  const random = new Random(`${seed}/tokenizers`);
  const providers = new Set(models.map(({ provider }) => provider));
  return new Map([...providers].map((provider) => [provider, random.between(0.92, 1.12)]));
}

function pause(clock: SimulatedClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

async function ask(
  router: Router,
  clock: SimulatedClock,
  strategy: string,
  conversation: number,
  step: Step,
  number: number,
): Promise<Served> {
  const arrivedAt = clock.now();
  const run: ChatRun = {
    id: `r${number}`,
    request: {
      model: `auto:${strategy}`,
      messages: [{ role: 'user', content: `request ${number}` }],
      stream: step.stream,
    },
    needs: { promptTokens: step.promptTokens, vision: false, tools: step.tools, json: false },
    candidates: router.candidatesFor(`auto:${strategy}`),
    sink: { answer() {}, begin() {}, payloads() {}, end() {}, fail() {} },
    signal: new AbortLatch(),
    startedAt: arrivedAt,
    progress: { readTokens: () => 0 },
  };
  const { status, error, candidate }: RunOutcome = await router.run(run, `conversation ${conversation}`);
  return { conversation, step, arrivedAt, endedAt: clock.now(), status, code: error?.status ?? 200, candidate };
}
