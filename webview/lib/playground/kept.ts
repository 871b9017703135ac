import type { ChatCall, ChatEnd, ChatRoute } from '../../../src/protocol/playground.js';
import {
  type Answer,
  type Attachment,
  type Exchange,
  NO_ROUTE,
  newId,
  type Step,
  type StepParams,
  type ToolUse,
} from './conversation.js';
import { EFFORTS, NO_SAMPLING, type Sampling } from './sampling.js';

/** What a conversation is made with. */
export interface PlaygroundSettings {
  /** What each column asks for: one or two. */
  models: string[];
  system: string;
  sampling: Sampling;
  tools: string;
}

/** What is saved, and kept over hiding and reloading. */
export interface KeptConversation extends PlaygroundSettings {
  exchanges: Exchange[];
}

/** The whole of what the page keeps. */
export interface KeptPlayground extends KeptConversation {
  draft: string;
  /** Under which name it is saved; null: it is not. */
  saved: { id: string; title: string } | null;
  /** How far down the page was; null: at its end. */
  scroll: number | null;
}

/** VS Code keeps a page's state in its own database and sends it about: it is to be small. In characters. */
const MOST_KEPT = 400_000;

/**
 * What may be kept: images stay behind, and of a long conversation what came first, and answers that are not shown. The last
 * question always stays.
 */
export function bounded(kept: KeptPlayground): KeptPlayground {
  let left = MOST_KEPT;
  const exchanges: Exchange[] = [];
  for (const exchange of kept.exchanges.toReversed()) {
    let lean: Exchange = { ...exchange, attachments: exchange.attachments.map(withoutImage) };
    if (sizeOf(lean) > left) lean = withShownOnly(lean);
    if (exchanges.length === 0 && sizeOf(lean) > left) lean = shortened(lean);
    left -= sizeOf(lean);
    if (left < 0 && exchanges.length > 0) break;
    exchanges.unshift(lean);
  }
  return { ...kept, exchanges };
}

function sizeOf(exchange: Exchange): number {
  return JSON.stringify(exchange).length;
}

function withShownOnly(exchange: Exchange): Exchange {
  return { ...exchange, answers: exchange.answers.map(({ steps }) => ({ before: [], steps, after: [] })) };
}

/** Without its files, and with the beginnings of what is long. */
function shortened(exchange: Exchange): Exchange {
  const steps = exchange.answers.reduce((sum, answer) => sum + answer.steps.length, 0);
  const most = Math.floor(MOST_KEPT / 4 / Math.max(1, steps));
  return {
    ...exchange,
    text: exchange.text.slice(0, MOST_KEPT / 4),
    attachments: exchange.attachments.map((each) => (each.kind === 'text' ? { ...each, text: null } : each)),
    answers: exchange.answers.map((answer) => ({
      ...answer,
      steps: answer.steps.map((step) => shortenedStep(step, most)),
    })),
  };
}

function shortenedStep(step: Step, most: number): Step {
  const { content, reasoning, calls, end } = step;
  const isLong = content.length + reasoning.length + JSON.stringify([calls, end]).length > most;
  if (!isLong) return step;
  const isAnswered = calls.some(({ result }) => result !== null);
  return {
    ...step,
    content: content.slice(0, most / 2),
    reasoning: reasoning.slice(0, most / 2),
    calls: JSON.stringify(calls).length > most ? [] : calls,
    // The editor side may still have all of it: the next document asks, as for one that runs.
    end: isAnswered ? end : null,
  };
}

function withoutImage(attachment: Attachment): Attachment {
  return attachment.kind === 'image' ? { ...attachment, url: null } : attachment;
}

type Fields = Record<string, unknown>;

/** What was kept or saved; what is missing or makes no sense (an older version wrote it) as at the first time. */
export function readKept(state: unknown): KeptPlayground {
  const kept = fieldsOf(state);
  const models = listOf(kept['models']).filter((model): model is string => typeof model === 'string');
  const saved = fieldsOf(kept['saved']);
  const { id, title } = saved;
  const ids = new Set<string>();
  return {
    models: models.length === 0 ? ['auto'] : models.slice(0, 2),
    ...readParams(kept),
    exchanges: listOf(kept['exchanges']).flatMap((exchange) => readExchange(exchange, ids)),
    draft: textOf(kept['draft']),
    scroll: typeof kept['scroll'] === 'number' ? kept['scroll'] : null,
    saved: isId(id) && typeof title === 'string' && title.trim() !== '' ? { id, title: title.slice(0, 200) } : null,
  };
}

function readParams(fields: Fields): Omit<StepParams, 'model'> {
  return {
    system: textOf(fields['system']),
    sampling: readSampling(fields['sampling']),
    tools: textOf(fields['tools']),
  };
}

