import type { ChainModel, ProfileView } from '../../../src/protocol/chain.js';
import type { GatewayEvent } from '../../../src/protocol/events.js';
import type { ChatBody, ToPlayground } from '../../../src/protocol/playground.js';
import { duration } from '../../lib/format.js';
import { t } from '../../lib/l10n.js';
import { readAttachment } from '../../lib/playground/attachments.js';
import {
  type Attachment,
  newId,
  newStep,
  type StepParams,
  turned,
  withNewVersion,
} from '../../lib/playground/conversation.js';
import { bounded, type KeptConversation, readKept } from '../../lib/playground/kept.js';
import { LiveRoutes } from '../../lib/playground/liveRoute.js';
import { modelChoices } from '../../lib/playground/modelChoices.js';
import { bodyOf } from '../../lib/playground/request.js';
import type { Sampling } from '../../lib/playground/sampling.js';
import { readTools } from '../../lib/playground/tools.js';
import type { Session } from '../../lib/session.svelte.js';
import { UNDO_MS } from '../../lib/undoList.js';
import { SavedList } from './savedList.svelte.js';
import { type AnswerState, ExchangeState, StepState } from './stepState.svelte.js';

/** What is typed is kept after a pause. */
const KEEP_MS = 300;

/** The playground: its conversation, its settings, and what runs. */
export class PlaygroundStore {
  exchanges: ExchangeState[] = $state.raw([]);
  /** What each column asks for: one or two. */
  models: readonly string[] = $state.raw(['auto']);
  system = $state('');
  sampling: Sampling = $state.raw(readKept(null).sampling);
  tools = $state('');
  draft = $state('');
  attachments: readonly Attachment[] = $state.raw([]);
  /** How far down the page is; null: at its end, where it stays while an answer grows. */
  scroll: number | null = null;
  /** Counts up with every request. */
  begun = $state(0);
  /** Why the last deed failed, in words. */
  trouble: string | null = $state(null);
  /** Nothing could answer: there is no model to ask. */
  isBare = $state(false);
  /** What is read out when an answer is complete. */
  announcement = $state('');
  chain: readonly ChainModel[] = $state.raw([]);
  profiles: readonly ProfileView[] = $state.raw([]);
  readonly saved: SavedList;
  private providerNames: ReadonlyMap<string, string> = $state.raw(new Map());
  private readonly running = new Map<string, StepState>();
  private readonly routes = new LiveRoutes();
  private modelCount = -1;
  private keepTimer: ReturnType<typeof setTimeout> | undefined;

  readonly isRunning = $derived.by(() => this.exchanges.some((exchange) => exchange.isRunning));
  readonly toolsProblem = $derived.by(() => readTools(this.tools).problem);
  readonly choices = $derived.by(() =>
    modelChoices(this.chain, this.profiles, (id) => this.nameOf(id), [...new Set(this.models)]),
  );
  readonly canSend = $derived(
    !this.isRunning && this.toolsProblem === null && (this.draft.trim() !== '' || this.attachments.length > 0),
  );

  constructor(readonly session: Session) {
    const kept = session.keptState(readKept);
    this.saved = new SavedList(session, this);
    this.saved.current = kept.saved;
    this.draft = kept.draft;
    this.scroll = kept.scroll;
    this.show(kept);
    session.offerKeptUndos((each) => this.undoingOf(each));
    session.onChat((message) => this.hear(message));
    session.onEvents((events) => {
      if (this.routes.take(events)) this.tellRoutes();
      if (events.some((event) => this.changesModels(event))) void this.readModels();
    });
    session.onResync(() => void this.readModels());
    // Whoever goes elsewhere may hide the page, and its document ends with that.
    window.addEventListener('blur', () => this.keepTimer !== undefined && this.keep());
  }

  /** Asks again for what ran when the page was left; to be called once the page listens. */
  resume(): void {
    for (const step of this.exchanges.flatMap((exchange) => exchange.answers.flatMap(({ allSteps }) => allSteps))) {
      if (!step.isRunning || this.running.has(step.id)) continue;
      this.running.set(step.id, step);
      this.routes.begin(step.id, step.params.model);
      this.session.say({ type: 'chat.resume', id: step.id });
    }
  }

  nameOf(provider: string): string {
    return this.providerNames.get(provider) ?? provider.replace(/^custom:/, '');
  }

  send(): void {
    if (!this.canSend) return;
    const { draft, attachments } = this;
    this.draft = '';
    this.attachments = [];
    this.ask(draft.trim(), attachments);
  }

