import type { AssistantMessage, ChatDelta, ChatMessage } from '../../../protocol/chat.js';
import { splitThinking } from '../../surfaces/thinkSplitter.js';
import { AnswerDigest } from './answerDigest.js';
import { TextHash } from './textHash.js';

/**
 * Of a longer first message its two ends and its length stand for it: only chats that also got the same first answer
 * could be taken for each other, and hashing 100 KB at every turn would cost more than routing does.
 */
const SAMPLE = 512;
const SESSION_ID = 1;
const CONVERSATION = 2;

/** How a conversation begins. */
export interface Opening {
  user: ChatMessage;
  /** null: nobody has answered yet. */
  answer: ChatMessage | null;
}

/** The first user message, and the first answer after it; null where no user speaks. */
export function openingOf(messages: readonly ChatMessage[]): Opening | null {
  let user: ChatMessage | null = null;
  for (const message of messages) {
    if (message.role === 'user') user ??= message;
    else if (message.role === 'assistant' && user) return { user, answer: message };
  }
  return user && { user, answer: null };
}

/** Names the session that a client's own id stands for, with the `model` it asks for there. */
export function idKey(sessionId: string, model: string): number {
  return keyOf(SESSION_ID, sessionId, null, model);
}

/** Names a conversation by its opening and the `model` that is asked for; null where the answer says nothing. */
export function conversationKey(user: ChatMessage, answer: number | null, model: string): number | null {
  return answer === null ? null : keyOf(CONVERSATION, textOf(user.content), answer, model);
}

/** An answer as the client sends it back; null where it says nothing. */
export function digestOf(message: ChatMessage): number | null {
  const digest = new AnswerDigest();
  const text = textOf(message.content);
  // Some clients keep the reasoning in front of the text.
  const content = text.trimStart().startsWith('<think>') ? splitThinking(text).content : text;
  digest.hear(asDelta({ ...message, content }));
  return digest.value;
}

/** A whole answer as one piece of a stream. */
export function asDelta(message: Pick<AssistantMessage, 'content' | 'refusal' | 'tool_calls'>): ChatDelta {
  const { content, refusal = null, tool_calls: calls } = message;
  if (!calls || calls.length === 0) return { content, refusal };
  return { content, refusal, tool_calls: calls.map((call, index) => ({ index, function: call.function })) };
}

function keyOf(kind: number, text: string, answer: number | null, model: string): number {
  const hash = new TextHash();
  hash.number(kind);
  addEnds(hash, text);
  hash.number(answer ?? 0);
  hash.text(model);
  return hash.value;
}

function addEnds(hash: TextHash, text: string): void {
  const trimmed = text.trim();
  if (trimmed.length <= 2 * SAMPLE) {
    hash.text(trimmed);
    return;
  }
  hash.text(trimmed.slice(0, SAMPLE));
  hash.text(trimmed.slice(-SAMPLE));
  hash.number(trimmed.length);
}

/** Parts without a text (images) do not count: clients leave them out of later turns. */
function textOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content;
  let text = '';
  for (const part of content ?? []) if (part.type === 'text') text += part.text;
  return text;
}
