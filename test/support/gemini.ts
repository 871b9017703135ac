import { type Handler, json, type ProviderRequest, sse, sseText } from './provider.js';

export type GeminiPart = Record<string, unknown>;

/** One `generateContent` answer (or one chunk of a stream), after Google's documentation. */
export function geminiBody(
  parts: GeminiPart[],
  finish: string | null = 'STOP',
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...(finish === null ? {} : { finishReason: finish }) }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
    modelVersion: 'gemini-3-flash-preview',
    responseId: 'resp-fake',
    ...more,
  };
}

/** Streams these bodies as Gemini does with `alt=sse`: no end marker. */
export function geminiStream(bodies: readonly unknown[]): Handler {
  return sse(sseText(bodies).replaceAll('\n\n', '\r\n\r\n'));
}

/** Answers whole or as a stream, whichever the path asks for. The stream ends with a chunk of its own. */
export function gemini(chunks: readonly GeminiPart[][], finish = 'STOP'): Handler {
  return (request, response, n) => {
    if (!isGeminiStream(request)) return json(200, geminiBody(chunks.flat(), finish))(request, response, n);
    const bodies = chunks.map((parts, index) => geminiBody(parts, index === chunks.length - 1 ? finish : null));
    return geminiStream(bodies)(request, response, n);
  };
}

export function isGeminiStream(request: ProviderRequest): boolean {
  return request.url.includes(':streamGenerateContent');
}

/** Google's error shape. */
export function geminiError(code: number, status: string, message: string, details: unknown[] = []): Handler {
  return json(code, { error: { code, message, status, details } });
}
