import type { ChatRequest, Usage } from '../../protocol/chat.js';
import type { HttpError } from '../http/errors.js';
import type { PassedOverRow } from '../ledger/changes.js';
import type { AttemptEndFacts, QuotaDesk } from '../quota/quotaDesk.js';
import type { NormalizedCompletion } from '../surfaces/completionNormalizer.js';
import { estimateUsage, tokensOf } from '../surfaces/estimateUsage.js';
import type { RequestNeeds } from '../surfaces/requestNeeds.js';
import { type AttemptAnswer, type AttemptContext, type AttemptFailure, attemptWhole } from './attempt.js';
import { CandidateSearch, type Taken } from './candidateSearch.js';
import type { Cooldowns } from './cooldowns.js';
import { type AttemptRecord, exhaustionError, incapableError } from './exhaustion.js';
import type { Failure } from './failure.js';
import type { Candidate } from './inventory.js';
import type { Measurements } from './scoring/measurements.js';
import { HANDOFF_TOKENS } from './sticky/handoff.js';
import type { StickyRun } from './sticky/stickyRun.js';
import { StreamAttempt } from './streamAttempt.js';
import type { WaitingRoom } from './waitingRoom.js';

/** Who answers, as the headers and the trail tell it. */
export interface Route {
  candidate: Candidate;
  /** The attempts that failed before. */
  failures: readonly AttemptRecord[];
  /** When a stream's first token came, in ms since the epoch; null before. */
  committedAt: number | null;
}

/** The client's end of a request: where a surface writes the answer. Calls come in the order of a stream's life. */
export interface ChatSink {
  /** A whole answer. */
  answer(route: Route, completion: NormalizedCompletion): void;
  /** A stream's commit point. */
  begin(route: Route): void;
  payloads(texts: string[]): void;
  /** The stream is complete. */
  end(): void;
  /** Nobody answered, or the stream broke after it began. */
  fail(error: HttpError, failures: readonly AttemptRecord[]): void;
}

export interface ChatRun {
  /** The request's id. */
  id: string;
  request: ChatRequest;
  needs: RequestNeeds;
  /** In the order they are to be tried. */
  candidates: readonly Candidate[];
  sink: ChatSink;
  /** The session's part in it; left out where there is none. */
  sticky?: StickyRun | null;
  signal: AbortLatch;
  /** ms since the epoch. */
  startedAt: number;
  /** Where the live view reads how far the answer is. */
  progress: { readTokens: () => number };
}

export interface LoopContext extends AttemptContext {
  cooldowns: Cooldowns;
  quota: QuotaDesk;
  waitingRoom: WaitingRoom;
  measurements: Measurements;
  /** How long a request may wait for a window or a cooldown to end, in ms from its arrival. */
  queueMs(): number;
  /** A request begins to wait; `until` is when something is free at the soonest. */
  onWaiting?(runId: string, until: number): void;
  /** An attempt begins: for the live events. */
  onAttempt?(runId: string, candidate: Candidate, attempt: number): void;
  /** An attempt has ended, and its quota is what it really cost. */
  onSettled?(candidate: Candidate): void;
  /** `askedAt`: when the attempt began, in ms since the epoch. */
  onFailure(failure: Failure, candidate: Candidate, askedAt: number, runId: string): void;
  onSuccess(candidate: Candidate): void;
}

export type RunOutcome = Omit<AttemptAnswer, 'isCounted'> & {
  status: 'success' | 'error' | 'canceled';
  error: HttpError | null;
  candidate: Candidate | null;
  failures: readonly AttemptRecord[];
  /** Candidates that were not asked, and why. */
  passedOver?: readonly PassedOverRow[];
  /** The session's last candidate was put first. */
  isSticky?: boolean;
  /** Who answered took the conversation over from another model, and was told. */
  isHandoff?: boolean;
  /** How long the attempt took that answered, or that the client left, in ms; null where there was none. */
  attemptMs: number | null;
};

const MAX_ATTEMPTS = 20;
/** No new attempt starts later than this after the request came, save the first two. */
const MAX_ATTEMPTING_MS = 60_000;
const SAVED_ATTEMPTS = 2;

/** A client's going away, told to whatever runs for it. Cheaper than an AbortSignal on every request. */
export class AbortLatch {
  isAborted = false;
  private handler: (() => void) | null = null;

  /** Replaces what an abort ends; runs at once if it has happened. */
  set(handler: () => void): void {
    this.handler = handler;
    if (this.isAborted) handler();
  }

  abort(): void {
    if (this.isAborted) return;
    this.isAborted = true;
    this.handler?.();
  }
}

/** Tries candidates in order until one answers, and writes the answer, or the contract's error, to the sink. */
export async function runChat(context: LoopContext, run: ChatRun): Promise<RunOutcome> {
  const capable = run.candidates.filter((candidate) => incapacity(candidate, run) === null);
  const search = new CandidateSearch(context, capable, run);
  const outcome = await trySearch(context, run, capable.length, search);
  const { candidate } = outcome;
  return {
    ...outcome,
    passedOver: passedOver(run, capable.length, search),
    isSticky: run.sticky?.isLed ?? false,
    isHandoff: candidate !== null && (run.sticky?.isHandedTo(candidate) ?? false),
  };
}

