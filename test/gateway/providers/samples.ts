import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AdapterTarget } from '../../../src/gateway/providers/adapter.js';
import { customProviderSpec, providerSpec } from '../../../src/gateway/providers/table.js';
import type { ChatRequest } from '../../../src/protocol/chat.js';

/** A plain request, with fields of the test's own. */
export function sampleRequest(fields: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], stream: false, ...fields };
}

/** A model of a provider of the table (or a custom one), reached at its usual base URL. */
export function sampleTarget(provider: string, fields: Partial<AdapterTarget> = {}): AdapterTarget {
  const spec = providerSpec(provider) ?? customProviderSpec(provider, { baseUrl: 'http://127.0.0.1:9/v1' });
  return { provider: spec, baseUrl: spec.baseUrl, modelId: 'm', secret: 'secret', ...fields };
}

export interface Exchange {
  file: string;
  request: { uri: string | null; body: { stream?: boolean } | null };
  response: { status: number; headers: Record<string, string>; body: string };
}

/** Recorded chat exchanges of one provider; null where the recordings are not at hand. */
export function recordedChats(provider: string): Exchange[] | null {
  const root = process.env.FREELLM_RECORDINGS ?? path.resolve('../shared/recordings');
  const folder = path.join(root, provider);
  if (!existsSync(folder)) return null;
  return readdirSync(folder).flatMap((file) => {
    const { interactions } = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { interactions: Exchange[] };
    if (file.includes('transcription')) return [];
    return interactions.filter(isChat).map((exchange) => ({ ...exchange, file }));
  });
}

function isChat(exchange: Pick<Exchange, 'request' | 'response'>): boolean {
  const { uri } = exchange.request;
  // Recordings without a URL are chats.
  return exchange.response.status === 200 && (uri === null || /chat(?:\/completions)?$/.test(uri));
}

/** The events of a recorded stream, split the plain way. */
export function sseEvents(body: string): { event: string | undefined; data: string }[] {
  return body
    .split(/\r?\n\r?\n/)
    .map((block) => {
      const lines = block.split(/\r?\n/);
      const event = lines
        .find((line) => line.startsWith('event:'))
        ?.slice(6)
        .trim();
      const data = lines
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).replace(/^ /, ''))
        .join('\n');
      return { event, data };
    })
    .filter(({ data }) => data !== '');
}

export function isStream(exchange: Exchange): boolean {
  return /^(?:event|data|:)/.test(exchange.response.body.trimStart());
}
