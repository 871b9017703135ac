import type { ChatCompletion, ChatRequest } from '../../protocol/chat.js';
import type { ProviderSpec } from './spec.js';

/** One model of one provider, as an adapter needs to know it. */
export interface AdapterTarget {
  provider: ProviderSpec;
  /** Base URL without a trailing slash, `{account_id}` already filled in. */
  baseUrl: string;
  /** The provider-side model id. */
  modelId: string;
  /** The key's secret; null for keyless providers. For Cloudflare only the token part. */
  secret: string | null;
  /** The model's own cap on output tokens, where known. */
  maxOutput?: number;
  /** False where the model is known not to reason: effort is then not asked for. Unknown means it is forwarded. */
  reasoning?: boolean;
}

/** What goes out. `body` is the exact JSON text. */
export interface UpstreamRequest {
  method: 'POST' | 'GET';
  url: string;
  headers: Record<string, string>;
  body: string | null;
}

/** One server-sent event as eventsource-parser gives it. */
export interface SseEvent {
  event: string | undefined;
  data: string;
}

/**
 * What a stream decoder makes of one upstream event.
 * - `chunk`: an OpenAI-shaped chunk. `raw` is the `data` text it was parsed from, when it came in that shape: the
 *   normaliser sends it unchanged if nothing needs to change. Chunks may be loosely shaped (the normaliser fixes ids,
 *   indices, roles, reasoning names, array content); adapters whose wire differs should emit well-formed ones.
 * - `error`: an error the provider sent inside a 200 stream. `status` if it named one.
 * - `done`: the provider's own end marker (`[DONE]`, `message-end`, …).
 */
export type DecodedEvent =
  | { type: 'chunk'; chunk: LooseChunk; raw?: string }
  | { type: 'error'; body: unknown; status?: number; message: string }
  | { type: 'done' };

/** An OpenAI-like chunk as providers really send them: any field may be missing or odd. */
export interface LooseChunk {
  id?: unknown;
  object?: unknown;
  created?: unknown;
  model?: unknown;
  choices?: LooseChoice[];
  usage?: unknown;
  [field: string]: unknown;
}
export interface LooseChoice {
  index?: unknown;
  delta?: Record<string, unknown>;
  finish_reason?: unknown;
  [field: string]: unknown;
}

/** Decodes one stream; holds state of that stream only. */
export interface StreamDecoder {
  /** Malformed events return []. Never throws. */
  decode(event: SseEvent): DecodedEvent[];
  /** Called when the body ended: what is still held back, if anything. */
  end(): DecodedEvent[];
}

/**
 * What a whole (non-streaming) 2xx body says.
 * - `completion`: OpenAI-shaped, may be loose in the same ways as a `LooseChunk`; `raw` when it came in that shape.
 * - `error`: an error object inside a 200.
 * - `malformed`: not JSON, truncated, or not a completion at all.
 */
export type DecodedBody =
  | { type: 'completion'; completion: LooseCompletion; raw?: string }
  | { type: 'error'; body: unknown; status?: number; message: string }
  | { type: 'malformed'; message: string };

export type LooseCompletion = Partial<Omit<ChatCompletion, 'choices' | 'usage'>> & {
  choices?: { index?: unknown; message?: Record<string, unknown>; finish_reason?: unknown; [field: string]: unknown }[];
  usage?: unknown;
};

/** The provider's wire format. Stateless; one instance serves all requests of its providers. */
export interface Adapter {
  buildRequest(request: ChatRequest, target: AdapterTarget): UpstreamRequest;
  decodeBody(text: string, request: ChatRequest, target: AdapterTarget): DecodedBody;
  createStreamDecoder(request: ChatRequest, target: AdapterTarget): StreamDecoder;
  /**
   * Some error answers hold a usable completion (Groq's `tool_use_failed` with `failed_generation`).
   * Returns the completion, or null when it is an error like any other.
   */
  rescueError?(status: number, bodyText: string, request: ChatRequest, target: AdapterTarget): LooseCompletion | null;
}