function readSampling(value: unknown): Sampling {
  const fields = fieldsOf(value);
  const number = (name: keyof Sampling): number | null => {
    const given = fields[name];
    return typeof given === 'number' && Number.isFinite(given) ? given : null;
  };
  return {
    ...NO_SAMPLING,
    ...{ temperature: number('temperature'), topP: number('topP') },
    ...{ maxTokens: number('maxTokens'), seed: number('seed') },
    effort: EFFORTS.find((effort) => effort === fields['effort']) ?? null,
    isJson: fields['isJson'] === true,
  };
}

/** As the editor side takes it. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9]{8,40}$/.test(value);
}

/** The page shows by ids: none may be there twice. */
function onlyOnce(id: string, ids: Set<string>): string {
  const own = ids.has(id) || !isId(id) ? newId() : id;
  ids.add(own);
  return own;
}

function readExchange(value: unknown, ids: Set<string>): Exchange[] {
  const fields = fieldsOf(value);
  const { id, text } = fields;
  if (typeof id !== 'string' || typeof text !== 'string') return [];
  const answers = listOf(fields['answers'])
    .slice(0, 2)
    .map((answer) => readAnswer(answer, ids));
  const attachments = listOf(fields['attachments']).flatMap(readAttachment);
  return [{ id: onlyOnce(id, ids), text, attachments, answers }];
}

function readAnswer(value: unknown, ids: Set<string>): Answer {
  const { before, steps, after } = fieldsOf(value);
  const version = (all: unknown) => listOf(all).flatMap((step) => readStep(step, ids));
  const others = (all: unknown) =>
    listOf(all)
      .map(version)
      .filter(({ length }) => length > 0);
  return { before: others(before), steps: version(steps), after: others(after) };
}

function readAttachment(value: unknown): Attachment[] {
  const { kind, name, bytes, url, text } = fieldsOf(value);
  if (typeof name !== 'string' || typeof bytes !== 'number') return [];
  if (kind === 'text') return [{ kind, name, bytes, text: typeof text === 'string' ? text : null }];
  if (kind !== 'image') return [];
  return [{ kind, name, bytes, url: typeof url === 'string' && url.startsWith('data:image/') ? url : null }];
}

function readStep(value: unknown, ids: Set<string>): Step[] {
  const fields = fieldsOf(value);
  const { id, firstTokenMs, totalMs, usage } = fields;
  if (typeof id !== 'string') return [];
  const params = fieldsOf(fields['params']);
  const { promptTokens, completionTokens } = fieldsOf(usage);
  return [
    {
      id: onlyOnce(id, ids),
      params: { model: textOf(params['model']) || 'auto', ...readParams(params) },
      content: textOf(fields['content']),
      reasoning: textOf(fields['reasoning']),
      calls: listOf(fields['calls']).map(readCall),
      end: readEnd(fields['end']),
      route: readRoute(fields['route']),
      firstTokenMs: typeof firstTokenMs === 'number' ? firstTokenMs : null,
      totalMs: typeof totalMs === 'number' ? totalMs : 0,
      usage:
        typeof promptTokens === 'number' && typeof completionTokens === 'number'
          ? { promptTokens, completionTokens }
          : null,
    },
  ];
}

function readCall(value: unknown): ToolUse {
  const fields = fieldsOf(value);
  const call: ChatCall = {
    id: textOf(fields['id']),
    name: textOf(fields['name']),
    arguments: textOf(fields['arguments']),
  };
  return { ...call, result: typeof fields['result'] === 'string' ? fields['result'] : null };
}

function readEnd(value: unknown): ChatEnd | null {
  const { kind, finish, message, status, code, retryAfterSeconds } = fieldsOf(value);
  switch (kind) {
    case 'done':
      return { kind, finish: typeof finish === 'string' ? finish : null };
    case 'stopped':
    case 'lost':
      return { kind };
    case 'failed':
      return {
        kind,
        message: textOf(message),
        status: typeof status === 'number' ? status : null,
        code: typeof code === 'string' ? code : null,
        retryAfterSeconds: typeof retryAfterSeconds === 'number' ? retryAfterSeconds : null,
      };
    default:
      return null;
  }
}

function readRoute(value: unknown): ChatRoute {
  const { requestId, via, fallbacks } = fieldsOf(value);
  return {
    ...NO_ROUTE,
    requestId: typeof requestId === 'string' ? requestId : null,
    via: typeof via === 'string' ? via : null,
    fallbacks: listOf(fallbacks).map((fallback) => {
      const { model, kind } = fieldsOf(fallback);
      return { model: textOf(model), kind: textOf(kind) };
    }),
  };
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
