import type { ChatMessage, ChatRequest } from '../../../protocol/chat.js';

/** What a model is told that takes over a conversation. */
export const HANDOFF_TEXT =
  'Until now another model wrote the assistant turns of this conversation. Carry on as if they were your own, in the ' +
  'same language and style, with the tools as they are offered to you. Do not mention this change.';
/** Of that text and its message, rounded up. */
export const HANDOFF_TOKENS = 60;

/**
 * The request with the handoff. It stands at the end of the leading system message, since many chat templates take but
 * one and want it first; where there is none, it becomes one. `request` stays as it is.
 */
export function withHandoff(request: ChatRequest): ChatRequest {
  const { messages } = request;
  let system = -1;
  while (messages[system + 1]?.role === 'system') system++;
  const told = messages.slice();
  const last = messages[system];
  if (last) told[system] = { ...last, content: appended(last.content) };
  else told.unshift({ role: 'system', content: HANDOFF_TEXT });
  return { ...request, messages: told };
}

function appended(content: ChatMessage['content']): ChatMessage['content'] {
  if (Array.isArray(content)) return [...content, { type: 'text', text: HANDOFF_TEXT }];
  return content ? `${content}\n\n${HANDOFF_TEXT}` : HANDOFF_TEXT;
}