async function trySearch(
  context: LoopContext,
  run: ChatRun,
  capable: number,
  search: CandidateSearch,
): Promise<RunOutcome> {
  const failures: AttemptRecord[] = [];
  if (capable === 0) return fail(run, incapableError(run.candidates, run.needs, run.request.model), failures);
  context.waitingRoom.pumpIfDue();
  while (mayAttempt(context, run, failures.length)) {
    const taken = search.take() ?? (await waitForOne(context, run, search, failures));
    if (run.signal.isAborted) {
      taken?.permit.end(UNSENT);
      taken?.trial?.end();
      return canceled(run, taken?.candidate ?? null, failures, null);
    }
    if (!taken) break;
    const outcome = await tryOne(context, run, search, taken, failures);
    if (outcome) return outcome;
  }
  return fail(run, exhaustionError(failures, search.blocks(), context.clock.now()), failures);
}

/** One attempt and what follows from it; null when the next candidate is to be tried. */
async function tryOne(
  context: LoopContext,
  run: ChatRun,
  search: CandidateSearch,
  taken: Taken,
  failures: AttemptRecord[],
): Promise<RunOutcome | null> {
  const { candidate } = taken;
  const startedAt = context.clock.now();
  context.onAttempt?.(run.id, candidate, failures.length + 1);
  const route: Route = { candidate, failures, committedAt: null };
  const end = await attemptAndRelease(context, run, route, taken);
  const attemptMs = context.clock.now() - startedAt;
  context.onSettled?.(candidate);
  if (run.signal.isAborted || end.type === 'aborted') return canceled(run, candidate, failures, attemptMs);
  if (end.type === 'answered') {
    context.cooldowns.success(candidate, startedAt);
    context.onSuccess(candidate);
    run.sticky?.answered(candidate);
    const { finishReason, usage } = end;
    const firstMs = route.committedAt === null ? null : route.committedAt - startedAt;
    context.measurements.answered(candidate, attemptMs, firstMs, usage?.completion_tokens ?? 0);
    return { status: 'success', error: null, candidate, failures, attemptMs, finishReason, usage };
  }
  const { failure } = end;
  search.skip(failure, candidate);
  if (end.type !== 'failed' || !end.isBlocked) {
    context.measurements.failed(candidate, failure.kind, attemptMs);
    context.cooldowns.begin(failure, candidate, search.isCounted(failure.kind, candidate));
    context.onFailure(failure, candidate, startedAt, run.id);
  }
  const { kind, status, message } = failure;
  const startMs = startedAt - run.startedAt;
  failures.push({ candidate, kind, status, message, isTimeout: end.isTimeout, startMs, ms: attemptMs });
  if (end.type !== 'broken') return null;
  const error = exhaustionError(failures.slice(-1), [], context.clock.now());
  return { ...fail(run, error, failures), candidate, finishReason: end.finishReason, usage: end.usage };
}

/** Its slots are given back whatever happens: a defect of ours must not keep them for good. */
async function attemptAndRelease(context: LoopContext, run: ChatRun, route: Route, taken: Taken): Promise<AttemptEnd> {
  let facts: AttemptEndFacts = { usage: null, isCounted: false, isUnsent: false };
  try {
    const end = await attempt(context, run, route, taken);
    if (end.type === 'answered') taken.trial?.answered();
    facts = quotaFacts(run, end);
    return end;
  } finally {
    taken.permit.end(facts);
    taken.trial?.end();
  }
}

const UNSENT: AttemptEndFacts = { usage: null, isCounted: false, isUnsent: true };

function quotaFacts(run: ChatRun, end: AttemptEnd): AttemptEndFacts {
  if (end.type === 'failed') return { usage: null, isCounted: false, isUnsent: end.isUnsent === true };
  if (end.type !== 'aborted') return { usage: end.usage, isCounted: end.isCounted, isUnsent: false };
  // What had come when the client left was spent.
  return { usage: spentUsage(run), isCounted: false, isUnsent: false };
}

/**
 * Waits for a window or a cooldown to end, where that is all that stands in the way and it ends in time; null when there
 * is nothing to wait for, or it took too long.
 */
async function waitForOne(
  context: LoopContext,
  run: ChatRun,
  search: CandidateSearch,
  failures: readonly AttemptRecord[],
): Promise<Taken | null> {
  const { waitingRoom } = context;
  const deadline = run.startedAt + context.queueMs();
  const freeAt = search.freeAt();
  const isOnlyLimits = failures.every(({ kind }) => kind === 'rate_limit' || kind === 'daily_quota');
  // At the deadline itself it would be too late to ask anybody.
  if (!isOnlyLimits || freeAt === null || freeAt >= deadline || waitingRoom.isFull) return null;
  search.forgetSkips();
  let taken: Taken | null = null;
  let isFirst = true;
  context.onWaiting?.(run.id, freeAt);
  const waiting = {
    tryTake: (only: ReadonlySet<string> | null) => {
      isFirst = false;
      taken = search.take(only);
      return taken !== null;
    },
    // At first all of the skips are forgotten, which the last search did not know of.
    freeAt: () => (isFirst ? freeAt : search.notBefore),
    since: run.startedAt,
    ask: {
      model: run.request.model,
      candidates: run.candidates,
      needs: run.needs,
      maxTokens: run.request.max_tokens,
      addedTokens: run.sticky ? HANDOFF_TOKENS : 0,
    },
  };
  await waitingRoom.wait(waiting, deadline, (leave) => run.signal.set(leave));
  return taken;
}

