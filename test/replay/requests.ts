import type { Exchange } from './recordings.js';

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of many shapes.
type Json = any;

/** A chat request as an OpenAI client would send it, without `model` and `stream`. */
export type ClientBody = Record<string, unknown> & { messages: unknown[] };

/** OpenAI-shaped requests go as they were recorded. */
export function fromOpenAi(body: Json): ClientBody {
  const { model: _model, stream: _stream, stream_options: _options, ...rest } = body;
  return rest;
}

/** Cohere's v2 request is close to OpenAI's: the choice is in capitals, `p` and `k` are short names. */
export function fromCohere(body: Json): ClientBody {
  const out: ClientBody = { messages: body.messages };
  if (body.tools) out.tools = body.tools;
  if (body.tool_choice) out.tool_choice = body.tool_choice.toLowerCase();
  if (body.max_tokens) out.max_tokens = body.max_tokens;
  if (body.temperature !== undefined) out.temperature = body.temperature;
  return out;
}

/** What Gemini was asked, in OpenAI's words: texts, images, calls and their results, function declarations, JSON output. */
export function fromGemini(body: Json): ClientBody {
  const messages: Json[] = [];
  const system = partsOf(body.systemInstruction)
    .map((part) => part.text ?? '')
    .join('\n\n');
  if (system) messages.push({ role: 'system', content: system });
  const openCalls: { id: string; name: string }[] = [];
  for (const content of listOf(body.contents)) messages.push(...fromContent(content, openCalls));
  const out: ClientBody = { messages };
  const declarations = listOf(body.tools).flatMap((tool) =>
    listOf(tool.functionDeclarations ?? tool.function_declarations),
  );
  if (declarations.length > 0) {
    out.tools = declarations.map((one: Json) => ({
      type: 'function',
      function: {
        name: one.name,
        description: one.description ?? '',
        parameters: one.parametersJsonSchema ?? one.parameters ?? { type: 'object', properties: {} },
      },
    }));
  }
  const config = body.generationConfig ?? {};
  if (config.responseMimeType === 'application/json') out.response_format = jsonFormat(config);
  if (config.maxOutputTokens) out.max_tokens = config.maxOutputTokens;
  if (config.temperature !== undefined) out.temperature = config.temperature;
  return out;
}

function jsonFormat(config: Json): Json {
  const schema = config.responseJsonSchema ?? config.responseSchema;
  return schema ? { type: 'json_schema', json_schema: { name: 'answer', schema } } : { type: 'json_object' };
}

function fromContent(content: Json, openCalls: { id: string; name: string }[]): Json[] {
  const parts = partsOf(content);
  const results = parts
    .filter((part) => part.functionResponse)
    .map(({ functionResponse: result }) => {
      const at = openCalls.findIndex((call) => call.name === result.name);
      const id = at < 0 ? `call_${result.name}` : openCalls.splice(at, 1)[0]?.id;
      return { role: 'tool', tool_call_id: id, content: JSON.stringify(result.response ?? {}) };
    });
  const calls = parts
    .filter((part) => part.functionCall)
    .map(({ functionCall: call }, at) => {
      const id = call.id ?? `call_${openCalls.length}_${at}`;
      openCalls.push({ id, name: call.name });
      return { id, type: 'function', function: { name: call.name, arguments: JSON.stringify(call.args ?? {}) } };
    });
  const pieces = parts.flatMap((part) => piecesOf(part));
  if (content.role === 'model') {
    const text = pieces.map((piece) => piece.text ?? '').join('');
    return [
      {
        role: 'assistant',
        content: text || (calls.length > 0 ? null : ''),
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
      },
    ];
  }
  return [...results, ...(pieces.length > 0 ? [{ role: 'user', content: pieces }] : [])];
}

/** Media other than images (video, audio, PDF, files by URI) has no place in OpenAI's images: its kind is named instead. */
function piecesOf(part: Json): Json[] {
  if (part.thought === true) return [];
  if (typeof part.text === 'string') return [{ type: 'text', text: part.text }];
  const media = part.inlineData ?? part.fileData;
  if (!media) return [];
  const type = media.mimeType ?? 'file';
  if (media.data && type.startsWith('image/')) {
    return [{ type: 'image_url', image_url: { url: `data:${type};base64,${standardBase64(media.data)}` } }];
  }
  return [{ type: 'text', text: `[${type}]` }];
}

function standardBase64(data: string): string {
  return data.replaceAll('-', '+').replaceAll('_', '/');
}

/** Google takes a single thing where a list is due. */
function listOf(value: Json): Json[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** A bare string is text. */
function partsOf(content: Json): Json[] {
  return listOf(content?.parts).map((part) => (typeof part === 'string' ? { text: part } : part));
}

/** A plain question for recordings without a request, offering the tools that the answer calls. */
export function plain(toolNames: readonly string[]): ClientBody {
  const out: ClientBody = { messages: [{ role: 'user', content: 'Please answer.' }] };
  if (toolNames.length > 0) {
    out.tools = [...new Set(toolNames)].map((name) => ({
      type: 'function',
      function: { name, description: 'A tool.', parameters: { type: 'object', properties: {} } },
    }));
  }
  return out;
}

/** The recorded request body; null where none was recorded (`vercel.*`). */
export function recordedBody(exchange: Exchange): Json | null {
  const { body } = exchange.request;
  return typeof body === 'object' ? body : null;
}
