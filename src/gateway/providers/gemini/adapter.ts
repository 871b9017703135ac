import type { ChatRequest } from '../../../protocol/chat.js';
import type { Adapter, AdapterTarget, UpstreamRequest } from '../adapter.js';
import type { AnswerContext } from './answerDecoder.js';
import { encodeMessages } from './contents.js';
import { encodeGenerationConfig } from './generationConfig.js';
import { modelTraits } from './models.js';
import { decodeGeminiBody } from './responseDecoder.js';
import { createSignatureCache, type SignatureCache } from './signatureCache.js';
import { createGeminiStreamDecoder } from './streamDecoder.js';
import { encodeTools } from './tools.js';
import type { JsonObject } from './wire.js';

/**
 * Google's native wire format, `generateContent` and `streamGenerateContent` (https://ai.google.dev/api/generate-content).
 *
 * The only state is the cache of thought signatures, which all requests of this instance share. `now` in ms since the
 * epoch.
 */
export function createGeminiAdapter(now: () => number = Date.now): Adapter {
  const signatures = createSignatureCache(now);
  const contextOf = (target: AdapterTarget): AnswerContext => ({ modelId: target.modelId, signatures, now });
  return {
    buildRequest: (request, target) => buildRequest(request, target, signatures),
    decodeBody: (text, _request, target) => decodeGeminiBody(text, contextOf(target)),
    createStreamDecoder: (_request, target) => createGeminiStreamDecoder(contextOf(target)),
  };
}

function buildRequest(request: ChatRequest, target: AdapterTarget, signatures: SignatureCache): UpstreamRequest {
  const { modelId } = target;
  const traits = modelTraits(modelId);
  const generationConfig = encodeGenerationConfig(request, traits, target.maxOutput);
  const body: JsonObject = {
    ...encodeMessages(request.messages, { modelId, traits, signatures }),
    ...encodeTools(request, traits),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
  };
  const headers: Record<string, string> = { 'content-type': 'application/json', ...target.provider.headers };
  // Never in the URL, where logs and proxies would keep it.
  if (target.secret !== null) headers['x-goog-api-key'] = target.secret;
  return { method: 'POST', url: urlOf(request, target), headers, body: JSON.stringify(body) };
}

function urlOf(request: ChatRequest, target: AdapterTarget): string {
  const id = target.modelId.replace(/^models\//, '');
  const path = id.split('/').map(encodeURIComponent).join('/');
  const method = request.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
  return `${target.baseUrl}/models/${path}:${method}`;
}
