import type { ChatEnd, ChatRoute, ChatUsage } from '../../../src/protocol/playground.js';
import type {
  Answer,
  Attachment,
  Exchange,
  Step,
  StepParams,
  ToolUse,
  Versions,
} from '../../lib/playground/conversation.js';
import type { LiveRoute } from '../../lib/playground/liveRoute.js';

/** A step that is shown while it grows. */
export class StepState implements Step {
  readonly id: string;
  readonly params: StepParams;
  content: string = $state.raw('');
  reasoning: string = $state.raw('');
  calls: readonly ToolUse[] = $state.raw([]);
  end: ChatEnd | null = $state.raw(null);
  route: ChatRoute = $state.raw({ requestId: null, via: null, fallbacks: [] });
  firstTokenMs: number | null = $state(null);
  totalMs = $state(0);
  usage: ChatUsage | null = $state.raw(null);
  /** What is being done for it; null where it does not run. */
  live: LiveRoute | null = $state.raw(null);
  /** The answer as it came; null where it was not kept. */
  raw: string | null = $state.raw(null);

  constructor(step: Step) {
    this.id = step.id;
    this.params = step.params;
    this.content = step.content;
    this.reasoning = step.reasoning;
    this.calls = step.calls;
    this.end = step.end;
    this.route = step.route;
    this.firstTokenMs = step.firstTokenMs;
    this.totalMs = step.totalMs;
    this.usage = step.usage;
  }

  get isRunning(): boolean {
    return this.end === null;
  }

  /** What is kept of it. While it runs, the editor side has its text. */
  plain(): Step {
    const { id, params, calls, end, route, firstTokenMs, totalMs, usage } = this;
    const [content, reasoning] = end === null ? ['', ''] : [this.content, this.reasoning];
    return { id, params, content, reasoning, calls, end, route, firstTokenMs, totalMs, usage };
  }
}

export class AnswerState implements Versions<StepState> {
  before: StepState[][] = $state.raw([]);
  steps: StepState[] = $state.raw([]);
  after: StepState[][] = $state.raw([]);

  constructor({ before, steps, after }: Answer) {
    const statesOf = (version: Step[]) => version.map((step) => new StepState(step));
    this.before = before.map(statesOf);
    this.steps = statesOf(steps);
    this.after = after.map(statesOf);
  }

  /** Of all its versions. */
  get allSteps(): StepState[] {
    return [...this.before, this.steps, ...this.after].flat();
  }

  get isRunning(): boolean {
    return this.allSteps.some((step) => step.isRunning);
  }

  plain(): Answer {
    const plainOf = (version: StepState[]) => version.map((step) => step.plain());
    return { before: this.before.map(plainOf), steps: plainOf(this.steps), after: this.after.map(plainOf) };
  }
}

export class ExchangeState implements Exchange {
  readonly id: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  answers: AnswerState[] = $state.raw([]);

  constructor(exchange: Exchange) {
    this.id = exchange.id;
    this.text = exchange.text;
    this.attachments = exchange.attachments;
    this.answers = exchange.answers.map((answer) => new AnswerState(answer));
  }

  get isRunning(): boolean {
    return this.answers.some((answer) => answer.isRunning);
  }

  plain(): Exchange {
    const { id, text, attachments } = this;
    return { id, text, attachments, answers: this.answers.map((answer) => answer.plain()) };
  }
}
