import type { Exchange, Recording } from './recordings.js';

/**
 * Exchanges that are not chat completions, each kind with the reason why this test does not replay it. Everything that
 * no row matches is a chat exchange and must be replayed.
 */
export const leftOut: readonly { reason: string; matches(recording: Recording, exchange: Exchange): boolean }[] = [
  {
    reason: 'embeddings: the gateway has no embeddings surface yet',
    matches: (_recording, { request }) => /\/v2\/embed$|:batchEmbedContents$/.test(pathOf(request.uri)),
  },
  {
    reason: "DeepSeek's Responses API: upstreams are asked by chat completions only",
    matches: ({ provider }, { request }) => provider === 'deepseek' && pathOf(request.uri) === '/responses',
  },
  {
    reason: 'transcription of audio: no audio surface yet',
    matches: ({ file }) => /\/vercel\.(?:groq|mistral)-transcription[^/]*$/.test(file),
  },
  {
    reason: "Google's file search stores (create, delete): account administration, not chat",
    matches: (_recording, { request }) => /^\/v1beta\/fileSearchStores(?:\/|$)/.test(pathOf(request.uri)),
  },
  {
    reason: "uploads into Google's file search stores: not chat",
    matches: (_recording, { request }) => pathOf(request.uri).startsWith('/upload/'),
  },
  {
    reason: "Google's cachedContents (create, delete): a paid feature that OpenAI's chat API has no words for",
    matches: (_recording, { request }) => /^\/v1beta\/cachedContents(?:\/|$)/.test(pathOf(request.uri)),
  },
  {
    reason: 'countTokens: the gateway estimates by itself and asks nobody',
    matches: (_recording, { request }) => pathOf(request.uri).endsWith(':countTokens'),
  },
  {
    reason: "Cohere's tokenize: the gateway estimates by itself and asks nobody",
    matches: (_recording, { request }) => pathOf(request.uri) === '/v1/tokenize',
  },
  {
    reason: 'GET models: a list of models, read by discovery (test/replay/discovery.test.ts), not a chat',
    matches: (_recording, { request }) => request.method === 'GET' && pathOf(request.uri).endsWith('/models'),
  },
];

/** Why this exchange is not replayed; null when it is a chat exchange. */
export function reasonLeftOut(recording: Recording, exchange: Exchange): string | null {
  return leftOut.find((row) => row.matches(recording, exchange))?.reason ?? null;
}

function pathOf(uri: string | null): string {
  return uri === null ? '' : new URL(uri).pathname;
}
