import type { ChatCall, ChatEnd, ChatRoute, ChatUsage } from '../../../src/protocol/playground.js';
import type { Sampling } from './sampling.js';

/** What goes with a question. */
export type Attachment =
  /** `url` is a data URL; null where it was not kept over a reload. */
  | { kind: 'image'; name: string; bytes: number; url: string | null }
  /** `text` is null where it was too long to be kept. */
  | { kind: 'text'; name: string; bytes: number; text: string | null };

/** A call of a tool, and what the user answers for the tool; null until then. */
export interface ToolUse extends ChatCall {
  result: string | null;
}

/** What one request of the playground was made with. */
export interface StepParams {
  /** As it was asked for: `auto`, `groq/…`, a profile. */
  model: string;
  system: string;
  sampling: Sampling;
  /** The JSON of the tool definitions; empty for none. */
  tools: string;
}

/** One request and what came of it. */
export interface Step {
  /** Names the streamed answer. */
  id: string;
  params: StepParams;
  content: string;
  reasoning: string;
  calls: readonly ToolUse[];
  /** null while it runs. */
  end: ChatEnd | null;
  route: ChatRoute;
  firstTokenMs: number | null;
  totalMs: number;
  usage: ChatUsage | null;
}

/** All that was made of a question, in order; `steps` is the version that is shown and that the next question goes with. */
export interface Versions<S> {
  before: S[][];
  /** Several where a model calls tools. */
  steps: S[];
  after: S[][];
}

export type Answer = Versions<Step>;

/** A question, and the answer of each column. */
export interface Exchange {
  id: string;
  text: string;
  attachments: readonly Attachment[];
  answers: Answer[];
}

export const NO_ROUTE: ChatRoute = { requestId: null, via: null, fallbacks: [] };

/** A name that nothing else has. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A step that has just been sent. */
export function newStep(params: StepParams): Step {
  return {
    ...{ id: newId(), params, content: '', reasoning: '', calls: [], end: null, route: NO_ROUTE },
    ...{ firstTokenMs: null, totalMs: 0, usage: null },
  };
}

/** The model waits for what its tools say. */
export function awaitsTools(step: Step): boolean {
  return step.end?.kind === 'done' && step.calls.some(({ result }) => result === null);
}

/** A new version is begun, after all others. What said nothing is not kept. */
export function withNewVersion<S extends Step>({ before, steps, after }: Versions<S>): Versions<S> {
  const saysSomething = (version: S[]) => version.some(({ content, calls }) => content !== '' || calls.length > 0);
  return { before: [...before, steps, ...after].filter(saysSomething), steps: [], after: [] };
}

/** The version before the one that is shown, or the one after it; the same where there is none. */
export function turned<S>({ before, steps, after }: Versions<S>, to: 'before' | 'after'): Versions<S> {
  const next = to === 'before' ? before.at(-1) : after[0];
  if (next === undefined) return { before, steps, after };
  return to === 'before'
    ? { before: before.slice(0, -1), steps: next, after: [steps, ...after] }
    : { before: [...before, steps], steps: next, after: after.slice(1) };
}

/** A conversation's name in the list, until the user gives another: the beginning of its first question. */
export function titleOf(exchanges: readonly Exchange[]): string | null {
  const text = exchanges
    .find((exchange) => exchange.text.trim() !== '')
    ?.text.replace(/\s+/g, ' ')
    .trim();
  if (text === undefined) return null;
  return text.length <= 60 ? text : `${Array.from(text).slice(0, 57).join('')}…`;
}
