import type { AdapterTarget, DecodedEvent } from '../../../../src/gateway/providers/adapter.js';
import type { ChatRequest, ToolCallDelta } from '../../../../src/protocol/chat.js';

/** A request with one user turn; everything else as given. */
export function chatRequest(over: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'auto', stream: false, messages: [{ role: 'user', content: 'hi' }], ...over };
}

export function target(modelId = 'gemini-2.5-flash', maxOutput?: number): AdapterTarget {
  return {
    provider: {
      id: 'google',
      name: 'Google AI Studio',
      baseUrl: 'http://127.0.0.1:9/v1beta',
      wire: 'gemini',
      auth: 'google',
      probe: { kind: 'models' },
      modelsPath: '/models',
      dayBoundary: 'pacific',
      offers: '',
      keyUrl: null,
      source: 'test',
    },
    baseUrl: 'http://127.0.0.1:9/v1beta',
    modelId,
    secret: 'k-test',
    ...(maxOutput !== undefined && { maxOutput }),
  };
}

export interface FoldedAnswer {
  text: string;
  reasoning: string;
  calls: { id: string; name: string; args: string; signature?: string }[];
  finish: string | null;
  usage: unknown;
}

/** What a client of the stream ends up with. */
export function foldEvents(events: readonly DecodedEvent[]): FoldedAnswer {
  const folded: FoldedAnswer = { text: '', reasoning: '', calls: [], finish: null, usage: null };
  for (const event of events) {
    if (event.type !== 'chunk') continue;
    if (event.chunk.usage) folded.usage = event.chunk.usage;
    const choice = event.chunk.choices?.[0];
    folded.text += (choice?.delta?.content as string | undefined) ?? '';
    folded.reasoning += (choice?.delta?.reasoning_content as string | undefined) ?? '';
    for (const delta of (choice?.delta?.tool_calls as ToolCallDelta[] | undefined) ?? []) foldCall(folded, delta);
    folded.finish = (choice?.finish_reason as string | null | undefined) ?? folded.finish;
  }
  return folded;
}

function foldCall(folded: FoldedAnswer, delta: ToolCallDelta): void {
  folded.calls[delta.index] ??= { id: delta.id ?? '', name: delta.function?.name ?? '', args: '' };
  const call = folded.calls[delta.index] as FoldedAnswer['calls'][number];
  call.args += delta.function?.arguments ?? '';
  const signature = delta.extra_content?.google?.thought_signature;
  if (signature) call.signature = signature;
}
