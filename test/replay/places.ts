import type { SaidUsage } from './extract.js';
import { extractCohere, extractGemini, extractOpenAi, type Said } from './extract.js';
import { type Exchange, isStreamed, type Recording } from './recordings.js';
import { type ClientBody, fromCohere, fromGemini, fromOpenAi, plain, recordedBody } from './requests.js';

/** Where a recorded provider lives in the gateway, and at which path it is really asked. */
export interface Place {
  /** Its id in the gateway's provider table, or `custom:…` where the table has none. */
  id: string;
  /** What the base URL has after the host. */
  prefix: string;
  wire: 'openai' | 'gemini' | 'cohere';
}

const openai = (id: string, prefix: string): Place => ({ id, prefix, wire: 'openai' });

/** By the provider's name in the recordings. */
export const places: Readonly<Record<string, Place>> = {
  alibaba: openai('custom:alibaba', '/compatible-mode/v1'),
  cerebras: openai('cerebras', '/v1'),
  cohere: { id: 'cohere', prefix: '', wire: 'cohere' },
  deepseek: openai('custom:deepseek', ''),
  google: { id: 'google', prefix: '/v1beta', wire: 'gemini' },
  groq: openai('groq', '/openai/v1'),
  huggingface: openai('huggingface', '/v1'),
  mistral: openai('mistral', '/v1'),
  moonshot: openai('moonshot', '/v1'),
  ollama: openai('ollama', '/v1'),
  openrouter: openai('openrouter', '/api/v1'),
  zai: openai('zai', '/api/paas/v4'),
};

/** The router's own path is the one in the provider table; recordings went to its hosts' paths. */
export const recordedElsewhere: ReadonlySet<string> = new Set(['huggingface']);

/** One chat exchange, ready to be asked again. */
export interface Case {
  place: Place;
  exchange: Exchange;
  /** The provider-side model id. */
  model: string;
  isStream: boolean;
  /** The path and query at which the gateway has to ask. */
  upstreamPath: string;
  body: ClientBody;
  /** What the recorded answer says; null when it is not a 200. */
  said: Said | null;
}

/** Reads one chat exchange of a recording. */
export function caseOf(recording: Recording, exchange: Exchange): Case {
  const place = places[recording.provider];
  if (!place) throw new Error(`no place for the provider ${recording.provider}`);
  const isStream = isStreamed(exchange);
  const said = exchange.response.status === 200 ? extractors[place.wire](exchange.response.body, isStream) : null;
  const model = modelOf(exchange, isStream);
  const recorded = recordedBody(exchange);
  const body =
    recorded === null ? plain(said?.calls.map((call) => call.name) ?? []) : translators[place.wire](recorded);
  return { place, exchange, model, isStream, upstreamPath: upstreamPath(place, model, isStream), body, said };
}

const extractors = { openai: extractOpenAi, gemini: extractGemini, cohere: extractCohere };
const translators = { openai: fromOpenAi, gemini: fromGemini, cohere: fromCohere };

function modelOf(exchange: Exchange, isStream: boolean): string {
  const inUrl = /\/models\/([^:]+):/.exec(exchange.request.uri ?? '')?.[1];
  if (inUrl) return decodeURIComponent(inUrl);
  const asked = recordedBody(exchange)?.model;
  if (typeof asked === 'string') return asked;
  const first = isStream ? /^data: ?(\{.*\})\s*$/m.exec(exchange.response.body)?.[1] : exchange.response.body;
  const { model, modelVersion } = JSON.parse(first ?? '{}');
  return model ?? modelVersion ?? 'recorded-model';
}

function upstreamPath(place: Place, model: string, isStream: boolean): string {
  if (place.wire === 'cohere') return '/v2/chat';
  if (place.wire === 'openai') return `${place.prefix}/chat/completions`;
  return `${place.prefix}/models/${model}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;
}

/** The usage a client sees, in the extractor's terms. */
export function clientUsage(usage: Record<string, unknown> | undefined, expected: SaidUsage): SaidUsage | null {
  if (!usage) return null;
  const part = (name: string, field: string) =>
    (usage[name] as Record<string, number> | null | undefined)?.[field] ?? undefined;
  const reasoning = part('completion_tokens_details', 'reasoning_tokens');
  const cached = part('prompt_tokens_details', 'cached_tokens');
  return {
    prompt: usage.prompt_tokens as number,
    completion: usage.completion_tokens as number,
    total: usage.total_tokens as number,
    // Details that the provider did not report may be there (as 0) or not.
    ...(expected.reasoning === undefined ? {} : { reasoning: reasoning as number }),
    ...(expected.cached === undefined ? {} : { cached: cached as number }),
  };
}
