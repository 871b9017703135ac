import { Random } from './random.js';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

/** One request of a conversation. */
export interface Step {
  /** After the answer before it (the first: after the conversation began), in ms. */
  pauseMs: number;
  /** As the gateway estimates the prompt. */
  promptTokens: number;
  /** Of the answer, as everybody counts them. */
  completionTokens: number;
  tools: boolean;
  stream: boolean;
}

export interface Conversation {
  /** ms after the day's start. */
  startsAt: number;
  /** Real prompt tokens to estimated ones: code, prose and other languages differ. */
  truth: number;
  steps: Step[];
}

/** Conversations begun in each hour of the day: at night nobody, the peak far above what the pool can take. */
const STARTS = [0, 10, 0, 0, 0, 0, 0, 5, 10, 30, 60, 560, 30, 20, 40, 160, 40, 20, 10, 5, 10, 10, 5, 0];

/** All conversations of a day, in the order of their beginning. `starts`: conversations begun in each hour. */
export function dayOfTraffic(seed: string, starts: readonly number[] = STARTS): Conversation[] {
  const random = new Random(`${seed}/traffic`);
  const all: Conversation[] = [];
  for (const [hour, count] of starts.entries()) {
    for (let begun = 0; begun < count; ) {
      const startsAt = (hour + random.next()) * HOUR_MS;
      // An agent that splits its task starts several others at once.
      const burst = random.chance(0.25) ? random.whole(3, 8) : 1;
      for (let each = 0; each < burst && begun < count; each++, begun++) {
        all.push(conversation(random, startsAt + each * random.between(50, 2000), burst > 1));
      }
    }
  }
  return all.sort((a, b) => a.startsAt - b.startsAt);
}

function conversation(random: Random, startsAt: number, isPart: boolean): Conversation {
  const truth = random.between(0.85, 1.2);
  const kind = isPart ? 'agent' : random.chance(0.65) ? 'agent' : random.chance(0.6) ? 'chat' : 'note';
  if (kind === 'agent') return { startsAt, truth, steps: agentSteps(random, isPart) };
  if (kind === 'chat') return { startsAt, truth, steps: chatSteps(random) };
  return { startsAt, truth, steps: [small(random, 0)] };
}

/**
 * A coding agent: its instructions and tools to begin with, then turns of several calls in a row, each with what the
 * tool gave before it, then a pause while somebody reads. What grows too long is summed up.
 */
function agentSteps(random: Random, isPart: boolean): Step[] {
  const steps: Step[] = [];
  let context = random.between(5_000, 14_000);
  const turns = isPart ? 1 : random.whole(1, 4);
  for (let turn = 0; turn < turns; turn++) {
    context += random.skewed(400, 0.8);
    const calls = random.whole(3, 14);
    for (let call = 0; call < calls; call++) {
      const pauseMs = call > 0 ? random.skewed(2_500, 0.8) : turn > 0 ? random.skewed(90_000, 0.7) : 0;
      const completionTokens = Math.ceil(Math.min(4000, random.skewed(220, 0.8)));
      const promptTokens = Math.ceil(context);
      steps.push({ pauseMs, promptTokens, completionTokens, tools: true, stream: random.chance(0.85) });
      context += completionTokens + Math.min(20_000, random.skewed(900, 1));
      if (context > 110_000) context = random.between(12_000, 20_000);
    }
  }
  // Its title.
  if (!isPart) steps.splice(1, 0, small(random, 0));
  return steps;
}

function chatSteps(random: Random): Step[] {
  const steps: Step[] = [];
  let context = random.between(200, 3_000);
  const turns = random.whole(2, 8);
  for (let turn = 0; turn < turns; turn++) {
    const pauseMs = turn === 0 ? 0 : random.skewed(60_000, 0.7);
    const completionTokens = Math.ceil(Math.min(3000, random.skewed(450, 0.6)));
    steps.push({ pauseMs, promptTokens: Math.ceil(context), completionTokens, tools: false, stream: true });
    context += completionTokens + random.skewed(80, 1);
  }
  return steps;
}

/** A title, a summary, a commit message. */
function small(random: Random, pauseMs: number): Step {
  return {
    pauseMs,
    promptTokens: random.whole(150, 2_500),
    completionTokens: random.whole(8, 120),
    tools: false,
    stream: false,
  };
}

/** What follows a 429: somebody looks at it, and goes on later. */
export const AFTER_REFUSAL_MS = 120 * SECOND_MS;
