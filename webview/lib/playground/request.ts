import type { ChatBody } from '../../../src/protocol/playground.js';
import {
  type Answer,
  type Attachment,
  awaitsTools,
  type Exchange,
  type Step,
  type StepParams,
} from './conversation.js';
import { samplingFields } from './sampling.js';
import { readTools } from './tools.js';

type Message = ChatBody['messages'][number];

/**
 * The request of a step: what was said before it in its column, then the question, then the steps of its answer so far.
 * @param before the exchanges before this one
 * @param steps the steps of the answer before this one
 */
export function bodyOf(
  params: StepParams,
  before: readonly Exchange[],
  exchange: Exchange,
  steps: readonly Step[],
  column: number,
): ChatBody {
  const { model, system, sampling, tools } = params;
  const messages: Message[] = [
    ...(system.trim() === '' ? [] : [{ role: 'system' as const, content: system }]),
    ...before.flatMap((earlier) => [questionOf(earlier), ...saidIn(answerAt(earlier, column)?.steps ?? [])]),
    questionOf(exchange),
    ...saidIn(steps),
  ];
  const { tools: defined } = readTools(tools);
  return {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...samplingFields(sampling),
    ...(defined && defined.length > 0 ? { tools: defined } : {}),
  };
}

/** A column that was added later goes on from what the first was told. */
export function answerAt(exchange: Exchange, column: number): Answer | undefined {
  return exchange.answers[column] ?? exchange.answers[0];
}

function questionOf({ text, attachments }: Exchange): Message {
  if (attachments.length === 0) return { role: 'user', content: text };
  const parts = attachments.flatMap(partOf);
  return { role: 'user', content: text === '' ? parts : [...parts, { type: 'text', text }] };
}

function partOf(attachment: Attachment): Record<string, unknown>[] {
  if (attachment.kind === 'text' && attachment.text !== null)
    return [{ type: 'text', text: `${attachment.name}:\n${fenced(attachment.text)}` }];
  if (attachment.kind === 'text' || attachment.url === null) return [{ type: 'text', text: `(${attachment.name})` }];
  return [{ type: 'image_url', image_url: { url: attachment.url } }];
}

/** In a fence that is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** What a model said, as it is told again. What it never finished saying it did not say. */
function saidIn(steps: readonly Step[]): Message[] {
  return steps.flatMap((step): Message[] => {
    const { content, calls } = step;
    // Providers refuse a call that nobody answered.
    const answered = awaitsTools(step) ? [] : calls.filter(({ result }) => result !== null);
    if (answered.length === 0) return content === '' ? [] : [{ role: 'assistant', content }];
    return [
      {
        role: 'assistant',
        content: content === '' ? null : content,
        tool_calls: answered.map(({ id, name, arguments: given }) => ({
          id,
          type: 'function',
          function: { name, arguments: given },
        })),
      },
      ...answered.map(({ id, result }) => ({ role: 'tool' as const, tool_call_id: id, content: result })),
    ];
  });
}

/** The request for eyes: long data URLs are told by their size. */
export function shownBody(body: ChatBody): string {
  return JSON.stringify(
    body,
    (_key, value: unknown) => {
      if (typeof value !== 'string' || !value.startsWith('data:') || value.length < 200) return value;
      return `${value.slice(0, value.indexOf(',') + 1)}… (${Math.round(value.length / 1024)} KB)`;
    },
    2,
  );
}