  scrolledTo(scroll: number | null): void {
    if (scroll === this.scroll) return;
    this.scroll = scroll;
    this.keepSoon();
  }

  /** Stops whatever runs; what came so far stays. */
  stop(): void {
    for (const id of this.running.keys()) this.session.say({ type: 'chat.stop', id });
  }

  /** One more version of an answer; those before can be turned back to. */
  regenerate(exchange: ExchangeState, answer: AnswerState, column: number): void {
    Object.assign(answer, withNewVersion(answer));
    this.begin(exchange, answer, column);
  }

  turn(answer: AnswerState, to: 'before' | 'after'): void {
    Object.assign(answer, turned(answer, to));
    this.announcement = versionWords(answer);
    this.keep();
  }

  /** Asks another question in its place; what followed is gone, which can be undone. */
  resend(exchange: ExchangeState, text: string): void {
    const before = this.exchanges;
    this.stop();
    this.exchanges = before.slice(0, before.indexOf(exchange));
    this.ask(text, exchange.attachments);
    this.offerUndo(t('The question was asked anew'), before, this.saved.current);
  }

  /** The user has answered for the tools: the model goes on. */
  answerTools(exchange: ExchangeState, answer: AnswerState, column: number, results: readonly string[]): void {
    const step = answer.steps.at(-1);
    if (step === undefined) return;
    step.calls = step.calls.map((call, at) => ({ ...call, result: results[at] ?? '' }));
    this.begin(exchange, answer, column);
  }

  /** An empty conversation with the same settings; undone for 10 s. */
  clear(): void {
    const before = this.exchanges;
    const { current } = this.saved;
    this.stop();
    this.exchanges = [];
    this.saved.current = null;
    this.keep();
    if (before.length === 0) return;
    this.offerUndo(t('A new conversation was begun'), before, current);
  }

  show(conversation: KeptConversation): void {
    this.stop();
    this.exchanges = conversation.exchanges.map((exchange) => new ExchangeState(exchange));
    this.models = conversation.models;
    this.system = conversation.system;
    this.sampling = conversation.sampling;
    this.tools = conversation.tools;
  }

  /** What is saved. */
  conversation(): KeptConversation {
    const { models, system, sampling, tools } = this;
    return { models: [...models], system, sampling, tools, exchanges: this.exchanges.map((each) => each.plain()) };
  }

  setModel(column: number, model: string): void {
    this.models = this.models.map((other, at) => (at === column ? model : other));
    this.keepSoon();
  }

  /** The second column, or none. */
  setColumns(count: 1 | 2): void {
    const [first = 'auto', second = first] = this.models;
    this.models = count === 1 ? [first] : [first, second];
    this.keepSoon();
  }

  async attach(files: Iterable<File>): Promise<void> {
    this.trouble = null;
    for (const file of files) {
      const { attachment, problem } = await readAttachment(file, this.attachments);
      if (attachment !== null) this.attachments = [...this.attachments, attachment];
      else this.trouble = problem;
    }
  }

  detach(attachment: Attachment): void {
    this.attachments = this.attachments.filter((other) => other !== attachment);
  }

  /** The request that a step was, or will be, made with. */
  requestOf(exchange: ExchangeState, answer: AnswerState, step: StepState): ChatBody {
    const before = this.exchanges.slice(0, this.exchanges.indexOf(exchange));
    const column = exchange.answers.indexOf(answer);
    return bodyOf(step.params, before, exchange, answer.steps.slice(0, answer.steps.indexOf(step)), column);
  }

  copy(text: string): void {
    this.session.say({ type: 'copy', text });
    this.announcement = t('Copied');
  }

  /** Keeps what the page is, for its next document. */
  keep(): void {
    clearTimeout(this.keepTimer);
    this.keepTimer = undefined;
    this.session.keepState(
      bounded({ ...this.conversation(), draft: this.draft, saved: this.saved.current, scroll: this.scroll }),
    );
  }

  keepSoon(): void {
    this.keepTimer ??= setTimeout(() => this.keep(), KEEP_MS);
  }

  private ask(text: string, attachments: readonly Attachment[]): void {
    this.trouble = null;
    const answers = this.models.map(() => ({ before: [], steps: [], after: [] }));
    const exchange = new ExchangeState({ id: newId(), text, attachments, answers });
    this.exchanges = [...this.exchanges, exchange];
    for (const [column, answer] of exchange.answers.entries()) this.begin(exchange, answer, column);
  }