type AttemptEnd =
  | AttemptFailure
  | ({ type: 'answered' } & AttemptAnswer)
  | ({ type: 'broken'; failure: Failure; isTimeout: boolean } & AttemptAnswer)
  | { type: 'aborted' };

async function attempt(context: LoopContext, run: ChatRun, route: Route, taken: Taken): Promise<AttemptEnd> {
  const { needs, sink, signal, sticky } = run;
  const { candidate, permit, trial } = taken;
  const request = sticky?.requestFor(candidate) ?? run.request;
  if (request.stream) {
    const stream = new StreamAttempt(context, candidate, request, needs.promptTokens, permit, {
      onCommit: () => {
        route.committedAt = context.clock.now();
        trial?.answered();
        sink.begin(route);
      },
      onPayloads: (texts) => sink.payloads(texts),
      listener: sticky?.listener(),
    });
    signal.set(() => stream.abort());
    run.progress.readTokens = () => stream.completionTokens;
    const end = await stream.run();
    if (end.type === 'answered' && !signal.isAborted) sink.end();
    return end;
  }
  run.progress.readTokens = () => 0;
  const end = await attemptWhole(context, candidate, request, needs.promptTokens, permit, (abort) => {
    signal.set(abort);
  });
  if (end.type !== 'answered') return end;
  const { completion } = end;
  if (!signal.isAborted) sink.answer(route, completion);
  const said = sticky && completion.completion.choices[0]?.message;
  if (said) sticky.hear(said);
  const usage = completion.usage ?? estimateUsage(needs.promptTokens, tokensOf(completion.text.length));
  return { type: 'answered', finishReason: completion.finishReason, usage, isCounted: completion.usage !== null };
}

/** What the model lacks for the request, in what it can do or in room for the prompt; null when it can take it. */
function incapacity({ catalog, runtime }: Candidate, { request, needs }: ChatRun): string | null {
  if (needs.vision && !catalog.vision) return 'vision';
  if (needs.tools && !catalog.tools) return 'tools';
  if (needs.json && runtime.spec.rules?.noResponseFormat) return 'json';
  if (catalog.contextWindow === null) return null;
  const isFitting = needs.promptTokens + answerReserve(request, catalog.contextWindow) <= catalog.contextWindow;
  return isFitting ? null : 'context';
}

/** A long list would say nothing more. */
const MAX_PASSED_OVER = 50;

/** Who stood before the answer in the order and was not asked. */
function passedOver(run: ChatRun, capable: number, search: CandidateSearch): PassedOverRow[] {
  const noted = search.passedOver();
  if (capable === run.candidates.length) return noted.slice(0, MAX_PASSED_OVER);
  const incapable = run.candidates.flatMap((candidate): PassedOverRow[] => {
    const kind = incapacity(candidate, run);
    const { provider, model, keyId } = candidate;
    return kind === null ? [] : [{ provider, model, keyId, why: 'incapable', kind, until: null }];
  });
  return [...noted, ...incapable].slice(0, MAX_PASSED_OVER);
}

/** Tokens kept free for the answer. Capped: clients ask for far more output than they use. */
function answerReserve(request: ChatRequest, contextWindow: number): number {
  return Math.min(request.max_tokens ?? 256, 1024, contextWindow / 4);
}

function mayAttempt(context: LoopContext, run: ChatRun, count: number): boolean {
  if (count >= MAX_ATTEMPTS) return false;
  return count < SAVED_ATTEMPTS || context.clock.now() - run.startedAt < MAX_ATTEMPTING_MS;
}

function fail(run: ChatRun, error: HttpError, failures: readonly AttemptRecord[]): RunOutcome {
  run.sink.fail(error, failures);
  return { status: 'error', error, candidate: null, failures, attemptMs: null, finishReason: null, usage: null };
}

/** What had come when the client left counts: the provider spent it. */
function canceled(
  run: ChatRun,
  candidate: Candidate | null,
  failures: readonly AttemptRecord[],
  attemptMs: number | null,
): RunOutcome {
  const usage = spentUsage(run);
  return { status: 'canceled', error: null, candidate, failures, attemptMs, finishReason: null, usage };
}

/** Of an answer that was under way; null before its first token. */
function spentUsage(run: ChatRun): Usage | null {
  const completionTokens = run.progress.readTokens();
  return completionTokens > 0 ? estimateUsage(run.needs.promptTokens, completionTokens) : null;
}