  private begin(exchange: ExchangeState, answer: AnswerState, column: number): void {
    const params: StepParams = {
      model: this.models[column] ?? this.models[0] ?? 'auto',
      ...{ system: this.system, sampling: this.sampling, tools: this.tools },
    };
    const step = new StepState(newStep(params));
    answer.steps = [...answer.steps, step];
    this.running.set(step.id, step);
    this.begun += 1;
    this.routes.begin(step.id, params.model);
    step.live = this.routes.of(step.id);
    this.announcement = '';
    this.session.say({ type: 'chat.start', id: step.id, body: this.requestOf(exchange, answer, step) });
    this.keep();
  }

  private hear(message: ToPlayground): void {
    const step = this.running.get(message.id);
    if (step === undefined) return;
    if (message.type === 'chat.end') {
      this.end(step, message);
      return;
    }
    // Once a frame; and the next part only when this one was drawn.
    requestAnimationFrame(() => {
      const { content, reasoning, calls, route, firstTokenMs, isFirst } = message;
      step.content = isFirst ? content : step.content + content;
      step.reasoning = isFirst ? reasoning : step.reasoning + reasoning;
      if (calls !== null) step.calls = calls.map((call) => ({ ...call, result: null }));
      step.route = route;
      step.firstTokenMs = firstTokenMs;
      if (route.requestId !== null) this.routes.identify(step.id, route.requestId);
      step.live = this.routes.of(step.id);
      requestAnimationFrame(() => this.session.say({ type: 'chat.more', id: step.id }));
    });
  }

  private end(step: StepState, message: Extract<ToPlayground, { type: 'chat.end' }>): void {
    this.running.delete(step.id);
    this.routes.end(step.id);
    step.live = null;
    const { end, route, firstTokenMs, totalMs, usage, raw } = message;
    Object.assign(step, { end, firstTokenMs, totalMs, usage, raw });
    if (end.kind !== 'lost') step.route = route;
    this.announcement = announcementOf(step);
    this.keep();
  }

  /** Keys came or went, or their models are known now. */
  private changesModels(event: GatewayEvent): boolean {
    if (event.type === 'key.changed') return event.change !== 'health';
    if (event.type !== 'gateway.changed' || event.state.counts.models === this.modelCount) return false;
    this.modelCount = event.state.counts.models;
    return true;
  }

  private tellRoutes(): void {
    for (const step of this.running.values()) step.live = this.routes.of(step.id);
  }

  /** @param saved what the conversation before was saved as */
  private offerUndo(text: string, before: ExchangeState[], saved: SavedList['current']): void {
    const { exchanges } = bounded({ ...readKept(null), exchanges: before.map((each) => each.plain()) });
    this.session.offerUndo({
      ...{ id: 'conversation', text, until: Date.now() + UNDO_MS, focus: '.composer textarea' },
      kept: { exchanges, saved },
      undo: () => this.goBack(before, saved),
    });
  }

  private goBack(exchanges: ExchangeState[], saved: SavedList['current']): void {
    this.stop();
    this.exchanges = exchanges;
    this.saved.current = saved;
    // What ran when it was kept has ended meanwhile.
    this.resume();
    this.keep();
  }

  /** What takes back what an earlier document of the page did. */
  private undoingOf(kept: unknown): (() => void) | null {
    const removed = this.saved.undoingOf(kept);
    if (removed !== null) return removed;
    const { exchanges, saved } = readKept(kept);
    const states = exchanges.map((exchange) => new ExchangeState(exchange));
    return states.length === 0 ? null : () => this.goBack(states, saved);
  }

  private async readModels(): Promise<void> {
    const { client } = this.session;
    try {
      const [chain, profiles, providers] = await Promise.all([
        client.call('GET /api/chain'),
        client.call('GET /api/profiles'),
        client.call('GET /api/providers'),
      ]);
      this.chain = chain.data;
      this.isBare = !chain.data.some(({ enabled }) => enabled);
      this.profiles = profiles.data;
      this.providerNames = new Map(providers.data.map(({ id, name }) => [id, name]));
    } catch {
      // The header tells when there is no gateway; what was read last stays.
    }
  }
}

/** Which of an answer's versions is shown. */
export function versionWords({ before, after }: AnswerState): string {
  return t('Version {0} of {1}', before.length + 1, before.length + 1 + after.length);
}

function announcementOf(step: StepState): string {
  switch (step.end?.kind) {
    case 'done':
      return t('The answer of {0} is complete, after {1}', step.route.via ?? step.params.model, duration(step.totalMs));
    case 'stopped':
      return t('The answer was stopped');
    case 'failed':
      return t('There is no answer: {0}', step.end.message);
    default:
      return '';
  }
}
